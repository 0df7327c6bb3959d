"""Costs that differ from sample to sample: what is charged, chosen by and exact."""

from itertools import product

import numpy as np
import pytest

from budget.budgets import Budget
from budget.errors import DataError, PolicyError
from budget.ladder import ScaleLadder
from budget.rung_tokens import told_apart
from budget.stable import stable_scores
from policies import load_policy, rung_means
from policies.allocation import Sweep, choose_rungs, solve_price
from policies.calibration import calibrate
from policies.equal_cost import Key, Weighted, figures
from policies.evaluation import Evaluator, evaluate, measured
from policies.families import make_estimator
from policies.features import current_schema
from policies.frontier import gap_closed_area
from policies.govern_command import served_of
from policies.hull import fixed_hull
from policies.judging import Judged
from policies.predictor_state import PredictorState
from policies.pricing import fit_score_policy
from policies.random_mix import RandomMixPolicy
from policies.risk_options import known_flops
from policies.rules import PER_GROUP, Contest, oracles_of, per_group_of, sweep_of
from policies.rung_costs import rung_costs
from policies.rung_means import RungMeans, column_means, restore

LADDER = ScaleLadder((16, 64, 256))
EXACT = np.array(LADDER.scales, dtype=float)


class Curves:
    """Pictures of which a third are so small that no cap but the first binds."""

    def __init__(self, n, seed=0):
        rng = np.random.default_rng(seed)
        small = np.arange(n) % 3 == 0
        caps = np.array(LADDER.scales)
        self.num_visual_tokens = np.where(
            small[:, None], np.minimum(caps, 20), caps - rng.integers(0, 12, size=(n, 3))
        )
        need = np.where(small, 0, rng.integers(0, 3, size=n))
        self.scores = (np.arange(3) >= need[:, None]).astype(float)
        noise = rng.random((n, 1)) < 0.1
        self.scores = np.where(noise & ~small[:, None], 1 - self.scores, self.scores)
        self.features = rng.normal(size=(n, len(current_schema())))
        self.features[:, :2] = np.column_stack([need, small])
        self.flops = 1e6 * (50 + self.num_visual_tokens) + rng.integers(0, 2, (n, 3)) * 4e7
        self.groups = np.where(small, "small", "large")
        self.sample_ids = np.array([f"{seed}-{i}" for i in range(n)])
        self.seconds = self.flops / 1e9
        self.scales = LADDER.scales


def fitted(cost="tokens", **more):
    fit, held_out = Curves(300, 1), Curves(200, 2)
    costs = rung_costs(cost, fit, model=None)
    return fit_score_policy(
        fit_features=fit.features,
        fit_scores=fit.scores,
        calibration_features=held_out.features,
        calibration_scores=held_out.scores,
        ladder=LADDER,
        rung_costs=costs.costs,
        cost_unit=costs.unit,
        predictor=make_estimator("logistic"),
        **{
            "calibration_tokens": held_out.num_visual_tokens,
            "calibration_flops": known_flops(held_out),
            **more,
        },
    ), held_out


@pytest.fixture(scope="module")
def policy():
    return fitted()[0]


def test_a_rung_costs_what_samples_took_on_average():
    curves = Curves(300)
    found = rung_costs("tokens", curves, model=None)
    np.testing.assert_allclose(found.costs, curves.num_visual_tokens.mean(axis=0))
    curves.num_visual_tokens = np.tile([20, 20, 40], (300, 1))
    costs = rung_costs("tokens", curves, model=None).costs
    assert (np.diff(costs) > 0).all()
    np.testing.assert_allclose(costs, [20, 20, 40], rtol=1e-5)
    curves.num_visual_tokens = np.zeros((300, 3), dtype=int)
    with pytest.raises(DataError, match="no sample of the curves has visual tokens"):
        rung_costs("tokens", curves, model=None)


def test_costs_that_rise_are_returned_as_they_are():
    costs = np.array([0.1, 0.3, 1e9])
    assert told_apart(costs) is costs
    assert (np.diff(told_apart([5.0, 3.0, 3.0, 0.0])) > 0).all()


