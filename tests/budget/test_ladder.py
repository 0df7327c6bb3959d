import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.ladder import ScaleLadder

ladders = st.sets(st.integers(1, 600), min_size=1, max_size=8).map(
    lambda scales: ScaleLadder(tuple(sorted(scales)))
)


@given(ladders)
def test_rungs_and_scales_are_inverse(ladder):
    assert [ladder.rung_of(scale) for scale in ladder] == list(range(len(ladder)))
    assert [ladder[rung] for rung in range(len(ladder))] == list(ladder.scales)


@given(ladders, st.integers(1, 600))
def test_at_least_is_the_cheapest_that_holds(ladder, tokens):
    holding = [scale for scale in ladder if scale >= tokens]
    if holding:
        assert ladder.at_least(tokens) == min(holding)
    else:
        with pytest.raises(ValueError, match=f"the largest is {ladder[-1]}"):
            ladder.at_least(tokens)


@pytest.mark.parametrize("scales", [(), (0, 1), (1, 1), (9, 4)])
def test_bad_ladders_are_refused(scales):
    with pytest.raises(ValueError, match="scale"):
        ScaleLadder(scales)


def test_an_unknown_scale_names_the_legal_ones():
    with pytest.raises(ValueError, match="7 is no scale of this ladder; it has 1, 9, 36"):
        ScaleLadder((1, 9, 36)).rung_of(7)
