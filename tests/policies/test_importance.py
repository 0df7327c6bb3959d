"""What shuffling features changes: policies whose truth is known, and sums done by hand."""

import numpy as np
import pytest
from known_policies import LADDER, NAMES, column, looking, rows

from budget.budgets import Budget
from budget.shipped import shipped_folder
from policies.families import FAMILIES, make_estimator
from policies.feature_groups import GROUPS, group_columns, group_of, words_of
from policies.gaps import GapMeter
from policies.importance import importance
from policies.importance_figures import draw_importance
from policies.importance_words import in_words
from policies.pricing import fit_score_policy
from policies.shuffling import Resampling

FIELDS = ("changed", "moved", "utility_lost", "gap_lost")


def world(name="log_area", n=200, seed=3):
    """Samples that need the dearer rungs the larger one feature is, and a policy that knows it."""
    X = rows(n, seed)
    need = np.minimum((X[:, column(name)] * 3).astype(int), 2)
    scores = (np.arange(3) >= need[:, None]).astype(float)
    return looking(lambda table: table[:, column(name)]), X, scores


def measure(policy, X, scores, **more):
    settings = {"draws": 3, "resamples": 60}
    return importance(policy, X, scores, np.random.default_rng(0), **{**settings, **more})


@pytest.mark.parametrize("feature", ["log_area", "fineness_colour", "asks_reading", "named_share"])
def test_all_of_it_is_on_the_group_that_is_looked_at(feature):
    table = measure(*world(feature))
    first, *others = table.groups
    assert first.name == group_of(feature)
    assert first.num_columns == len(group_columns()[first.name])
    assert first.changed.low > 0.2
    assert first.moved.low > 0.4
    assert first.utility_lost.low > 0.02
    assert first.gap_lost.low > 0.3
    assert table.gap_closed > 0.3
    for other in others:
        assert all(getattr(other, field) == (0, 0, 0) for field in FIELDS)


def test_single_features_are_told_apart():
    table = measure(*world("height_50", n=60), singles=True, draws=2, resamples=10)
    assert table.groups[0].name == "things"
    assert len(table.features) == len(NAMES)
    first, *others = table.features
    assert first.name == "height_50"
    assert first.changed.value > 0.3
    assert all(row.changed.value == 0 for row in others)


def test_who_looks_at_nothing_loses_nothing():
    _, X, scores = world()
    table = measure(looking(lambda features: 0.5), X, scores)
    assert all(getattr(row, field).value == 0 for row in table.groups for field in FIELDS)
    (words,) = in_words("blind", table)
    assert words.startswith("Shuffling any group of features among 200 samples changes none")


def test_figures_are_those_of_the_shuffled_table():
    policy, X, scores = world()
    found = measure(policy, X, scores, draws=1)
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = X.copy()
    columns = group_columns()["size"]
    shuffled[:, columns] = X[order][:, columns]
    own, other = (policy.predictor.predict(table) for table in (X, shuffled))
    relative = np.array([1.0, 4.0, 16.0]) / 16
    before, after = ((table - 0.1 * relative).argmax(axis=1) for table in (own, other))
    row = found.groups[0]
    assert row.changed.value == (before != after).mean()
    logs = np.array([0.0, 2.0, 4.0])
    assert row.moved.value == pytest.approx(np.abs(logs[before] - logs[after]).mean())
    samples = np.arange(len(X))
    worth = scores - 0.1 * relative
    lost = worth[samples, before].mean() - worth[samples, after].mean()
    assert row.utility_lost.value == pytest.approx(lost)
    meter = GapMeter(scores, np.array([1.0, 4.0, 16.0]))
    gap = meter.measure(own).stable
    assert found.gap_closed == pytest.approx(gap)
    assert row.gap_lost.value == pytest.approx(gap - meter.measure(other).stable)


def test_intervals_hold_the_value_and_narrow_with_samples():
    policy, X, scores = world(n=800)
    few, many = (measure(policy, X[:n], scores[:n], resamples=200) for n in (80, 800))
    for field in FIELDS:
        narrow, wide = getattr(many.groups[0], field), getattr(few.groups[0], field)
        assert narrow.low < narrow.value < narrow.high
        assert narrow.high - narrow.low < 0.7 * (wide.high - wide.low)


def test_intervals_are_those_of_drawing_again():
    """The bootstrap's interval is as wide as means of fresh samples are spread."""
    again = Resampling(seed=1, num_samples=100, draws=2, resamples=2000)
    numbers = np.random.default_rng(0).normal(size=(1, 2, 100))
    ((value, low, high),) = again.means(numbers)
    assert value == pytest.approx(numbers.mean())
    # Two shuffles of 100 samples: the variance of a mean of 200, and samples count in pairs.
    assert (high - low) / (2 * 1.96) == pytest.approx(numbers.std() / 10, rel=0.3)
    assert again.means(numbers) == again.means(numbers)


