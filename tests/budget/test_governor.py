import json
import threading

import numpy as np
import pytest
from PIL import Image
from scene_choices import load

from budget import load_model
from budget.adaptive import AdaptiveVLM
from budget.budgets import Budget, Decision
from budget.errors import DataError
from budget.exact_costs import ExactCosts
from budget.governor import Governor, Pace
from budget.governor_state import read_state, write_state
from budget.ladder import ScaleLadder
from budget.shipped import shipped_folder
from budget.trust import GuardedPolicy
from budget.types import Answer, Cost
from experiments.scenes.data import load_scenes
from policies import load_policy

COSTS = np.array([1.0, 4.0, 9.0, 36.0, 144.0])


def serve(governor, expected, *, batch=1, ratio=1.0):
    """Serve requests in order and return their rungs; real costs are the planned ones x ratio."""
    rungs = []
    for start in range(0, len(expected), batch):
        part = expected[start : start + batch]
        asked = Decision(np.zeros(len(part), dtype=np.int64), part)
        chosen = governor.govern(asked).rungs.tolist()
        for rung in chosen:
            governor.settle([rung], ratio * governor.costs[rung])
        rungs += chosen
    return np.array(rungs)


def real(seed, count=1000, *, shift=False):
    """What the shipped policy expects of real samples: mixed, or easy ones and then hard ones."""
    expected = load().expected
    rng = np.random.default_rng(seed)
    if not shift:
        return expected[rng.permutation(len(expected))[:count]]
    order = np.argsort(expected[:, -1] - expected[:, 0])
    easy, hard = np.array_split(order, 2)
    half = count // 2
    return expected[np.r_[rng.permutation(easy)[:half], rng.permutation(hard)[:half]]]


@pytest.mark.parametrize("mean", [3.0, 12.0, 36.0, 63.0])
@pytest.mark.parametrize(("shift", "batch"), [(False, 16), (True, 16), (True, 1)])
def test_the_mean_is_held_within_two_percent_after_a_thousand_requests(mean, shift, batch):
    for seed in range(1 if batch == 1 else 6):
        governor = Governor(COSTS, mean=mean)
        rungs = serve(governor, real(seed, shift=shift), batch=batch)
        assert COSTS[rungs].mean() == pytest.approx(mean, rel=0.02)
        report = governor.report()
        assert report.spent == pytest.approx(COSTS[rungs].mean())
        assert report.error == pytest.approx(report.spent / mean - 1)
        assert (report.requests, report.limit) == (1000, "")


def test_hard_requests_get_more_than_easy_ones():
    governor, expected = Governor(COSTS, mean=36.0), real(0)
    rungs = serve(governor, expected, batch=8)
    gain = expected[:, -1] - expected[:, 0]
    hard = gain > np.median(gain)
    assert COSTS[rungs][hard].mean() > 2 * COSTS[rungs][~hard].mean()


@pytest.mark.parametrize("batch", [1, 16])
def test_no_request_is_starved_or_spoilt(batch):
    governor = Governor(COSTS, mean=20.0, floor=1, ceiling=3)
    rungs = serve(governor, real(1, shift=True), batch=batch)
    assert set(rungs) == {1, 2, 3}
    assert COSTS[rungs].mean() == pytest.approx(20, rel=0.02)


def test_a_debt_never_exceeds_the_slack():
    governor = Governor(COSTS, mean=36.0, pace=Pace(slack=5))
    debts = np.cumsum(COSTS[serve(governor, real(2, shift=True))] - 36.0)
    assert debts.max() <= 5 * 36.0 + 1e-9


def test_real_costs_that_differ_from_the_plan_are_held_all_the_same():
    governor = Governor(COSTS, mean=36.0, unit="flops")
    rungs = serve(governor, real(3), batch=4, ratio=1.6)
    assert 1.6 * COSTS[rungs].mean() == pytest.approx(36, rel=0.02)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mean": 0.9}, "0.9 tokens cannot be held between rungs 0 and 4: they cost 1 and 144"),
        ({"mean": 36.1, "ceiling": 3}, "cannot be held between rungs 0 and 3"),
        ({"mean": 3, "floor": 1, "unit": "ms"}, "3 ms cannot be held between rungs 1 and 4"),
        ({"mean": float("nan")}, "nan tokens cannot be held"),
        ({"mean": 9, "floor": 3, "ceiling": 2}, "floor first, got 3 and 2"),
        ({"mean": 9, "ceiling": 5}, "rungs from 0 to 4"),
        ({"mean": 9, "costs": [1, 1, 9]}, "costs must rise"),
        ({"mean": 9, "costs": [0, 1, 9]}, "numbers above 0"),
    ],
)
def test_means_that_cannot_be_held_are_refused_not_missed(changed, message):
    with pytest.raises(ValueError, match=message):
        Governor(**{"costs": COSTS, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"window": 0}, "at least 1"), ({"horizon": 0.5}, "at least 1"), ({"carry": 1}, "slack")],
)
def test_a_pace_that_cannot_be_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        Pace(**changed)


