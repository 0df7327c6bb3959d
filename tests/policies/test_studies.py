"""Studies: fewer labels, parts of the features, a group that was not fitted on."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from budget.errors import PolicyError
from policies.ablations import VIEWS, ablation_study, columns_of, views_ms
from policies.evaluation import measured
from policies.features import current_schema
from policies.gaps import GapMeter
from policies.label_counts import label_study, parse_counts
from policies.study_figures import draw_labels
from policies.study_fit import StudyData, closed_by, fit_rule, seeded
from policies.unseen_groups import unseen_group_study

TOKENS = np.array([1.0, 4.0, 16.0])
NAMES = current_schema().names


def table(n, seed, *, tells):
    """A column that tells which rung is enough, among columns of noise; groups need opposites."""
    rng = np.random.default_rng(seed)
    need = rng.integers(0, 3, size=n)
    groups = rng.integers(0, 2, size=n)
    features = rng.normal(size=(n, len(NAMES)))
    features[:, NAMES.index(tells)] = 2.0 * need
    features[:, NAMES.index("asks_counting")] = groups
    scores = (np.arange(3) >= need[:, None]).astype(float)
    return features, scores, np.array(["easy", "hard"])[groups]


def study(tells="luma_mean", n=400):
    features, scores, groups = table(n, 0, tells=tells)
    test_features, test_scores, test_groups = table(300, 1, tells=tells)
    return StudyData(
        features,
        scores,
        groups,
        test_features,
        measured(test_scores, TOKENS, groups=test_groups.tolist()),
    )


def linear(seed):
    return LinearRegression()


def tree(seed):
    return DecisionTreeRegressor(max_depth=4, random_state=seed)


def test_a_fit_closes_what_the_gap_meter_says():
    data = study()
    closed = closed_by(
        data.test, {"all": [fit_rule(data, linear)]}, "all", np.random.default_rng(0), resamples=30
    )["all"]
    expected = LinearRegression().fit(data.features, data.scores).predict(data.test_features)
    gap = GapMeter(data.test.scores, TOKENS).measure(expected)
    assert closed.stable == pytest.approx(gap.stable)
    assert closed.any_correct == pytest.approx(gap.any_correct)
    assert closed.stable_95.low <= closed.stable <= closed.stable_95.high
    assert (closed.behind, *closed.behind_95) == (0.0, 0.0, 0.0)


def test_fits_of_one_rule_count_by_their_mean():
    data, rng = study(), np.random.default_rng(0)
    good, bad = fit_rule(data, linear), fit_rule(data, linear, columns=np.array([0, 1]))
    found = closed_by(data.test, {"good": [good], "bad": [bad], "two": [good, bad]}, "good", rng)
    assert found["two"].stable == pytest.approx((found["good"].stable + found["bad"].stable) / 2)
    assert found["two"].behind == pytest.approx(found["bad"].behind / 2)
    assert found["bad"].behind_95.low > 0


def test_more_labels_close_more_and_nothing_is_lost_to_all():
    data, done = study(n=600), []
    rows = label_study(
        data,
        linear,
        [170, 600],
        np.random.default_rng(0),
        draws=2,
        resamples=20,
        progress=lambda *now: done.append(now),
    )
    assert [row.labels for row in rows] == [170, 600]
    assert rows[0].closed.stable < rows[1].closed.stable - 0.05
    assert rows[0].closed.behind == pytest.approx(rows[1].closed.stable - rows[0].closed.stable)
    assert rows[1].closed.behind == 0.0
    assert np.mean(rows[0].draws) == pytest.approx(rows[0].closed.stable)
    assert rows[1].draws[0] == pytest.approx(rows[1].draws[1])  # all labels, no seed
    assert rows[1].per_group.stable < 0.1
    assert done[-1] == (4, 4)


def test_numbers_of_labels_are_read_and_refused():
    assert parse_counts("all,250,1000", 1000) == [250, 1000]
    assert parse_counts("250,4000", 1000) == [250]
    for text in ("0", "many", "-5", "2.5"):
        with pytest.raises(ValueError, match="positive numbers or 'all'"):
            parse_counts(text, 1000)
    with pytest.raises(ValueError, match="there are 10 labels"):
        parse_counts("250", 10)


@pytest.mark.parametrize(
    ("tells", "blind"), [("luma_mean", "question alone"), ("num_words", "picture alone")]
)
def test_the_view_that_does_not_see_what_tells_closes_nothing(tells, blind):
    rows = {
        row.view: row
        for row in ablation_study(study(tells), tree, NAMES, np.random.default_rng(0), resamples=20)
    }
    assert list(rows) == list(VIEWS)
    assert rows["picture and question"].closed.stable > 0.6
    assert rows[blind].closed.stable < 0.15
    assert rows[blind].closed.behind_95.low > 0.3
    assert rows["both, apart"].num_columns < rows["picture and question"].num_columns == len(NAMES)


def test_views_share_no_column_that_is_not_theirs():
    picture, question = (set(columns_of(v, NAMES)) for v in ("picture alone", "question alone"))
    assert not picture & question
    assert picture | question == set(columns_of("both, apart", NAMES))
    with pytest.raises(ValueError, match="no view 'smell'"):
        columns_of("smell", NAMES)


def test_a_picture_takes_longer_to_look_at_than_its_question():
    ms = views_ms(np.random.default_rng(0), repeats=1)
    assert 0 < ms["question alone"] < ms["picture alone"] < 100


def test_a_group_of_its_own_kind_is_lost_when_left_out():
    """In one group the telling column says the opposite of what it says in the other."""
    rng = np.random.default_rng(0)

    def opposites(n):
        features, scores, groups = table(n, int(rng.integers(99)), tells="luma_mean")
        hard = groups == "hard"
        at = NAMES.index("luma_mean")
        features[hard, at] = 4.0 - features[hard, at]
        return features, scores, groups

    fit, judged = opposites(800), opposites(400)
    test = measured(judged[1], TOKENS, groups=judged[2].tolist())
    data = StudyData(*fit, judged[0], test)
    rows = unseen_group_study(data, tree, np.random.default_rng(0), resamples=20)
    assert [row.group for row in rows] == ["easy", "hard"]
    for row in rows:
        assert row.num_fit == (fit[2] == row.group).sum()
        assert row.seen.stable > 0.6
        assert row.unseen.stable < 0.5
        assert row.unseen.behind_95.low > 0.3


def test_one_group_cannot_be_left_out():
    data = study()._replace(groups=np.array(["all"] * 400))
    with pytest.raises(ValueError, match="needs two groups"):
        unseen_group_study(data, linear, np.random.default_rng(0))


def test_a_family_gets_a_seed_and_an_unknown_one_is_refused():
    assert seeded("lightgbm")(7).random_state == 7
    with pytest.raises(PolicyError, match="no family 'magic'"):
        seeded("magic")


def test_the_picture_of_labels_is_drawn(tmp_path):
    rows = label_study(
        study(n=300), linear, [200, 300], np.random.default_rng(0), draws=1, resamples=5
    )
    draw_labels(rows, tmp_path / "new" / "labels.png")
    assert (tmp_path / "new" / "labels.png").read_bytes().startswith(b"\x89PNG")
