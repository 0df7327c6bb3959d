import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from budget.tokens import exact_scales, one_per_image, pool_tokens


@given(st.integers(1, 30))
def test_exact_scales_are_the_squares_of_the_divisors(side):
    scales = exact_scales(side * side)
    assert scales == tuple(k * k for k in range(1, side + 1) if side % k == 0)
    for scale in scales:
        assert pool_tokens(torch.zeros(1, side * side, 2), scale).shape == (1, scale, 2)


@given(st.sampled_from([1, 4, 9, 16, 36, 144]), st.integers(0, 1000))
def test_pooling_keeps_the_mean_and_nests(num_tokens, seed):
    tokens = torch.randn(2, 144, 3, generator=torch.Generator().manual_seed(seed))
    pooled = pool_tokens(tokens, num_tokens)
    torch.testing.assert_close(pooled.mean(1), tokens.mean(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(pool_tokens(pooled, 1), pool_tokens(tokens, 1), atol=1e-5, rtol=0)


def test_each_token_is_the_mean_of_its_block():
    tokens = torch.randn(1, 36, 2, generator=torch.Generator().manual_seed(0))
    grid, pooled = tokens.reshape(6, 6, 2), pool_tokens(tokens, 9).reshape(3, 3, 2)
    torch.testing.assert_close(pooled[2, 0], grid[4:6, 0:2].mean((0, 1)))


@pytest.mark.parametrize("num_tokens", [100, 200, 0, 2, 577])
def test_scales_that_cannot_be_met_are_refused(num_tokens):
    with pytest.raises(ValueError, match="1, 4, 9, 16, 36, 64, 144, 576"):
        pool_tokens(torch.zeros(1, 576, 1), num_tokens)


def test_a_grid_must_be_square():
    with pytest.raises(ValueError, match="got 10 tokens"):
        pool_tokens(torch.zeros(1, 10, 1), 1)


def test_one_per_image_refuses_other_counts_and_fractions():
    with pytest.raises(ValueError, match="got 2 numbers of visual tokens for 3 images"):
        one_per_image([1, 2], 3)
    with pytest.raises(ValueError, match=r"whole numbers, got 1\.5"):
        one_per_image([1.5], 1)
