from itertools import product

import numpy as np
import pytest

from oracle.accounting import account
from oracle.luck import KnowsOrGuesses, any_correct, independent_tries, lucky_guesser

SCALES = (1, 9, 36, 144)


def closed_form(accuracies, scales):
    """Independent tries by hand: who is right somewhere, and the first scale that is."""
    still_wrong = np.cumprod([1.0, *(1 - p for p in accuracies)])
    first = still_wrong[:-1] * accuracies
    return 1 - still_wrong[-1], first @ scales + still_wrong[-1] * scales[0]


def knowing_and_guessing(need, guesses, rng):
    """Right where the need is met; elsewhere as often as the scale guesses right."""
    rungs = np.arange(len(guesses))
    return (rungs >= need[:, None]) | (rng.random((len(need), len(guesses))) < guesses)


def test_any_correct_is_m3s_account_on_any_curves(curves_of):
    curves = curves_of(np.random.default_rng(0).random((300, 4)), SCALES)
    m3 = account(curves)
    right = curves.scores >= 0.5
    reach = any_correct(right, curves.num_visual_tokens)
    assert reach.accuracy == pytest.approx(m3.solved)
    assert reach.mean_tokens == pytest.approx(m3.mean_tokens)


def test_shuffled_answers_reach_what_independent_tries_do(curves_of):
    rng = np.random.default_rng(0)
    accuracies = np.array([0.2, 0.4, 0.5, 0.6])
    scores = np.arange(4000)[:, None] < 4000 * accuracies  # the same samples are right everywhere
    curves = curves_of(scores, SCALES)
    draws = independent_tries(curves, rng, permutations=50)
    accuracy, tokens = closed_form(accuracies, SCALES)
    assert account(curves).accuracy == 0.6
    assert draws.mean.accuracy == pytest.approx(accuracy, abs=0.003)
    assert draws.mean.mean_tokens == pytest.approx(tokens, abs=0.3)
    assert draws.accuracy.low <= draws.mean.accuracy <= draws.accuracy.high
    assert draws.mean_tokens.low <= draws.mean.mean_tokens <= draws.mean_tokens.high


def test_samples_are_shuffled_within_their_group_alone(curves_of):
    scores = np.repeat([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]], 50, axis=0)
    curves = curves_of(scores, SCALES, groups=["easy"] * 50 + ["hard"] * 50)
    draws = independent_tries(curves, np.random.default_rng(0), permutations=5)
    assert draws.mean == account(curves)[2:3] + account(curves)[4:5]
    assert draws.accuracy == (0.5, 0.5)


def test_a_lucky_guesser_gets_all_that_guessing_gives(curves_of):
    rng = np.random.default_rng(5)
    need = rng.choice(5, size=20_000)
    scores = knowing_and_guessing(need, np.array([0.3, 0.2, 0.4, 0.1]), rng)
    curves = curves_of(scores, SCALES)
    guesser, m3 = lucky_guesser(curves, rng, permutations=5).mean, account(curves)
    assert m3.accuracy - scores[:, -1].mean() > 0.1
    assert guesser.accuracy == pytest.approx(m3.accuracy, abs=0.01)
    assert guesser.mean_tokens == pytest.approx(m3.mean_tokens, abs=1.0)


def test_luck_that_always_meets_the_same_samples_is_not_a_guessers(curves_of):
    scores = np.repeat([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]], 500, axis=0)  # all or none
    curves = curves_of(scores, SCALES)
    guesser = lucky_guesser(curves, np.random.default_rng(0), permutations=5).mean
    assert account(curves).accuracy == 0.5
    assert guesser.accuracy == pytest.approx(1 - 0.5**3, abs=0.02)


def test_a_guesser_keeps_what_is_right_for_good(curves_of):
    monotone = [row for row in product([0.0, 1.0], repeat=4) if list(row) == sorted(row)]
    curves = curves_of(monotone, SCALES)
    guesser = lucky_guesser(curves, np.random.default_rng(0), permutations=3)
    assert guesser.mean == pytest.approx((account(curves).accuracy, account(curves).mean_tokens))


