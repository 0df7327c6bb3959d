import threading
import time

import numpy as np
import pytest
from PIL import Image

from budget.adaptive import AdaptiveVLM, EncodedPolicy
from budget.budgets import Budget, Decision, FullScale
from budget.errors import PolicyError
from budget.exact_costs import ExactCosts
from budget.ladder import ScaleLadder
from budget.shipped import shipped_folder
from budget.trust import GuardedPolicy
from budget.types import Answer, Cost

LADDER = ScaleLadder((1, 9, 36))
SCORES = np.array([0.3, 0.8, 0.9])


class Scripted:
    """Does with each question what it says: 'raise', 'nan', 'far', 'hang', or a good decision."""

    ladder = LADDER

    def __init__(self):
        self.calls = []
        self.release = threading.Event()

    def choose(self, images, questions, *, budget=None):
        self.calls.append(list(questions))
        if "raise" in questions:
            raise OSError("cannot read\nthis picture")
        if "hang" in questions:
            self.release.wait(30)
        if "interrupt" in questions:
            raise KeyboardInterrupt
        scores = np.tile(SCORES, (len(questions), 1))
        scores[[q == "nan" for q in questions]] = np.nan
        return Decision(
            np.ones(len(questions), dtype=np.int64),
            scores,
            outliers=np.array([q == "far" for q in questions]),
        )


def choose(guard, *questions, budget=None):
    return guard.choose([None] * len(questions), questions, budget=budget)


def test_good_decisions_pass_through_unchanged():
    guard = GuardedPolicy(Scripted(), LADDER)
    found = choose(guard, "a", "b")
    assert found.rungs.tolist() == [1, 1]
    assert (found.scores == SCORES).all()
    assert found.fallbacks == ("", "")
    assert guard.report().decisions == 2
    assert sum(guard.report().fallbacks.values()) == 0


def test_a_warm_up_is_not_counted_and_whatever_it_meets_is_left_to_requests():
    policy = Scripted()
    guard = GuardedPolicy(policy, LADDER)
    guard.warm_up(None)
    assert policy.calls == [["?"]]
    policy.choose = None  # not even callable
    guard.warm_up(None)
    GuardedPolicy(None, LADDER, reason="none was read").warm_up(None)
    assert guard.report().decisions == 0


def test_one_bad_picture_takes_no_other_of_its_batch_down():
    policy = Scripted()
    guard = GuardedPolicy(policy, LADDER)
    found = choose(guard, "a", "raise", "b")
    assert found.rungs.tolist() == [1, 2, 1]
    assert found.fallbacks == ("", "error", "")
    assert found.details == ("", "OSError: cannot read this picture", "")
    assert policy.calls == [["a", "raise", "b"], ["a"], ["raise"], ["b"]]
    assert guard.report().fallbacks["error"] == 1
    assert guard.report().last == {"error": "OSError: cannot read this picture"}


def test_rows_that_are_no_numbers_and_outliers_fall_back_alone():
    guard = GuardedPolicy(Scripted(), LADDER, fallback_rung=0)
    found = choose(guard, "nan", "a", "far")
    assert found.rungs.tolist() == [0, 1, 0]
    assert found.fallbacks == ("malformed", "", "outlier")
    assert np.isfinite(found.scores).all()
    assert found.details == (
        "scores must be finite and rungs from 0 to 2",
        "",
        "unlike all that the policy was calibrated on",
    )
    assert guard.report().fallbacks == {
        "outlier": 1, "deadline": 0, "error": 0, "malformed": 1, "no policy": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        ([1, 1], [SCORES, SCORES]),
        Decision(np.ones(1, int), np.tile(SCORES, (2, 1))),
        Decision(np.ones(2, int), np.ones((2, 2))),
        Decision(np.ones(2), np.tile(SCORES, (2, 1))),
        Decision(np.ones(2, int), [["a", "b", "c"]] * 2),
        Decision(np.ones(2, int), np.tile(SCORES, (2, 1)), outliers=np.zeros(3, bool)),
    ],
)
def test_what_is_no_decision_at_all_falls_back_as_a_whole(wrong):
    class Wrong(FullScale):
        def choose(self, images, questions, *, budget=None):
            return wrong

    guard = GuardedPolicy(Wrong(LADDER), LADDER)
    found = choose(guard, "a", "b")
    assert found.rungs.tolist() == [2, 2]
    assert found.fallbacks == ("malformed", "malformed")
    assert len(found.details[0]) > 10


@pytest.mark.parametrize("rung", [-1, 3])
def test_a_rung_off_the_ladder_is_malformed(rung):
    class Off(FullScale):
        def choose(self, images, questions, *, budget=None):
            return Decision(np.array([rung, 1]), np.tile(SCORES, (2, 1)))

    found = choose(GuardedPolicy(Off(LADDER), LADDER), "a", "b")
    assert found.fallbacks == ("malformed", "")
    assert found.rungs.tolist() == [2, 1]


def test_without_a_policy_all_get_the_configured_scale_and_are_told_why():
    guard = GuardedPolicy(None, LADDER, fallback_rung=1, reason="no policy file at x")
    found = choose(guard, "a", "b")
    assert found.rungs.tolist() == [1, 1]
    assert found.fallbacks == ("no policy", "no policy")
    assert found.details == ("no policy file at x",) * 2
    assert not isinstance(guard, EncodedPolicy)
    assert choose(guard).rungs.shape == (0,)


