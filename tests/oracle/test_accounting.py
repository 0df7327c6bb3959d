import numpy as np
import pytest

from oracle.accounting import account, charge_full
from oracle.curves import Curves

# LLaVA-NeXT-M3 as published (arXiv 2405.17430): oracle accuracy in %, oracle tokens, and what the
# tokens come to if samples that no scale solves are charged 576 instead of 1.
PUBLISHED = {
    "TextVQA": (70.51, 31.39, 201),
    "AI2D": (76.36, 11.54, 147),
    "ChartQA": (70.76, 41.78, 210),
    "DocVQA": (81.73, 64.09, 169),
    "MMBench": (74.35, 8.90, 156),
    "POPE": (94.29, 6.08, 39),
    "ScienceQA": (76.07, 7.43, 145),
    "MMMU": (50.44, 22.85, 308),
}
SCALES = (1, 9, 36, 144, 576)


def curves_of(scores, scales=SCALES):
    n, k = scores.shape
    return Curves(
        sample_ids=[f"s{i}" for i in range(n)],
        groups=["all"] * n,
        scales=scales,
        scores=scores,
        answers=np.full((n, k), ""),
        confidence=np.zeros((n, k)),
        flops=np.tile(np.array(scales) * 1e9, (n, 1)),
        seconds=np.ones((n, k)),
        num_visual_tokens=np.tile(scales, (n, 1)),
        prompt_tokens=np.tile(scales, (n, 1)),
    )


def table_with(accuracy, mean_tokens, n=20_000):
    """Samples with a published oracle accuracy and tokens: some need 576, the rest need 1."""
    solved = round(n * accuracy / 100)
    dear = round(n * (mean_tokens - 1) / 575)
    need = np.zeros((n, 5))
    need[:solved, 1:] = 1
    need[dear:solved, 0] = 1
    need[:dear, :4] = 0
    return curves_of(need)


@pytest.mark.parametrize(("accuracy", "tokens", "charged_full"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_oracles_and_what_their_rule_hides(accuracy, tokens, charged_full):
    curves = table_with(accuracy, tokens)
    m3 = account(curves)
    assert m3.accuracy == pytest.approx(accuracy / 100, abs=1e-4)
    assert m3.mean_tokens == pytest.approx(tokens, abs=0.02)
    full = account(curves, unsolved="full")
    assert full.accuracy == m3.accuracy
    assert full.mean_tokens == pytest.approx(charged_full, abs=0.6)
    by_formula = charge_full(tokens, accuracy / 100, cheapest=1, full=576)
    assert round(by_formula) == charged_full


def test_the_formula_is_the_count_on_any_curves():
    scores = (np.random.default_rng(0).random((999, 5)) < 0.3).astype(float)
    m3, full = account(curves_of(scores)), account(curves_of(scores), unsolved="full")
    expected = charge_full(m3.mean_tokens, m3.solved, cheapest=1, full=576)
    assert full.mean_tokens == pytest.approx(expected)


def test_m3_counts_any_right_scale_and_the_fewest_tokens_among_them():
    scores = (np.random.default_rng(1).random((500, 5)) < 0.4).astype(float)
    tokens = [min([m for m, s in zip(SCALES, row, strict=True) if s], default=1) for row in scores]
    m3 = account(curves_of(scores))
    assert m3.accuracy == m3.solved == scores.any(axis=1).mean()
    assert m3.mean_tokens == pytest.approx(np.mean(tokens))
    assert m3.mean_flops == pytest.approx(np.mean(tokens) * 1e9)


def test_the_stable_oracle_is_never_better_than_full_scale():
    scores = (np.random.default_rng(2).random((500, 5)) < 0.6).astype(float)
    stable = account(curves_of(scores), "stable", "full")
    assert stable.accuracy == pytest.approx(scores[:, -1].mean())
    assert account(curves_of(scores)).accuracy >= stable.accuracy


def test_dropping_counts_solved_samples_alone():
    scores = np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 1.0]])
    dropped = account(curves_of(scores), unsolved="drop")
    assert (dropped.n, dropped.accuracy, dropped.mean_tokens, dropped.solved) == (1, 1.0, 9.0, 0.5)
    with pytest.raises(ValueError, match="no sample of 1 is left by stable"):
        account(curves_of(scores[:1]), "stable", "drop")


def test_tokens_are_those_really_used():
    curves = curves_of(np.ones((2, 5)))
    used = curves.num_visual_tokens.copy()
    used[:, 0] = (3, 5)
    other = Curves(
        **{**{f: getattr(curves, f) for f in curves.__slots__}, "num_visual_tokens": used}
    )
    assert account(other).mean_tokens == 4


def test_a_share_above_one_is_refused():
    with pytest.raises(ValueError, match=r"\[0, 1\], got 70.51"):
        charge_full(31.39, 70.51, cheapest=1, full=576)
