"""What the flags of ``budget serve`` make: a guarded policy, a governor, settings."""

import pytest
from PIL import Image

from budget.budgets import Budget
from budget.errors import DataError, PolicyError
from budget.serving.assembly import assemble, warm_up
from budget.serving.flags import AccessFlags, LimitFlags, ModelFlags, QueueFlags
from budget.serving.governing import remember
from budget.serving.limits import Limits
from budget.shipped import shipped_folder
from policies.policy_files import load_policy


def assembled(loader=load_policy, limits=None, **model):
    return assemble(
        ModelFlags(threads=1, **model), QueueFlags(), limits or LimitFlags(), AccessFlags(), loader
    )


def test_without_flags_the_shipped_policy_is_guarded_and_nothing_is_noted():
    vlm, settings = assembled()
    assert (settings.budget, settings.notice, vlm.governor) == (None, "", None)
    assert settings.limits == Limits()
    warm_up(vlm)
    assert vlm.policy.report().decisions == 0


def test_a_policy_that_cannot_be_read_is_the_fallback_scale_and_a_notice(tmp_path, capsys):
    (tmp_path / "policy.json").write_text("{")
    vlm, settings = assembled(policy=str(tmp_path), fallback_tokens=9)
    (answer,) = vlm.answer([Image.new("RGB", (96, 96))], ["?"])
    assert (answer.num_visual_tokens, answer.fallback) == (9, "no policy")
    assert "every image gets 9 visual tokens" in settings.notice
    assert capsys.readouterr().err == f"budget: {settings.notice}\n"


def test_a_policy_of_another_model_is_the_fallback_too():
    folder = shipped_folder("mqt") / "policy"
    vlm, settings = assembled(policy=str(folder))
    assert vlm.policy.policy is None
    assert "144 visual tokens" in settings.notice
    with pytest.raises((PolicyError, ValueError), match="scales"):
        assembled(policy=str(folder), strict_policy=True)


def test_a_loader_that_breaks_in_any_way_is_no_reason_not_to_start(tmp_path):
    def breaks(folder):
        raise KeyError("scores")

    vlm, settings = assembled(loader=breaks, policy=str(tmp_path))
    assert vlm.policy.policy is None
    assert "scores" in settings.notice
    with pytest.raises(PolicyError, match="scores"):
        assembled(loader=breaks, policy=str(tmp_path), strict_policy=True)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("price=0.25", Budget(price=0.25)),
        ("tokens=36", Budget(num_visual_tokens=36)),
        ("policy", None),
    ],
)
def test_a_default_budget_is_given_to_requests_that_say_nothing(text, budget):
    vlm, settings = assembled(budget=text)
    assert (settings.budget, vlm.governor) == (budget, None)


@pytest.mark.parametrize(("text", "mean"), [("mean-tokens=20", 20), ("mean-flops=8e8", 8e8)])
def test_a_mean_is_held_by_a_governor(text, mean):
    vlm, settings = assembled(budget=text)
    assert settings.budget is None
    assert vlm.governor.report().target == mean
    warm_up(vlm)
    assert vlm.governor.report().requests == 0


def test_what_a_governor_learnt_is_remembered_from_one_start_to_the_next(tmp_path):
    state, mean = tmp_path / "state" / "governor.json", "mean-tokens=20"
    vlm, _ = assembled(budget=mean, governor_state=state)
    vlm.answer([Image.new("RGB", (96, 96))] * 3, ["What color is the star?"] * 3)
    remember(vlm.governor, state)
    again, _ = assembled(budget=mean, governor_state=state)
    assert again.governor.report() == vlm.governor.report()
    assert again.governor.report().requests == 3
    state.write_text("{}")
    with pytest.raises(DataError, match=r"governor\.json"):
        assembled(budget=mean, governor_state=state)
    with pytest.raises(ValueError, match="goes with --budget mean-tokens"):
        assembled(governor_state=state)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cheap", "--budget must be policy"),
        ("price=x", "--budget price=x"),
        ("price=-1", "at least 0"),
        ("tokens=5", "5"),
        ("mean-tokens=1000", "cannot be held"),
        ("mean-tokens=0.5", "cannot be held"),
        ("risk=2:0.1", "epsilon"),
        ("mean-ms=0.000001", "mean"),
    ],
)
def test_a_default_that_nobody_can_meet_is_refused_at_the_start(text, said):
    with pytest.raises((ValueError, PolicyError), match=said):
        assembled(budget=text)