def test_the_same_seed_gives_the_same_draws(curves_of):
    curves = curves_of(np.random.default_rng(0).random((50, 4)), SCALES)
    first, again = (
        independent_tries(curves, np.random.default_rng(3), permutations=4) for _ in range(2)
    )
    assert first == again
    with pytest.raises(ValueError, match="permutations must be at least 1, got 0"):
        independent_tries(curves, np.random.default_rng(0), permutations=0)


@pytest.mark.parametrize("guesses", [(0.0,) * 4, (0.25,) * 4, (0.1, 0.3, 0.2, 0.2)])
def test_guesses_are_found_and_taken_out(curves_of, guesses):
    rng = np.random.default_rng(1)
    need = rng.choice(5, p=[0.3, 0.2, 0.1, 0.2, 0.2], size=40_000)  # 4: never
    curves = curves_of(knowing_and_guessing(need, np.array(guesses), rng), SCALES)
    known = KnowsOrGuesses(curves).known()
    assert known.accuracy == pytest.approx((need < 4).mean(), abs=0.01)
    spent = np.array([*SCALES, SCALES[0]])[need].mean()
    assert known.mean_tokens == pytest.approx(spent, abs=1.0)
    assert account(curves).accuracy - known.accuracy >= -1e-9


def test_groups_guess_at_their_own_rates(curves_of):
    rng = np.random.default_rng(2)
    need = rng.choice(5, size=40_000)
    groups = np.where(np.arange(40_000) % 2, "yes/no", "open")
    rates = np.where((groups == "yes/no")[:, None], 0.5, 0.02)
    scores = (np.arange(4) >= need[:, None]) | (rng.random((40_000, 4)) < rates)
    known = KnowsOrGuesses(curves_of(scores, SCALES, groups)).known()
    assert known.accuracy == pytest.approx(0.8, abs=0.01)


def test_nothing_falls_nothing_is_luck(curves_of):
    monotone = [row for row in product([0.0, 1.0], repeat=4) if list(row) == sorted(row)]
    curves = curves_of(monotone, SCALES)
    known, m3 = KnowsOrGuesses(curves).known(), account(curves)
    assert known.accuracy == pytest.approx(m3.accuracy)
    assert known.mean_tokens == pytest.approx(m3.mean_tokens)


def test_luck_is_at_least_what_is_right_somewhere_and_wrong_at_full_scale(curves_of):
    scores = (np.random.default_rng(3).random((400, 4)) < [0.3, 0.5, 0.6, 0.7]).astype(float)
    known = KnowsOrGuesses(curves_of(scores, SCALES)).known()
    assert known.accuracy <= scores[:, -1].mean() + 1e-9


@pytest.mark.parametrize("scores", [[[1.0]], [[0.0]], [[1.0, 0.0]], [[0.0, 0.0]], [[1.0, 1.0]]])
def test_a_single_sample_has_a_defined_luck(curves_of, scores):
    known = KnowsOrGuesses(curves_of(scores)).known()
    assert known.accuracy == float(scores in ([[1.0]], [[1.0, 1.0]]))
    assert known.mean_tokens == 1


def test_a_resample_is_those_samples_that_often(curves_of):
    rng = np.random.default_rng(4)
    scores, groups = rng.random((60, 4)), rng.choice(["a", "b", "c"], size=60)
    counts = np.where(groups == "c", 0, rng.integers(0, 3, size=60)).astype(float)
    rows = np.repeat(np.arange(60), counts.astype(int))
    resampled = KnowsOrGuesses(curves_of(scores, SCALES, groups)).known(counts)
    repeated = KnowsOrGuesses(curves_of(scores[rows], SCALES, groups[rows])).known()
    assert resampled == pytest.approx(repeated)
