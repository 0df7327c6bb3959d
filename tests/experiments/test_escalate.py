"""Going up for real: what the bench says holds of the answers, and agrees with the curves."""

import json

import numpy as np
import pytest

from budget.budgets import FullScale
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from budget.models import load_model
from budget.serving.going_up import going_up
from budget.shipped import shipped_folder
from budget.trust import GuardedPolicy
from experiments.cli import run
from experiments.escalate.summary import points_of
from experiments.escalate.ways import (
    ANEW,
    BEFORE,
    FIXED,
    Outcome,
    Questions,
    run_fixed,
    run_policies,
)
from experiments.scenes.data import load_scenes
from policies.policy_files import load_policy


@pytest.fixture(scope="module")
def m3():
    return load_model("m3")


@pytest.fixture(scope="module")
def asked():
    rows = load_scenes("test", 12)
    return Questions(rows["image"][:], rows["question"][:], rows["answers"][:])


def test_fixed_scales_cost_what_the_model_says(m3, asked):
    fixed = run_fixed(m3, asked, max_new_tokens=4)
    assert [each.budget for each in fixed.outcomes] == list(m3.ladder)
    assert fixed.signs.texts.shape == fixed.signs.confidence.shape == (12, 5)
    for m, each in zip(m3.ladder, fixed.outcomes, strict=True):
        assert set(each.tokens) == {float(m)}
        assert (each.flops <= each.full_flops).all()
        assert set(each.scores) <= {0.0, 1.0}
    np.testing.assert_array_equal(fixed.outcomes[-1].flops, fixed.outcomes[-1].full_flops)


def test_going_up_pays_for_every_answer_and_keeps_the_bound(m3, asked):
    policy = load_policy(shipped_folder("m3") / "policy")
    outcomes = list(run_policies(m3, policy, asked, [12.0, 60.0], bound=0.25, max_new_tokens=4))
    assert [each.way for each in outcomes] == [BEFORE, ANEW] * 2
    for before, going in (outcomes[:2], outcomes[2:]):
        assert (before.tries == 1).all()
        assert (going.flops <= 1.25 * going.full_flops).all()
    again = going.tries > 1
    assert again.any()
    assert (going.tokens[again] > 1).all()


def outcome(way, scores, flops):
    n = len(scores)
    ones = np.ones(n)
    return Outcome(
        way, 1.0, np.array(scores, float), np.array(flops, float), 10 * ones, ones, ones, 1.0
    )


def test_points_are_compared_at_equal_flops():
    half = [1.0, 0.0] * 50
    outcomes = [
        outcome(FIXED, [0.0] * 100, [2.0] * 100),
        outcome(FIXED, [1.0] * 100, [10.0] * 100),
        outcome(BEFORE, half, [4.0] * 100),
        outcome(ANEW, half, [6.0] * 100),
    ]
    points = points_of(outcomes, np.random.default_rng(0), resamples=50)
    going = points[-1]
    assert going.accuracy[0] == 0.5
    assert going.accuracy[1].low < 0.5 < going.accuracy[1].high
    assert going.flops[0] == pytest.approx(0.6)
    assert going.over_fixed[0] == pytest.approx(0.0)  # half way between the two
    assert going.over_before[0] == pytest.approx(0.5 - (0.5 + 0.5 * 2 / 6))
    assert points[2].over_fixed[0] == pytest.approx(0.25)
    assert going.most == pytest.approx(0.6)


@pytest.mark.parametrize("model", ["m3", "mqt"])
def test_the_command_writes_a_picture_and_agrees_with_the_curves(model, tmp_path, capsys):
    words = ["bench", "escalate", "--model", model, "--limit", "6", "--budgets", "9"]
    words += [
        "--rounds",
        "1",
        "--resamples",
        "20",
        "--bound",
        "inf",
        "--out",
        str(tmp_path),
        "--max-new-tokens",
    ]
    assert run([*words, "4"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["n"] == 6
    assert last["bound_held"]
    # Without a bound the ways are those that curves tell; a kept cache runs the question again.
    assert last["curves_accuracy_off"] == 0
    assert last["curves_flops_off"] < (0.001 if model == "m3" else 0.03)
    steps = last["steps"]
    assert [step["same_answers"] for step in steps] == ([1.0] * 3 if model == "mqt" else [])
    assert all(step["kept_flops"] < step["anew_flops"] for step in steps)
    assert all(step["kept_flops"] < 0.7 * step["anew_flops"] for step in steps[:1])
    whole = json.loads((tmp_path / "escalate.json").read_text())
    ways = {point["way"] for point in whole["points"]}
    assert ways == {FIXED, BEFORE, ANEW} | ({"escalate, kept cache"} if model == "mqt" else set())
    assert (tmp_path / "escalate.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_run_is_said_in_one_line(capsys, tmp_path):
    assert run(["bench", "escalate", "--budgets", "4,many", "--limit", "2"]) == 2
    assert "--budgets must be numbers as 4,16,64, got '4,many'" in capsys.readouterr().err
    assert run(["bench", "escalate", "--policy", str(tmp_path), "--limit", "2"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_shipped_policies_look_at_answers():
    for name, kept in (("m3", False), ("mqt", True)):
        policy = load_policy(shipped_folder(name) / "policy")
        spending = policy.extras["escalation"].rule.spending
        assert isinstance(policy.ladder, ScaleLadder)
        assert spending.kept_cache is kept


@pytest.fixture
def served_with():
    """Assemble a server of the shipped MQT from flags."""
    pytest.importorskip("fastapi")
    from budget.serving.assembly import assemble
    from budget.serving.flags import AccessFlags, LimitFlags, ModelFlags, QueueFlags

    def make(policy="mqt", **flags):
        folder = str(shipped_folder(policy) / "policy")
        model = ModelFlags(model="mqt", policy=folder, **flags)
        return assemble(model, QueueFlags(), LimitFlags(), AccessFlags(), load_policy)

    return make


def test_a_server_may_go_up(served_with, asked):
    from budget.serving.assembly import warm_up

    vlm, settings = served_with(escalate=0.1, budget="mean-tokens=60", fallback_tokens=36)
    warm_up(vlm)
    assert settings.budget.given == ("mean_tokens", 60)
    assert (vlm.bound, vlm.model.ladder[vlm.fallback_rung]) == (0.1, 36)
    answers = vlm.answer(asked.images, asked.questions, budget=settings.budget)
    assert max(len(each.tried) for each in answers) > 1
    assert all(each.flops <= 1.1 * each.full_flops for each in answers)
    with pytest.raises(PolicyError, match="going up was not calibrated"):
        served_with(escalate=0.1, budget="risk=0.01:0.05")
    plain, _ = served_with()
    assert not hasattr(plain, "bound")


def test_a_policy_that_does_not_look_at_answers_cannot_go_up(served_with, m3):
    policy = FullScale(m3.ladder)
    with pytest.raises(PolicyError, match="needs a policy that was fitted to look at answers"):
        going_up(m3, GuardedPolicy(policy, m3.ladder), 0.25)