def test_means_of_equal_rows_are_exact_under_any_weights():
    weights = np.random.default_rng(0).random(7)
    table = np.tile([0.1, 7.7, 576.0], (7, 1))
    assert column_means(table, weights).tolist() == [0.1, 7.7, 576.0]
    assert column_means(np.array([[1.0], [4.0]]), np.array([2.0, 1.0])).tolist() == [2.0]


def test_exact_scales_give_the_same_whether_said_once_or_for_every_sample():
    curves = Curves(120)
    said = [
        measured(curves.scores, tokens, groups=curves.groups.tolist(), flops=curves.flops)
        for tokens in (EXACT, np.tile(LADDER.scales, (120, 1)))
    ]
    expected = curves.scores * 0.8 + 0.1
    rows = [
        evaluate(
            data,
            expected=expected,
            prices={"p": 0.2},
            group_expected=per_group_of(data, data.groups, data.scores).expected,
            rng=np.random.default_rng(0),
            resamples=20,
        )
        for data in said
    ]
    np.testing.assert_equal(rows[0], rows[1])
    weights = np.random.default_rng(1).integers(0, 3, size=120).astype(float)
    found = [
        figures(
            Weighted(Contest(d, {"r": sweep_of(d, expected)}, oracles_of(d), (), ["r"]), weights),
            [20.0, 100.0],
        )
        for d in said
    ]
    np.testing.assert_equal(found[0], found[1])


def test_a_policy_of_exact_scales_carries_nothing_new():
    curves = Curves(200, 2)
    exact = np.tile(LADDER.scales, (200, 1))
    one, other = (fitted(calibration_tokens=tokens)[0] for tokens in (exact, None))
    assert "rungs" not in one.extras
    assert one.rung_tokens is one.rung_flops is None
    np.testing.assert_equal(one.table.mean_tokens, other.table.mean_tokens)
    assert one.risks == other.risks
    assert curves.scales == tuple(one.ladder)


def test_a_mean_of_tokens_is_met_in_real_ones(policy):
    held_out = Curves(200, 2)
    expected = policy.predictor.predict(held_out.features)
    rows = np.arange(200)
    for mean in (30.0, 60.0, 90.0):
        mix = policy.mix_of(Budget(mean_tokens=mean))
        spent = [
            held_out.num_visual_tokens[rows, choose_rungs(expected, policy.rung_costs, p)].mean()
            for p in mix[:2]
        ]
        assert spent[0] + mix.share * (spent[1] - spent[0]) == pytest.approx(mean)
    with pytest.raises(PolicyError, match="mean_tokens must be at least"):
        policy.mix_of(Budget(mean_tokens=held_out.num_visual_tokens[:, 0].mean() - 0.1))


def test_promises_say_real_tokens(policy):
    full = float(Curves(200, 2).num_visual_tokens[:, -1].mean())
    assert {row.mean_tokens for row in policy.risks.rows if row.is_full_scale} <= {full}
    assert all(row.mean_tokens <= full for row in policy.risks.rows)


@pytest.mark.parametrize("cost", ["tokens", "flops"])
def test_means_of_rungs_are_saved_whatever_the_price_is_paid_on(cost, tmp_path):
    made, held_out = fitted(cost)
    made.save(tmp_path / "policy")
    found = load_policy(tmp_path / "policy")
    np.testing.assert_array_equal(found.rung_tokens, held_out.num_visual_tokens.mean(axis=0))
    np.testing.assert_array_equal(found.rung_flops, held_out.flops.mean(axis=0))
    np.testing.assert_array_equal(found.table.mean_tokens, made.table.mean_tokens)


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"tokens": [1.0, 2.0]}, "shape"),
        ({"tokens": [1.0, 1.0, 2.0]}, "must rise from above 0"),
        ({"tokens": [0.0, 1.0, 2.0]}, "must rise from above 0"),
        ({"tokens": [1.0, 2.0, np.nan]}, "must rise from above 0"),
        ({"flops": [1.0, 2.0, 3.0]}, "arrays must be"),
        ({"tokens": [1.0, 2.0, 3.0], "more": [1.0, 2.0, 3.0]}, "arrays must be"),
    ],
)
def test_a_state_that_is_not_well_formed_is_refused(arrays, problem):
    state = PredictorState("rungs", arrays={k: np.array(v) for k, v in arrays.items()})
    with pytest.raises(PolicyError, match=problem):
        restore(state, 5, 3)


