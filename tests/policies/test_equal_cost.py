"""Figures of a contest, against cases worked out by hand and against the slow way."""

import math

import numpy as np
import pytest

from policies.allocation import Sweep, choose_rungs, solve_price
from policies.equal_cost import Key, Weighted, figures
from policies.evaluation import measured
from policies.frontier import gap_closed_area
from policies.gaps import GapMeter
from policies.metrics_table import as_rows, measure, write_csv
from policies.rules import (
    ANY_CORRECT,
    CEILING,
    EXPECTED,
    PER_GROUP,
    RANDOM_MIX,
    STABLE,
    Chosen,
    Contest,
    even_budgets,
    oracles_of,
    per_group_of,
    sweep_of,
)

TOKENS = np.array([1.0, 9.0])


def halves(copies=10):
    """Half the samples need the dear rung; the oracle spends (1 + 9) / 2 for everything right."""
    return measured(np.array([[1.0, 1.0], [0.0, 1.0]] * copies), TOKENS, groups=["a", "b"] * copies)


def contest(data, *, chosen=(), **rules):
    own = {name: sweep_of(data, expected) for name, expected in rules.items()}
    return Contest(data, own, oracles_of(data), chosen, list(rules))


def at_once(found, budgets):
    return figures(Weighted(found, np.ones(len(found.data.scores))), budgets)