def test_a_budget_that_no_score_would_rise_for_is_not_spent_and_that_is_told():
    governor = Governor(COSTS, mean=100.0)
    rungs = serve(governor, np.tile([0.9, 0.9, 0.9, 0.8, 0.8], (300, 1)), batch=10)
    assert set(rungs) == {0}
    assert governor.price == 0
    assert governor.report().limit == "more spending is not expected to raise any score"


def test_fallbacks_are_counted_kept_and_not_learnt_from_and_too_many_of_them_are_told():
    governor = Governor(COSTS, mean=36.0)
    expected = real(4, 400)
    for start in range(0, 400, 8):
        part = expected[start : start + 8].copy()
        part[:2] = 0.0
        asked = Decision(np.full(8, 4), part, fallbacks=("error",) * 2 + ("",) * 6)
        assert governor.govern(asked).rungs[:2].tolist() == [4, 4]
    assert governor.report().spent == pytest.approx(37.5, rel=0.1)
    # A quarter at 144 is the whole budget: everything else sits on the floor.
    assert governor.report().saved < 0
    for _ in range(20):
        governor.govern(Decision(np.full(8, 4), part, fallbacks=("error",) * 8))
    assert governor.report().limit == "the floor and fallbacks cost more than the mean"


def test_scores_that_are_no_numbers_are_not_learnt_from():
    governor, expected = Governor(COSTS, mean=36.0), real(8, 100)
    serve(governor, expected, batch=10)
    before = governor.price
    odd = Decision(np.array([3, 0]), np.stack([np.full(5, np.nan), expected[0]]))
    assert governor.govern(odd).rungs[0] == 3
    assert np.isfinite(governor.price)
    assert governor.price == pytest.approx(before, rel=0.5)


def test_requests_that_tie_are_shared_out_over_time():
    governor = Governor(COSTS, mean=72.5)
    rungs = serve(governor, np.tile([0.1, 0.1, 0.1, 0.1, 0.9], (1000, 1)))
    assert set(rungs) == {0, 4}
    assert COSTS[rungs].mean() == pytest.approx(72.5, rel=0.02)


def test_a_restart_does_not_forget(tmp_path):
    expected = real(5)
    straight, first = Governor(COSTS, mean=12.0), Governor(COSTS, mean=12.0)
    wanted = serve(straight, expected)
    serve(first, expected[:495])  # a moment at which all requests are taken in
    write_state(tmp_path / "new" / "governor.json", first.state())
    second = Governor(COSTS, mean=12.0)
    second.restore(read_state(tmp_path / "new" / "governor.json"))
    assert second.price == first.price
    assert (serve(second, expected[495:]) == wanted[495:]).all()
    assert second.report() == straight.report()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["governor.json"]


def test_with_another_mean_a_restart_takes_over_what_was_seen_and_no_debt():
    first, second = Governor(COSTS, mean=12.0), Governor(COSTS, mean=50.0)
    serve(first, real(6, 300))
    second.restore(first.state())
    report = second.report()
    assert (report.requests, report.saved) == (0, 0.0)
    assert 0 < report.price < first.price


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.update(kind="other"), "kind"),
        (lambda state: state.update(saved=float("inf")), "saved"),
        (lambda state: state.update(more=1), "more"),
        (lambda state: state["scores"].append([0.5, "x"]), "scores"),
    ],
)
def test_a_state_that_is_not_well_formed_is_refused(tmp_path, change, message):
    state = json.loads(Governor(COSTS, mean=12.0).state().model_dump_json())
    change(state)
    path = tmp_path / "governor.json"
    path.write_text(json.dumps(state))
    with pytest.raises(DataError, match=message):
        read_state(path)


