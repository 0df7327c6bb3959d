"""What rungs are planned to cost: scales of M3, a usual picture's tokens, or a policy's means."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from budget.models import load_model
from budget.rung_tokens import planned_tokens, told_apart
from budget.serving.governing import DefaultBudget, governor_of


@pytest.fixture(scope="module")
def m3():
    return load_model("m3")


def test_exact_scales_are_planned_as_they_are(m3):
    assert planned_tokens(m3).tolist() == list(m3.ladder)
    governor = governor_of(DefaultBudget(mean=("tokens", 24.0)), m3)
    assert governor.costs.tolist() == [float(m) for m in m3.ladder]
    flops = governor_of(DefaultBudget(mean=("flops", 1e9)), m3).costs
    text = m3.count_text_tokens("What is shown here?")
    assert flops.tolist() == [m3.cost(m, text, 4).flops for m in m3.ladder]


def test_means_that_a_policy_knows_come_first(m3):
    means = np.array([0.5, 2.0, 4.5, 18.0, 72.0])
    knows = SimpleNamespace(rung_tokens=means, rung_flops=means * 1e8)
    assert planned_tokens(m3, knows) is means
    with pytest.raises(ValueError, match=r"they cost 0\.5 and 72"):
        governor_of(DefaultBudget(mean=("tokens", 100.0)), m3, policy=knows)
    governor = governor_of(DefaultBudget(mean=("flops", 1e9)), m3, policy=knows)
    assert governor.costs.tolist() == (means * 1e8).tolist()
    unknown = SimpleNamespace(rung_tokens=None, rung_flops=None)
    assert planned_tokens(m3, unknown).tolist() == list(m3.ladder)


def test_rungs_that_coincide_are_told_apart():
    class Same:
        def realised(self, image):
            assert image.size == (640, 480)
            return [20, 20, 20]

    costs = planned_tokens(Same())
    assert (np.diff(costs) > 0).all()
    np.testing.assert_allclose(costs, 20, rtol=1e-5)
    assert (np.diff(told_apart([0.0, 0.0])) > 0).all()


def test_a_scale_costs_what_it_is_called_in_each_grid(m3):
    picture = Image.new("RGB", (64, 64))
    assert m3.realised(picture) == list(m3.ladder)
    assert m3.tokens_at(picture, 16) == 16
    m3.check_fits([picture], "what?", [144])
    with pytest.raises(ValueError, match="too long"):
        m3.check_fits([picture] * 30, "what?", [144] * 30)
