"""Why a request got its scale: constructed policies whose truth is known, families, the shipped."""

from io import BytesIO

import numpy as np
import pytest
from known_policies import NAMES, column, looking, rows
from PIL import Image, ImageDraw

from budget.budgets import Budget
from budget.choice_path import worthiest
from budget.errors import DataError, PolicyError
from budget.ladder import ScaleLadder
from budget.shipped import shipped_folder
from policies import featurize, load_policy
from policies.allocation import relative_costs
from policies.background import Background
from policies.budget_solver import hash_draws
from policies.contributions import background_in, contributions, explain_row
from policies.families import FAMILIES, make_estimator
from policies.feature_groups import GROUPS, group_columns, group_of
from policies.logistic import LogisticScores
from policies.mean_scores import MeanScores
from policies.post_vision import PostVisionPolicy
from policies.pricing import fit_score_policy
from policies.shapley import shapley_values

TYPICAL = rows(24)
MEAN, LOGISTIC = MeanScores(), LogisticScores()
SMALL = {
    "calibrated": {"estimator": LOGISTIC, "folds": 2},
    "ensemble": {"estimators": [("mean", MEAN), ("lines", LOGISTIC)], "folds": 2},
    "joint-lightgbm": {"max_trees": 10},
    "lightgbm": {"max_trees": 10},
    "ordinal": {"base": "logistic"},
    "shared": {"estimator": LOGISTIC, "folds": 2},
}


def adds_up(found):
    groups = found.groups
    assert {group.name for group in groups} == {group.name for group in GROUPS}
    bits, gain = (sum(values) for values in zip(*(group[2:4] for group in groups), strict=True))
    assert bits == pytest.approx(found.log2_tokens - found.usual_log2_tokens, abs=1e-9)
    assert gain == pytest.approx(found.gain - found.usual_gain, abs=1e-9)


@pytest.mark.parametrize(
    "feature", ["log_area", "hue_share", "strokes_both", "asks_reading", "words_03", "named_share"]
)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_who_looks_at_one_feature_is_moved_by_its_group_alone(feature, value):
    policy = looking(lambda X: X[:, column(feature)])
    row = rows(1, seed=5)
    row[0, column(feature)] = value
    found = explain_row(policy, row, TYPICAL)
    adds_up(found)
    first, *others = found.groups
    assert first.name == group_of(feature)
    assert first.log2_tokens == pytest.approx(found.log2_tokens - found.usual_log2_tokens)
    assert np.sign(first.log2_tokens) == np.sign(first.gain) == (1 if value else -1)
    assert all(group.log2_tokens == group.gain == 0 and not group.claim for group in others)
    assert found.num_visual_tokens == (16 if value else 1)


def test_who_looks_at_nothing_is_moved_by_nothing():
    found = explain_row(looking(lambda X: 0.7), rows(1, seed=5), TYPICAL)
    assert all(group.log2_tokens == group.gain == 0 for group in found.groups)
    assert found.sentence == f"{found.num_visual_tokens} tokens, as is usual"


def test_two_features_that_add_up_share_what_they_add():
    area, fine = column("log_area"), column("fineness_colour")
    policy = looking(lambda X: (X[:, area] + X[:, fine]) / 2)
    row = rows(1, seed=5)
    found = {group.name: group.gain for group in explain_row(policy, row, TYPICAL).groups}
    # The gain is 0.9 of the load, which no clipping touches.
    assert found["size"] == pytest.approx(0.45 * (row[0, area] - TYPICAL[:, area].mean()))
    assert found["detail"] == pytest.approx(0.45 * (row[0, fine] - TYPICAL[:, fine].mean()))


def test_contributions_are_those_of_the_definition_in_full():
    weights = np.random.default_rng(1).normal(size=(len(NAMES), 4)) / 6
    policy = looking(lambda X: 0.5 + 0.5 * np.tanh(np.sin(X @ weights).sum(axis=1)))
    typical, row = TYPICAL[:3], rows(1, seed=6)
    columns = group_columns()
    values = []
    for coalition in range(1 << len(GROUPS)):
        table = typical.copy()
        for i, group in enumerate(GROUPS):
            if coalition >> i & 1:
                table[:, columns[group.name]] = row[0, columns[group.name]]
        scores = policy.predictor.predict(table)
        rungs = worthiest(scores, relative_costs(policy.rung_costs[None])[0], 0.1)
        values.append([np.log2([1, 4, 16])[rungs].mean(), (scores[:, 2] - scores[:, 0]).mean()])
    wanted = shapley_values(np.array(values))
    found = {group.name: group[2:4] for group in explain_row(policy, row, typical).groups}
    assert np.array([found[group.name] for group in GROUPS]) == pytest.approx(wanted, abs=1e-9)