def test_no_state_and_one_of_another_ladder_are_refused(tmp_path):
    with pytest.raises(DataError, match="no governor's state can be read"):
        read_state(tmp_path / "none.json")
    other = Governor([1.0, 9.0], mean=4.0)
    with pytest.raises(DataError, match=r"of \[2\] rungs, the ladder has 5"):
        Governor(COSTS, mean=12.0).restore(other.state())


def test_many_threads_share_one_governor():
    governor, expected = Governor(COSTS, mean=12.0), real(7, 960)
    threads = [
        threading.Thread(target=serve, args=(governor, part), kwargs={"batch": 4})
        for part in np.split(expected, 8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    report = governor.report()
    assert report.requests == 960
    assert report.spent == pytest.approx(12.0, rel=0.03)
    # Nothing was counted twice or lost: what is left is what was not spent.
    assert report.saved == pytest.approx(960 - 960 * report.spent / 12.0, abs=1e-6)


def test_a_cost_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="at least 0, got nan"):
        Governor(COSTS, mean=12.0).settle([0], float("nan"))


class EchoVLM(ExactCosts):
    """Takes as many tokens as it is told, in two squares an image."""

    name = "echo"
    ladder = ScaleLadder((1, 4, 9, 36, 144))

    def answer(self, images, questions, *, num_visual_tokens, max_new_tokens=16, **_):
        return [
            Answer(q, (1,), 2 * int(np.sum(m)), 50, -0.5, grids=2)
            for q, m in zip(questions, num_visual_tokens, strict=True)
        ]

    def cost(self, num_visual_tokens, text_tokens, new_tokens, *, grids=1):
        return Cost(1.0, 1.0, float(num_visual_tokens + text_tokens), 1.0, 1.0)


class Foresees:
    """Knows of each image, which is a row number, what the shipped policy expects."""

    ladder = EchoVLM.ladder

    def choose(self, images, questions, *, budget=None):
        scores = load().expected[list(images)]
        return Decision(np.full(len(questions), 4), scores)


def test_an_adaptive_model_holds_the_mean_of_requests_that_bring_no_budget():
    vlm = AdaptiveVLM(EchoVLM(), Foresees(), governor=Governor(COSTS, mean=24.0))
    spent, rows = [], np.random.default_rng(0).permutation(4000)[:1600].tolist()
    own = [None, None, Budget(num_visual_tokens=144), None, Budget(price=0.0)]
    for start in range(0, 1600, 16):
        budgets = [own[i % 5] for i in range(16)]
        images = rows[start : start + 16]
        answers = vlm.answer(images, [f"q{i}" for i in images], budget=budgets)
        assert [a.num_visual_tokens for a in answers][2::5] == [288] * 3
        governed = [a for a, b in zip(answers, budgets, strict=True) if b is None]
        spent += [a.num_visual_tokens for a in governed]
    assert "that holds a mean of 24 tokens" in governed[0].reason
    # Two squares an image cost twice the plan, which the governor finds out.
    assert np.mean(spent) == pytest.approx(24.0, rel=0.02)
    assert vlm.governor.report().requests == len(spent) == 1000


def test_on_the_real_model_what_was_paid_is_what_is_counted_also_where_decisions_fail():
    model = load_model("m3")
    policy = GuardedPolicy(load_policy(shipped_folder("m3") / "policy"), model.ladder)
    costs = [model.cost(m, 30, 3).flops for m in model.ladder]
    governor = Governor(costs, mean=costs[2], unit="flops")
    vlm = AdaptiveVLM(model, policy, governor=governor)
    rows = load_scenes("test", 14)
    images = [*rows["image"][:], Image.effect_noise((200, 100), 90)]
    questions = [*rows["question"][:], "What is red?"]
    answers = []
    for start in range(0, 15, 5):
        part = slice(start, start + 5)
        answers += vlm.answer(images[part], questions[part], max_new_tokens=4)
    report = governor.report()
    assert report.requests == 15
    assert report.spent == pytest.approx(np.mean([answer.flops for answer in answers]))
    assert [answer.fallback for answer in answers] == [""] * 14 + ["outlier"]
    assert answers[-1].num_visual_tokens == model.ladder[-1]
    assert len({answer.num_visual_tokens for answer in answers[:14]}) > 2
    assert policy.report().fallbacks["outlier"] == 1