def test_a_late_decision_is_dropped_and_later_ones_are_not_held_up_until_it_ends():
    policy = Scripted()
    guard = GuardedPolicy(policy, LADDER, deadline_ms=50)
    assert choose(guard, "a").fallbacks == ("",)
    late = choose(guard, "hang", "b")
    assert late.fallbacks == ("deadline", "deadline")
    assert "no decision within 50 ms" in late.details[1]
    start = time.perf_counter()
    held_up = choose(guard, "c")
    assert time.perf_counter() - start < 0.04
    assert "earlier decision still runs" in held_up.details[0]
    assert policy.calls == [["a"], ["hang", "b"]]
    policy.release.set()
    until = time.monotonic() + 10
    while choose(guard, "d").fallbacks != ("",) and time.monotonic() < until:
        time.sleep(0.005)
    assert choose(guard, "d").fallbacks == ("",)
    assert guard.report().fallbacks["deadline"] >= 3


@pytest.mark.parametrize("deadline_ms", [None, 5000])
def test_an_interrupt_is_not_swallowed(deadline_ms):
    guard = GuardedPolicy(Scripted(), LADDER, deadline_ms=deadline_ms)
    with pytest.raises(KeyboardInterrupt):
        choose(guard, "interrupt")
    assert choose(guard, "a").fallbacks == ("",)


def test_a_scale_fixed_by_the_caller_is_given_and_nobody_is_asked():
    policy = Scripted()
    found = choose(GuardedPolicy(policy, LADDER), "raise", budget=Budget(num_visual_tokens=9))
    assert (found.rungs.tolist(), found.fallbacks, policy.calls) == ([1], ("",), [])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"fallback_rung": 3}, "rung from 0 to 2, got 3"),
        ({"deadline_ms": 0}, "above 0, got 0"),
        ({"deadline_ms": float("nan")}, "above 0, got nan"),
    ],
)
def test_settings_that_cannot_be_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        GuardedPolicy(Scripted(), LADDER, **changed)


def test_a_policy_for_another_ladder_is_refused():
    with pytest.raises(ValueError, match=r"made for scales \(1, 9, 36\)"):
        GuardedPolicy(Scripted(), ScaleLadder((1, 2)))


def test_counts_of_many_threads_add_up():
    guard = GuardedPolicy(Scripted(), LADDER, deadline_ms=20_000)
    threads = [
        threading.Thread(target=lambda: [choose(guard, "a", "nan") for _ in range(20)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert guard.report().decisions == 320
    assert guard.report().fallbacks["malformed"] == 160


class EchoVLM(ExactCosts):
    name = "echo"
    ladder = LADDER

    def answer(self, images, questions, *, num_visual_tokens, max_new_tokens=16, **_):
        return [
            Answer(q, (1,), m, m + 5, -0.5)
            for q, m in zip(questions, num_visual_tokens, strict=True)
        ]

    def cost(self, num_visual_tokens, text_tokens, new_tokens, *, grids=1):
        return Cost(1.0, 1.0, float(num_visual_tokens + text_tokens), 1.0, 1.0)


def test_an_answer_says_that_its_scale_is_the_configured_one_and_why():
    vlm = AdaptiveVLM(EchoVLM(), GuardedPolicy(Scripted(), LADDER))
    good, bad = vlm.answer([0, 1], ["a", "raise"])
    assert (good.fallback, bad.fallback) == ("", "error")
    assert (good.num_visual_tokens, bad.num_visual_tokens) == (9, 36)
    assert bad.reason == (
        "the configured scale of 36 tokens (error: OSError: cannot read this picture)"
    )
    assert "OSError" not in good.reason


@pytest.fixture(scope="module")
def shipped():
    from policies import load_policy

    return load_policy(shipped_folder("m3") / "policy")


def test_the_shipped_policy_survives_a_picture_that_cannot_be_read(shipped):
    guard = GuardedPolicy(shipped, shipped.ladder)
    scene = Image.new("RGB", (96, 96), "white")
    found = guard.choose([b"no picture", b"\xff\xd8\xff junk"], ["What is red?"] * 2)
    assert found.fallbacks == ("error", "error")
    assert "DataError" in found.details[0]
    mixed = guard.choose([scene, b"no picture"], ["What is red?"] * 2)
    assert mixed.fallbacks[1] == "error"
    assert mixed.fallbacks[0] != "error"


def test_a_budget_that_the_shipped_policy_cannot_meet_is_refused_beforehand(shipped):
    guard = GuardedPolicy(shipped, shipped.ladder)
    guard.check_budget(Budget(mean_tokens=12))
    guard.check_budget(Budget(num_visual_tokens=4))
    with pytest.raises(PolicyError, match="mean_tokens must be at least 1"):
        guard.check_budget(Budget(mean_tokens=0.5))
    scene = Image.new("RGB", (96, 96), "white")
    found = guard.choose([scene], ["What is red?"], budget=Budget(mean_tokens=0.5))
    assert found.fallbacks == ("error",)


def test_a_guard_is_of_the_tier_of_its_policy():
    from policies import load_policy

    inner = load_policy(shipped_folder("m3") / "post-vision")
    guard = GuardedPolicy(inner, inner.ladder)
    assert isinstance(guard, EncodedPolicy)
    with pytest.raises(PolicyError, match="mean_tokens must be at least 1"):
        guard.check_budget(Budget(mean_tokens=0.5))
    scene = Image.new("RGB", (96, 96), "white")
    found = guard.choose_encoded([scene], ["What?"], features=["nothing"], words=["nothing"])
    assert found.fallbacks == ("error",)


def test_guarding_costs_microseconds():
    policy = FullScale(LADDER)
    guard = GuardedPolicy(policy, LADDER)
    times = []
    for _ in range(200):
        start = time.perf_counter()
        guard.choose([None], ["a"])
        times.append(time.perf_counter() - start)
    assert min(times) < 2e-4