# The shipped policy's predictor has networks, whose fit alone would take all the time there is.
@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"network"}))
def test_contributions_of_every_family_add_up(family):
    X = rows(150, seed=2) * 10
    y = (X[:, : 3 * 4 : 4] > 4).astype(float)
    policy = fit_score_policy(
        fit_features=X[:100],
        fit_scores=y[:100],
        calibration_features=X[100:],
        calibration_scores=y[100:],
        ladder=ScaleLadder((1, 4, 16)),
        predictor=make_estimator(family, **SMALL.get(family, {})),
    )
    typical = background_in(policy).features[:4]
    found = explain_row(policy, X[120:121], typical)
    adds_up(found)
    chosen = policy.choose_from(policy.predictor.predict(X[120:121]))[0]
    assert found.num_visual_tokens == policy.ladder[int(chosen)]


@pytest.fixture(scope="module")
def shipped():
    return load_policy(shipped_folder("m3") / "policy")


def few(policy):
    """Return so few typical requests that a test is fast."""
    return Background(background_in(policy).features[::4])


def scene(*, text):
    picture = Image.new("RGB", (96, 96), "#a0a0a0")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((8, 40, 60, 90), fill="red")
    if text:
        for y in range(4, 90, 9):
            draw.text((4, y), "bfkq 20481 wxz", fill="black")
    return picture


BUDGETS = [
    None,
    Budget(price=0.2),
    Budget(mean_tokens=20.0),
    Budget(mean_tokens=7.3),
]


@pytest.mark.parametrize("budget", BUDGETS)
def test_the_shipped_policy_says_why_it_chose_what_it_chose(shipped, budget):
    picture, question = scene(text=budget is None), "What does the sign say?"
    found = contributions(shipped, picture, question, budget=budget, background=few(shipped))
    decision = shipped.choose([picture], [question], budget=budget)
    assert found.num_visual_tokens == shipped.ladder[int(decision.rungs[0])]
    assert found.scores == pytest.approx(decision.scores[0], abs=1e-12)
    adds_up(found)
    assert found.sentence.startswith(f"{found.num_visual_tokens} token")


def test_who_draws_less_than_the_share_pays_the_lower_price(shipped):
    budget = Budget(mean_tokens=7.3)
    mix = shipped.mix_of(budget)
    assert mix.share
    picture, asked = scene(text=False), [f"How many dots are in row {i}?" for i in range(12)]
    lower = hash_draws(featurize([picture] * 12, asked)) < mix.share
    for pays_lower, price in ((True, mix.lower), (False, mix.price)):
        question = asked[np.flatnonzero(lower == pays_lower)[0]]
        found = contributions(shipped, picture, question, budget=budget, background=few(shipped))
        assert found.price == price


def test_bytes_are_explained_as_they_are_chosen_for(shipped):
    file = BytesIO()
    scene(text=True).save(file, "JPEG")
    found = contributions(shipped, file.getvalue(), "What is written?", background=few(shipped))
    assert found.scores == pytest.approx(
        shipped.predict_scores([file.getvalue()], ["What is written?"])[0], abs=1e-12
    )
    with pytest.raises(DataError):
        contributions(shipped, b"no image", "What is written?")


def test_a_fixed_scale_was_not_chosen(shipped):
    budget = Budget(num_visual_tokens=36)
    found = contributions(shipped, scene(text=False), "What?", budget=budget)
    assert found.sentence == "36 tokens, as was asked for: the policy did not choose"
    assert found.groups == ()
    assert np.isnan(found.price)
    with pytest.raises(ValueError, match="35"):
        contributions(shipped, scene(text=False), "?", budget=Budget(num_visual_tokens=35))


def test_without_typical_requests_one_line_says_how_to_add_them():
    policy = looking(lambda X: 0.5)
    with pytest.raises(PolicyError, match="add them with 'budget policy background --policy"):
        contributions(policy, scene(text=False), "What?")
    given = Background(featurize([scene(text=True)] * 5, ["What?"] * 5))
    assert contributions(policy, scene(text=False), "What?", background=given).usual_gain == 0.45


def test_a_policy_that_sees_more_than_features_is_refused():
    with pytest.raises(PolicyError, match="'post-vision' sees more than those"):
        contributions(object.__new__(PostVisionPolicy), scene(text=False), "What?")


def test_measured_tokens_count_where_they_are_known(shipped):
    from policies.rung_means import RungMeans

    means = RungMeans(np.array([2.0, 5.0, 11.0]))
    policy = looking(lambda X: X[:, 0], extras={"rungs": means})
    found = explain_row(policy, np.ones((1, len(NAMES))), TYPICAL)
    assert found.log2_tokens == np.log2(11.0)
    assert found.num_visual_tokens == 16


def test_the_usual_scale_lies_on_the_side_that_contributions_say():
    policy = looking(lambda X: X[:, 0])
    for value in np.linspace(0, 1, 21):
        row = replace_first(rows(1, seed=8), value)
        found = explain_row(policy, row, TYPICAL)
        if found.num_visual_tokens != found.usual_tokens:
            more = found.num_visual_tokens > found.usual_tokens
            assert (found.log2_tokens > found.usual_log2_tokens) == more


def replace_first(table, value):
    table = table.copy()
    table[0, 0] = value
    return table
