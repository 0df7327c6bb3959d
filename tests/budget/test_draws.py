"""Drawn tokens against independent formulas: shares of many draws, and the nucleus by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from budget.draws import Draws, nucleus, pick, tempered
from budget.sampling import Generation

LOGITS = torch.tensor([1.0, -0.5, 2.0, 0.3, -2.0])


def draw_many(generation, logits=LOGITS, count=4000):
    """One row, as many steps."""
    draws = Draws([generation])
    return [int(draws.draw(logits[None], [0]).tokens) for _ in range(count)]


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_tokens_come_as_often_as_the_tempered_softmax_says(temperature):
    tokens = draw_many(Generation(temperature=temperature, seed=0))
    shares = np.bincount(tokens, minlength=5) / len(tokens)
    weights = np.exp(LOGITS.numpy().astype(float) / temperature)
    expected = weights / weights.sum()
    assert np.abs(shares - expected).max() < 4 * np.sqrt(0.25 / len(tokens))


def test_nothing_outside_the_nucleus_is_ever_drawn():
    # Probabilities 0.23, 0.05, 0.62, 0.11, 0.01: two tokens reach 0.8, the first alone 0.6.
    assert set(draw_many(Generation(temperature=1.0, top_p=0.8, seed=1))) == {0, 2}
    assert set(draw_many(Generation(temperature=1.0, top_p=0.6, seed=1))) == {2}


@given(
    hnp.arrays(np.float32, 12, elements=st.floats(0.0009765625, 1, width=32)),
    st.floats(0.01, 0.999),
)
def test_the_nucleus_is_the_fewest_tokens_that_reach_top_p(weights, top_p):
    probs = torch.tensor(weights / weights.sum())
    kept = nucleus(probs[None], [top_p])[0]
    inside, outside = probs[kept > 0], probs[kept == 0]
    assert torch.equal(kept[kept > 0], inside)
    assert float(inside.sum()) >= top_p - 1e-6
    # Without the least probable ones (ties stay together) it would not be reached.
    assert float(inside[inside > inside.min()].sum()) < top_p + 1e-6
    assert not len(outside) or float(outside.max()) < float(inside.min())


def test_a_temperature_near_zero_takes_the_most_probable_token_however_small_it_is():
    for temperature in (1e-3, 1e-20, 1e-300):
        assert set(draw_many(Generation(temperature=temperature, seed=2), count=50)) == {2}
    assert tempered(torch.tensor([[5.0, 5.0]]), [1e-300]).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2**-53])
def test_no_number_falls_on_a_token_of_probability_zero(number):
    probs = torch.tensor([[0.0, 0.3, 0.0, 0.7, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]])
    first, second = pick(probs, [number, number]).tolist()
    assert first in (1, 3)
    assert second == 1


def test_a_rows_draws_do_not_depend_on_its_batch():
    generations = [Generation(temperature=1.0, seed=s) for s in range(6)]
    generations[2] = Generation()
    logits = torch.randn(6, 50, generator=torch.Generator().manual_seed(0))
    together, left = Draws(generations), [0, 2, 3, 5]
    steps = [together.draw(logits, range(6)), together.draw(logits[left], left)]
    assert steps[0].places == [0, 1, 3, 4, 5]
    assert steps[1].places == [0, 2, 3]  # rows 0, 3 and 5 of the first batch
    for row in (0, 3, 5):
        alone = Draws([generations[row]])
        for step, rows in zip(steps, (range(6), left), strict=True):
            place = step.places.index(list(rows).index(row))
            assert alone.draw(logits[[row]], [0]).tokens[0] == step.tokens[place]


def test_greedy_rows_draw_nothing():
    assert Draws([Generation(), Generation(top_p=0.5)]).draw(LOGITS.repeat(2, 1), [0, 1]) is None


def test_seeds_tell_draws_apart_and_none_is_another_every_time():
    def tokens(seed):
        flat = torch.zeros(1000)
        return draw_many(Generation(temperature=1.0, seed=seed), flat, count=8)

    assert tokens(7) == tokens(7)
    assert len({tuple(tokens(seed)) for seed in (7, 8, -7, 2**63, 0)}) == 5
    assert tokens(None) != tokens(None)