def noisy(n=400, k=4, seed=0):
    rng = np.random.default_rng(seed)
    needed = rng.integers(0, k + 1, size=n)
    scores = (np.arange(k) >= needed[:, None]).astype(float)
    groups = [str(g) for g in needed // 2]
    tokens = 4.0 ** np.arange(k)
    flops = np.tile(1e6 + 1e5 * tokens, (n, 1))
    data = measured(scores, tokens, groups=groups, flops=flops, ms=flops / 1e5)
    return data, scores + rng.normal(0, 0.6, scores.shape)


def test_two_kinds_of_samples_in_closed_form():
    data = halves()
    told = np.array([[1.0, 1.0], [0.0, 1.0]] * 10)
    found = at_once(contest(data, told=told), [3.0])
    # The hull goes from (1, 0.5) to (9, 1), the oracle from (1, 0.5) to (5, 1).
    assert found[Key(RANDOM_MIX, "accuracy", 3.0)] == pytest.approx(0.625)
    assert found[Key("told", "accuracy", 3.0)] == pytest.approx(0.75)
    assert found[Key("told", "over_random_mix", 3.0)] == pytest.approx(0.125)
    assert found[Key("told", "gap_closed_stable", 3.0)] == pytest.approx(1.0)
    assert found[Key("told", "tokens_share_no_loss")] == pytest.approx(5 / 9)
    assert found[Key("told", "saving_no_loss")] == pytest.approx(4 / 9)
    # Half a point less is reached at 1 + 4 * 0.99 tokens, one point at 1 + 4 * 0.98.
    assert found[Key("told", "tokens_share_half_point")] == pytest.approx(4.96 / 9)
    assert found[Key("told", "saving_one_point")] == pytest.approx(1 - 4.92 / 9)
    assert found[Key("told", "qnc")] == pytest.approx(5 / 9)
    # Areas on a linear axis: (0.5 + 1) / 2 * 4 + 1 * 4 = 7 of 8; weak 0.5, strong 1.
    assert found[Key("told", "aiq")] == pytest.approx(7 / 8)
    assert found[Key("told", "nauc")] == pytest.approx(7 / 8)
    assert found[Key("told", "apgr")] == pytest.approx((7 / 8 - 0.5) / 0.5)
    assert found[Key(RANDOM_MIX, "apgr")] == pytest.approx(0.5)
    assert found[Key(RANDOM_MIX, "saving_no_loss")] == pytest.approx(0.0)


def test_areas_are_those_of_the_gap_meter():
    data, guess = noisy()
    found = at_once(contest(data, guess=guess), [4.0])
    gap = GapMeter(data.scores, data.tokens).measure(guess)
    assert found[Key("guess", "gap_closed_stable")] == pytest.approx(gap.stable, rel=1e-12)
    assert found[Key("guess", "gap_closed_any")] == pytest.approx(gap.any_correct, rel=1e-12)
    seen = Weighted(contest(data, guess=guess), np.ones(len(guess)))
    slow = gap_closed_area(seen.frontiers["guess"], seen.oracles[STABLE], seen.hull, 64.0)
    assert found[Key("guess", "gap_closed_stable")] == pytest.approx(slow, rel=1e-12)


def test_counting_a_sample_twice_is_having_it_twice():
    data, guess = noisy(60)
    counts = np.random.default_rng(3).integers(0, 3, size=60)
    rows = np.repeat(np.arange(60), counts)
    twice = measured(
        data.scores[rows],
        data.tokens[rows],
        groups=[data.groups[i] for i in rows],
        flops=data.flops[rows],
    )
    weighted = figures(Weighted(contest(data, guess=guess), counts.astype(float)), [3.0, 20.0])
    repeated = at_once(contest(twice, guess=guess[rows]), [3.0, 20.0])
    assert weighted.keys() == repeated.keys()
    for key, value in weighted.items():
        assert value == pytest.approx(repeated[key], rel=1e-9, abs=1e-9, nan_ok=True), key


def test_a_score_at_a_budget_is_that_of_the_price_solved_for_it():
    data, guess = noisy()
    found = at_once(contest(data, guess=guess), [6.0])
    rungs = choose_rungs(guess, data.tokens, solve_price(guess, data.tokens, 6.0))
    rows = np.arange(len(rungs))
    assert found[Key("guess", "accuracy", 6.0)] == pytest.approx(
        data.scores[rows, rungs].mean(), abs=1 / len(rungs)
    )


def test_a_price_paid_on_something_else_is_still_counted_in_tokens():
    data, guess = noisy()
    price_costs = np.array([1.0, 1.1, 5.0, 6.0])
    sweep = sweep_of(data, guess, price_costs)
    frontier = sweep.frontier()
    for i in (3, len(frontier.prices) // 2, len(frontier.prices) - 1):
        rungs = choose_rungs(guess, price_costs, float(frontier.prices[i]))
        assert frontier.costs[i] == pytest.approx(data.rung_tokens[rungs].mean())
        assert frontier.scores[i] == pytest.approx(data.scores[np.arange(400), rungs].mean())
    plain = Sweep(guess, data.scores, data.tokens).frontier()
    assert not np.array_equal(plain.scores, frontier.scores)


def test_leads_are_over_the_better_baseline():
    data, guess = noisy()
    grouped = per_group_of(data, data.groups, data.scores)
    found = contest(data, guess=guess)
    found = found._replace(rules={PER_GROUP: sweep_of(data, *grouped), **found.rules})
    seen = at_once(found, [4.0])
    own = seen[Key("guess", "accuracy", 4.0)]
    base = [seen[Key(name, "accuracy", 4.0)] for name in (RANDOM_MIX, PER_GROUP)]
    assert seen[Key("guess", "over_random_mix", 4.0)] == pytest.approx(own - base[0])
    assert seen[Key("guess", "over_per_group", 4.0)] == pytest.approx(own - base[1])
    assert seen[Key("guess", "over_best_baseline", 4.0)] == pytest.approx(own - max(base))
    assert seen[Key("guess", "gap_closed_stable_over_per_group")] == pytest.approx(
        seen[Key("guess", "gap_closed_stable")] - seen[Key(PER_GROUP, "gap_closed_stable")]
    )


def test_what_was_chosen_beforehand_is_counted_as_it_was_chosen():
    data, guess = noisy()
    rungs = np.full(400, 2, dtype=np.int64)
    chosen = [
        Chosen("guess", "calibrated", 10.0, rungs, 1.0),
        Chosen("guess", "half", None, rungs, 0),
    ]
    found = at_once(contest(data, guess=guess, chosen=chosen), [10.0])
    assert found[Key("guess", "calibrated_tokens", 10.0)] == pytest.approx(16.0)
    assert found[Key("guess", "calibrated_budget_error", 10.0)] == pytest.approx(0.6)
    accuracy = data.scores[:, 2].mean()
    assert found[Key("guess", "calibrated_accuracy", 10.0)] == pytest.approx(accuracy)
    assert found[Key("guess", "half_accuracy_lost")] == pytest.approx(
        data.scores[:, 3].mean() - accuracy
    )
    assert found[Key("guess", "half_tokens_share")] == pytest.approx(16 / 64)
    assert found[Key("guess", "half_over_random_mix")] <= 1e-12  # a fixed scale is on the hull
    flops = 1 - (1e6 + 1e5 * 16) / (1e6 + 1e5 * 64)
    assert found[Key("guess", "half_flops_saved")] == pytest.approx(flops)
    # The decision's millisecond is paid, of 74 that the full scale takes.
    lost = found[Key("guess", "half_ms_saved")] - found[Key("guess", "calibrated_ms_saved", 10.0)]
    assert lost == pytest.approx(1 / 74)


def test_the_gap_of_what_was_chosen_is_that_at_the_tokens_it_spends():
    data, guess = noisy()
    best = choose_rungs(data.scores, data.tokens, 0.05)
    drawn = np.random.default_rng(0).integers(0, 4, 400)
    chosen = [Chosen("guess", "best", None, best, 0.0), Chosen("guess", "drawn", None, drawn, 0.0)]
    found = at_once(contest(data, guess=guess, chosen=chosen), [10.0])
    for oracle in ("stable", "any"):  # whose scores never fall is right by no luck
        assert found[Key("guess", f"best_gap_closed_{oracle}")] == pytest.approx(1.0)
    oracle = sweep_of(data, data.scores, data.tokens).frontier()
    reached = oracle.at_each([found[Key("guess", "drawn_tokens")]])[0]
    lead = found[Key("guess", "drawn_over_random_mix")]
    mix = found[Key("guess", "drawn_accuracy")] - lead
    assert lead < 0
    assert found[Key("guess", "drawn_gap_closed_any")] == pytest.approx(lead / (reached - mix))


def test_the_oracle_of_expected_scores_knows_no_luck():
    """Every question is right half the time at any rung: to expect that closes nothing."""
    luck = (np.random.default_rng(0).random((4000, 3)) < 0.5).astype(float)
    data = measured(luck, np.array([1.0, 4.0, 16.0]))
    found = Contest(data, {}, oracles_of(data, np.full(luck.shape, 0.5)), (), ())
    seen = at_once(found, [4.0])
    assert seen[Key(ANY_CORRECT, "accuracy", 4.0)] > 0.8
    assert seen[Key(EXPECTED, "accuracy", 4.0)] == pytest.approx(0.5, abs=0.03)
    assert f"gap_closed_{'expected'}" in {key.metric for key in seen}


@pytest.mark.slow
def test_an_interval_covers_the_truth_as_often_as_it_says():
    """Differences of two rules on 200 samples, over tables drawn anew from one population."""
    covered, tables = 0, 60
    whole, guess = noisy(100_000, k=2, seed=9)
    truth = at_once(contest(whole, guess=guess), [2.0])[Key("guess", "over_random_mix", 2.0)]
    for seed in range(tables):
        data, guess = noisy(200, k=2, seed=seed)
        rng = np.random.default_rng(seed)
        table = measure(contest(data, guess=guess), [2.0], rng, resamples=100, level=0.9)
        lead = table.get("guess", "over_random_mix", 2.0)
        covered += lead.low <= truth <= lead.high
    # 0.9 of 60 within three standard deviations of a binomial, and the bootstrap's own bias.
    assert 0.75 <= covered / tables <= 1.0


def test_a_rule_against_itself_differs_by_exactly_nothing():
    data, guess = noisy()
    found = contest(data, guess=guess)
    found = found._replace(
        rules={PER_GROUP: found.rules["guess"], CEILING: found.rules["guess"]} | dict(found.rules)
    )
    table = measure(found, [2.0, 8.0], np.random.default_rng(0), resamples=20)
    assert table.get("guess", "over_per_group", 8.0)[:3] == (0.0, 0.0, 0.0)
    assert table.get("guess", "share_of_ceiling")[:3] == (1.0, 1.0, 1.0)
    assert table.get("guess", "gap_closed_stable_over_per_group")[:3] == (0.0, 0.0, 0.0)


def test_a_group_alone_is_measured_as_if_it_were_all():
    data, guess = noisy()
    rows = np.flatnonzero(np.asarray(data.groups) == "1")
    alone = measured(data.scores[rows], data.tokens[rows], flops=data.flops[rows], ms=data.ms[rows])
    part = measure(
        contest(data, guess=guess), [5.0], np.random.default_rng(0), resamples=5, rows=rows
    )
    whole = measure(contest(alone, guess=guess[rows]), [5.0], np.random.default_rng(0), resamples=5)
    assert part.num_samples == len(rows)
    for key, value in whole.figures.items():
        assert part.figures[key] == pytest.approx(value, nan_ok=True), key


def test_frontiers_hold_the_fixed_scales_exactly():
    data, guess = noisy()
    table = measure(contest(data, guess=guess), [5.0], np.random.default_rng(0), resamples=5)
    for rung in (0, 3):
        point = table.frontiers[Key(RANDOM_MIX, "accuracy", float(data.rung_tokens[rung]))]
        assert point.value == pytest.approx(data.scores[:, rung].mean())
        assert point.low <= point.value <= point.high


def test_what_is_never_reached_is_said_to_be_undefined():
    data = halves()
    table = measure(
        contest(data, wrong=np.array([[1.0, 0.0]] * 20)),
        [3.0],
        np.random.default_rng(0),
        resamples=9,
    )
    saving = table.get("wrong", "saving_no_loss")
    assert math.isnan(saving.value)
    assert saving.undefined == 1.0


@pytest.mark.parametrize("budget", [0.5, 9.5, -1.0])
def test_a_budget_outside_the_ladder_is_refused(budget):
    found = contest(halves(), told=np.tile([0.0, 1.0], (20, 1)))
    with pytest.raises(ValueError, match=r"1\.\.9 mean tokens"):
        measure(found, [budget], np.random.default_rng(0), resamples=2)


def test_even_budgets_lie_between_the_ends_in_equal_ratios():
    budgets = even_budgets(np.array([1.0, 4.0, 144.0]))
    ratios = np.diff(np.log([1.0, *budgets, 144.0]))
    assert len(budgets) == 5
    assert np.ptp(ratios) < 1e-6
    with pytest.raises(ValueError, match="got 1 rung"):
        even_budgets(np.array([4.0]))


def test_a_table_is_written_with_empty_cells_for_nan(tmp_path):
    data, guess = noisy(50)
    table = measure(contest(data, guess=guess), [5.0], np.random.default_rng(0), resamples=3)
    write_csv(tmp_path / "m.csv", ("rule", "metric"), [("a", math.nan), ("b", 0.5)])
    assert (tmp_path / "m.csv").read_text().split() == ["rule,metric", "a,", "b,0.5"]
    assert len(as_rows(table.figures)) == len(table.figures)