def test_what_is_not_known_is_not_saved():
    state = RungMeans(np.array([1.0, 2.0])).state()
    assert list(state.arrays) == ["tokens"]
    assert restore(state, 5, 2).flops.size == 0
    assert state.kind == rung_means.KIND


def test_an_oracle_with_costs_of_its_samples_is_the_best_of_all_allocations():
    """Against every one of the 3 ** 6 ways to give six samples a rung."""
    for seed in range(5):
        curves = Curves(6, seed)
        truth, tokens = stable_scores(curves.scores), curves.num_visual_tokens
        ways = np.array(list(product(range(3), repeat=6)))
        rows = np.arange(6)
        costs, scores = (np.array([t[rows, w].mean() for w in ways]) for t in (tokens, truth))
        frontier = Sweep(truth, truth, tokens).frontier()
        for cost, score in zip(frontier.costs, frontier.scores, strict=True):
            assert score == pytest.approx(scores[costs <= cost + 1e-9].max())
        for price in (0.01, 0.3, 2.0):
            worth = (scores - price * costs / tokens[:, -1].mean()).max()
            rungs = choose_rungs(truth, tokens, price)
            own = truth[rows, rungs].mean() - price * (
                tokens[rows, rungs].mean() / tokens[:, -1].mean()
            )
            assert own == pytest.approx(worth)


def test_rules_choose_by_means_and_pay_real_tokens():
    curves = Curves(150)
    data = measured(curves.scores, curves.num_visual_tokens, scales=LADDER.scales)
    expected = curves.scores * 0.6 + 0.2
    rows, means = np.arange(150), curves.num_visual_tokens.mean(axis=0)
    frontier = sweep_of(data, expected).frontier()
    for price in (0.02, 0.2, 0.7):
        rungs = choose_rungs(expected, means, price)
        spent = curves.num_visual_tokens[rows, rungs].mean()
        assert frontier.at(spent) == pytest.approx(curves.scores[rows, rungs].mean())
    price = solve_price(expected, means, 80.0, paid=data.tokens)
    rungs = choose_rungs(expected, means, price)
    assert curves.num_visual_tokens[rows, rungs].mean() <= 80.0 * (1 + 1e-9)


def test_rows_baselines_and_names():
    curves = Curves(150)
    data = measured(
        curves.scores,
        curves.num_visual_tokens,
        groups=curves.groups.tolist(),
        scales=LADDER.scales,
    )
    means = curves.num_visual_tokens.mean(axis=0)
    guess = per_group_of(data, data.groups, data.scores, curves.num_visual_tokens)
    assert guess.costs[0].tolist() == curves.num_visual_tokens[::3].mean(axis=0).tolist()
    found = evaluate(
        data,
        expected=curves.scores,
        prices={"p": 0.1},
        group_expected=guess.expected,
        group_costs=guess.costs,
        rng=np.random.default_rng(0),
        resamples=10,
    )
    by_name = {row.name: row for row in found}
    for m, mean in zip(LADDER.scales, means, strict=True):
        assert by_name[f"fixed {m}"].mean_tokens == pytest.approx(mean)
    spent = by_name["policy, p"].mean_tokens
    assert by_name["random mix"].mean_tokens == pytest.approx(spent, abs=2.0)
    assert by_name["per-group fixed"].mean_tokens <= spent * (1 + 1e-9)
    assert by_name["oracle, any correct"].accuracy >= by_name["policy, p"].accuracy
    evaluator = Evaluator(data, np.random.default_rng(0))
    assert evaluator.hull.costs[0] == pytest.approx(means[0])
    mixed = evaluator.mix(float(means[0]) * (1 - 1e-15))  # a rounding error under the cheapest
    assert (mixed == 0).all()
    assert data.full_tokens == pytest.approx(means[-1])


