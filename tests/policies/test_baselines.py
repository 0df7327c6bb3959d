import numpy as np
import pytest

from budget.adaptive import AdaptiveVLM, Budget
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from budget.risk import Risk
from policies.allocation import choose_rungs, solve_price
from policies.calibration import calibrate, named_prices
from policies.evaluation import gap_areas, measured
from policies.fixed import FixedPolicy
from policies.gaps import GapMeter
from policies.per_group import PerGroupScores
from policies.random_mix import RandomMixPolicy, best_mix

LADDER = ScaleLadder((1, 9, 36))
MEANS = np.array([0.4, 0.7, 0.8])
QUESTIONS = ["?"] * 2000


def mixer(mean_tokens=20.0):
    return RandomMixPolicy(LADDER, MEANS, mean_tokens, np.random.default_rng(0))


def test_a_fixed_policy_gives_everyone_its_scale():
    policy = FixedPolicy(LADDER, 9)
    assert policy.choose([], ["a", "b"]).rungs.tolist() == [1, 1]
    assert policy.choose([], ["a"], budget=Budget(num_visual_tokens=36)).rungs.tolist() == [2]
    assert policy.choose([], ["a"], budget=Budget(mean_tokens=35)).rungs.tolist() == [1]
    assert FixedPolicy(LADDER).choose([], ["a"]).rungs.tolist() == [2]


def test_a_scale_that_is_not_on_the_ladder_is_refused():
    with pytest.raises(ValueError, match="10 is no scale"):
        FixedPolicy(LADDER, 10)


@pytest.mark.parametrize(
    "budget",
    [Budget(price=0.1), Budget(mean_tokens=0.5), Budget(mean_ms=1), Budget(risk=Risk(0.1))],
)
@pytest.mark.parametrize("policy", [FixedPolicy(LADDER), mixer()])
def test_budgets_that_a_baseline_cannot_meet_are_refused(policy, budget):
    with pytest.raises(PolicyError, match=r"price|mean_ms = 1|risk = a loss|at least 1"):
        policy.choose([], ["a"], budget=budget)


def test_a_random_mix_meets_its_mean():
    chosen = np.array(LADDER.scales)[mixer().choose([], QUESTIONS).rungs]
    assert chosen.mean() == pytest.approx(20.0, abs=1.0)
    assert set(chosen.tolist()) == {9, 36}


def test_a_mix_at_a_corner_is_that_scale():
    costs = np.array(LADDER.scales, dtype=float)
    assert best_mix(costs, MEANS, 9.0)[::2] == (1, 0.0)
    assert best_mix(costs, MEANS, 1000.0) == (2, 2, 0.0)


def test_groups_get_their_own_best_scale_and_strangers_the_common_one():
    groups = ["easy"] * 3 + ["hard"]
    scores = np.array([[1.0, 1.0, 1.0]] * 3 + [[0.0, 0.0, 1.0]])
    learned = PerGroupScores().fit(groups, scores)
    costs = np.array(LADDER.scales, dtype=float)
    expected = learned.predict(["hard", "easy", "new"])
    assert choose_rungs(expected, costs, 0.5).tolist() == [2, 0, 0]
    assert expected[2].tolist() == [0.75, 0.75, 1.0]


def test_groups_that_tell_everything_close_the_whole_gap():
    rng = np.random.default_rng(0)
    needed = rng.integers(0, 4, size=200)
    scores = (np.arange(3) >= needed[:, None]).astype(float)
    groups = [str(n) for n in needed]
    expected = PerGroupScores().fit(groups, scores).predict(groups)
    assert GapMeter(scores, np.array([1.0, 9.0, 36.0])).measure(expected).stable == pytest.approx(1)


def test_per_group_scores_need_fitting_and_one_group_per_row():
    with pytest.raises(ValueError, match="must be fitted"):
        PerGroupScores().predict(["a"])
    with pytest.raises(ValueError, match=r"groups \[n\] are needed"):
        PerGroupScores().fit(["a"], np.zeros((2, 3)))


def test_baselines_fit_the_runtime():
    class Model:
        name, ladder = "toy", LADDER

    assert AdaptiveVLM(Model(), FixedPolicy(LADDER)).policy.ladder == LADDER


def test_per_group_scores_serve_wherever_a_rule_does():
    """Prices, calibration and gaps take predictions, whoever makes them."""
    rng = np.random.default_rng(0)
    groups = rng.choice(["easy", "hard"], size=400)
    chance = np.where(groups[:, None] == "easy", [0.8, 0.85, 0.9], [0.1, 0.5, 0.9])
    scores = (rng.random((400, 1)) < chance).astype(float)
    costs = np.array(LADDER.scales, dtype=float)
    expected = PerGroupScores().fit(groups, scores).predict(groups)
    price = solve_price(expected, costs, 15.0)
    chosen = choose_rungs(expected, costs, price)
    assert costs[chosen].mean() <= 15.0
    assert chosen[groups == "easy"].max() < chosen[groups == "hard"].min()
    table = calibrate(expected, scores, costs, costs)
    assert table.mix_for("tokens", 15.0).price == pytest.approx(price)
    assert named_prices(expected, scores, costs)["no-loss"] >= 0
    data = measured(scores, costs, groups=groups)
    gap = gap_areas(data, {"groups": expected}, rng=rng, resamples=20)["groups"]
    assert gap.gap.stable > 0.2