def test_at_another_price_other_choices_are_looked_at():
    policy, X, scores = world()
    free, dear = (measure(policy, X, scores, price=price) for price in (0.0, 50.0))
    assert dear.price == 50.0
    assert dear.groups[0].changed.value == 0
    of_size = next(row for row in dear.groups if row.name == "size")
    assert of_size.gap_lost == pytest.approx(free.groups[0].gap_lost)
    none, lost = in_words("mine", dear)
    assert "changes none of the choices of mine at price 50" in none
    assert "the size and shape of the image" in lost


def test_an_oracle_that_gains_nothing_leaves_no_gap_to_lose():
    policy, X, _ = world()
    table = measure(policy, X, np.ones((len(X), 3)))
    assert np.isnan(table.gap_closed)
    assert np.isnan(table.groups[0].gap_lost.value)
    assert any("no gap to lose" in sentence for sentence in in_words("p", table))


@pytest.mark.parametrize("family", sorted({"geometry", "mean", "neighbours", "lightgbm"}))
def test_families_lose_by_what_they_were_fitted_on(family):
    assert family in FAMILIES
    _, X, scores = world("log_area", n=360)
    settings = {"max_trees": 20} if family == "lightgbm" else {}
    policy = fit_score_policy(
        fit_features=X[:240],
        fit_scores=scores[:240],
        calibration_features=X[240:300],
        calibration_scores=scores[240:300],
        ladder=LADDER,
        predictor=make_estimator(family, **settings),
    )
    price = policy.price_of(Budget(mean_tokens=6.0))
    table = measure(policy, X[300:], scores[300:], price=price, resamples=20)
    if family == "mean":
        assert all(row.moved.value == 0 for row in table.groups)
    else:
        assert table.groups[0].name == "size"
        assert table.groups[0].changed.value > 0.1


def test_real_tokens_count_for_the_gap_alone():
    policy, X, scores = world()
    tokens = np.array([1.0, 4.0, 16.0]) * np.random.default_rng(0).uniform(0.5, 1, (len(X), 1))
    given, planned = measure(policy, X, scores, tokens=tokens), measure(policy, X, scores)
    assert given.groups[0].changed == planned.groups[0].changed
    assert given.groups[0].gap_lost != planned.groups[0].gap_lost


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": 0}, "draws must be at least 1, got 0"),
        ({"X": rows(1), "scores": np.ones((1, 3))}, "at least two samples"),
        ({"scores": np.ones((200, 4))}, r"scores \[n, 3\]"),
        ({"X": np.ones((200, 5))}, r"got \(200, 5\)"),
        ({"resamples": 0}, "resamples"),
        ({"price": -1.0}, "price must be a number of at least 0, got -1"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    policy, X, scores = world()
    given = {"X": X, "scores": scores} | change
    with pytest.raises(ValueError, match=message):
        measure(policy, given.pop("X"), given.pop("scores"), **given)


def test_words_say_what_matters_most_and_no_more_than_intervals_allow():
    policy, X, scores = world("fineness_colour")
    first, lost, still = in_words("mine", measure(policy, X, scores))
    assert first.startswith("The choices of mine at price 0.1 are moved most by the fine detail of")
    assert "though not surely" not in first
    assert "the fine detail of the image" in lost
    others = [group.words for group in GROUPS if group.name != "detail"]
    assert all(words in still for words in others)

    both = looking(lambda X: (X[:, column("fineness_colour")] + X[:, column("log_area")]) / 2)
    first, following, *_ = in_words("mine", measure(both, X, scores))
    assert "though not surely more than" in first
    assert following.startswith("Next comes ")


def test_a_picture_shows_every_group(tmp_path):
    table = measure(*world(), singles=True, draws=1, resamples=5)
    figure = draw_importance({"mine": table, "other": table})
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [row.words for row in table.groups]
    assert set(labels) == {words_of(group.name) for group in GROUPS}
    figure.savefig(tmp_path / "groups.png")
    alone = draw_importance({"mine": table}, singles=True)
    assert len(alone.axes[0].get_yticklabels()) == 20
    assert "95 %" in alone.axes[0].get_xlabel()


def test_the_shipped_policy_loses_by_fine_detail():
    from policies import load_policy
    from policies.background import KIND

    policy = load_policy(shipped_folder("m3") / "policy")
    typical = policy.extras[KIND].features
    scores = policy.predictor.predict(typical).clip(0, 1)
    table = measure(policy, typical, scores, price=0.2, resamples=20)
    rank = [row.name for row in table.groups]
    assert rank.index("detail") < rank.index("strokes")
    assert table.groups[0].changed.value > 0
    sized = next(row for row in table.groups if row.name == "size")
    assert sized.moved.value == 0  # all of the testbed's pictures have one size