def test_no_rule_that_pays_the_same_beats_the_oracle():
    curves = Curves(200, 3)
    data = measured(
        curves.scores, curves.num_visual_tokens, groups=curves.groups.tolist(), flops=curves.flops
    )
    rng = np.random.default_rng(0)
    rules = {
        "guess": sweep_of(data, curves.scores * 0.5 + 0.5 * rng.random(curves.scores.shape)),
        PER_GROUP: sweep_of(data, *per_group_of(data, data.groups, data.scores, data.tokens)),
    }
    seen = Weighted(Contest(data, rules, oracles_of(data), (), ["guess"]), np.ones(200))
    grid = np.linspace(seen.tokens[0], seen.tokens[-1], 40)
    best = seen.oracles["oracle, any correct"].at_each(grid)
    for name, frontier in seen.all().items():
        assert (best >= frontier.at_each(grid) - 1e-9).all(), name


def test_flops_may_fall_for_a_sample_but_not_on_average():
    curves = Curves(100)
    assert (np.diff(curves.flops, axis=1) < 0).any()
    assert known_flops(curves) is curves.flops
    table = calibrate(curves.scores, curves.scores, EXACT, EXACT, flops=curves.flops)
    assert (np.diff(table.mean_flops) >= 0).all()
    curves.flops = curves.flops[:, ::-1]
    assert known_flops(curves) is None


def test_a_governor_plans_with_means_and_is_told_real_tokens(policy):
    curves = Curves(60)
    judged = Judged(policy, policy.predictor.predict(curves.features), 0.0)
    served = served_of(judged, curves, "tokens")
    np.testing.assert_array_equal(served.costs, curves.num_visual_tokens.mean(axis=0))
    np.testing.assert_array_equal(served.paid, curves.num_visual_tokens)
    curves.num_visual_tokens = np.tile([20, 20, 30], (60, 1))
    assert (np.diff(served_of(judged, curves, "tokens").costs) > 0).all()


def test_a_random_mix_meets_a_mean_of_real_tokens():
    means = np.array([10.0, 40.0, 90.0])
    scores = np.array([0.2, 0.6, 0.8])
    mix = RandomMixPolicy(LADDER, scores, 65.0, np.random.default_rng(0), rung_tokens=means)
    rungs = mix.choose([None] * 4000, ["?"] * 4000).rungs
    assert means[rungs].mean() == pytest.approx(65.0, rel=0.03)
    with pytest.raises(PolicyError, match="at least 10"):
        mix.choose([None], ["?"], budget=Budget(mean_tokens=9.0))
    with pytest.raises(ValueError, match="one number of tokens per rung"):
        RandomMixPolicy(LADDER, scores, 65.0, np.random.default_rng(0), rung_tokens=means[:2])


def test_a_group_of_questions_without_images_has_nothing_to_choose():
    curves = Curves(60)
    tokens = curves.num_visual_tokens * (np.arange(60) >= 20)[:, None]
    scores = np.where(tokens[:, :1] > 0, curves.scores, curves.scores[:, -1:])
    data = measured(scores, tokens, flops=curves.flops)
    contest = Contest(data, {"r": sweep_of(data, scores * 0.9)}, oracles_of(data), (), ["r"])
    for weights, is_empty in ((np.arange(60) < 20, True), (np.ones(60), False)):
        found = figures(Weighted(contest, weights.astype(float)), [20.0, 100.0])
        gap = found[Key("r", "gap_closed_stable")]
        assert np.isnan(gap) == is_empty
        assert np.isfinite(found[Key("r", "accuracy", 20.0)])
    free = fixed_hull(np.array([0.0, 1.0]), np.array([0.5, 0.9]))
    assert np.isnan(gap_closed_area(free, free, free, 1.0))
