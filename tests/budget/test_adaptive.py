import asyncio
import math
import time

import numpy as np
import pytest

from budget.adaptive import AdaptiveVLM
from budget.budgets import Budget, Decision, FullScale
from budget.exact_costs import ExactCosts
from budget.ladder import ScaleLadder
from budget.models import load_model
from budget.risk import Risk
from budget.types import Answer, Cost
from experiments.scenes.data import load_scenes

LADDER = ScaleLadder((1, 9, 36))


class EchoVLM(ExactCosts):
    """Answers with the number of tokens it was given; remembers each call."""

    name = "echo"
    ladder = LADDER

    def __init__(self):
        self.calls = []

    def answer(self, images, questions, *, num_visual_tokens, max_new_tokens=16, **_):
        if max(num_visual_tokens) > 36:
            raise ValueError(f"cannot give {max(num_visual_tokens)} tokens; legal are 1 to 36")
        self.calls.append(num_visual_tokens)
        return [
            Answer(f"{q}/{i}@{m}", (1,), m, 40 + m, -0.5)
            for i, q, m in zip(images, questions, num_visual_tokens, strict=True)
        ]

    def cost(self, num_visual_tokens, text_tokens, new_tokens, *, grids=1):
        tokens = num_visual_tokens * grids + text_tokens
        return Cost(1000.0 * grids, 0.0, float(tokens), float(new_tokens), 0.0)


class LengthPolicy:
    """Longer questions get more tokens; takes two milliseconds a batch over it."""

    def __init__(self, ladder=LADDER):
        self.ladder = ladder
        self.budgets = []

    def choose(self, images, questions, *, budget=None):
        time.sleep(0.002)
        self.budgets.append(budget)
        rungs = np.array([min(len(q), 3) - 1 for q in questions])
        return Decision(rungs, np.tile([0.3, 0.8, 0.9], (len(questions), 1)))


def adaptive():
    return AdaptiveVLM(EchoVLM(), LengthPolicy())


def test_answers_come_back_in_input_order_from_one_call():
    vlm = adaptive()
    answers = vlm.answer([0, 1, 2, 3], ["aaa", "b", "cc", "d"])
    assert [a.text for a in answers] == ["aaa/0@36", "b/1@1", "cc/2@9", "d/3@1"]
    assert vlm.model.calls == [[36, 1, 9, 1]]
    assert [a.rung for a in answers] == [2, 0, 1, 0]
    assert [LADDER[a.rung] for a in answers] == [a.num_visual_tokens for a in answers]


def test_any_order_of_the_input_gives_the_same_answers():
    questions = ["aaa", "b", "cc", "d", "ee", "fff"]
    straight = {a.text for a in adaptive().answer(range(6), questions)}
    order = np.random.default_rng(0).permutation(6).tolist()
    shuffled = adaptive().answer(order, [questions[i] for i in order])
    assert {a.text for a in shuffled} == straight
    assert [a.text.split("/")[0] for a in shuffled] == [questions[i] for i in order]


def test_the_reason_names_scores_and_scales():
    (cheap,) = adaptive().answer([0], ["cc"], budget=Budget(price=0.2))
    (full,) = adaptive().answer([0], ["ccc"], budget=Budget(mean_tokens=20))
    assert "0.80 at 9 tokens against 0.90 at 36" in cheap.reason
    assert "price 0.2" in cheap.reason
    assert full.reason == "highest expected score, within a mean of 20 tokens: 0.90 at 36 tokens"
    assert cheap.scores == (0.3, 0.8, 0.9)


def test_a_fixed_scale_does_not_ask_the_policy():
    vlm = adaptive()
    answers = vlm.answer([0, 1], ["a", "bbb"], budget=Budget(num_visual_tokens=9))
    assert [(a.num_visual_tokens, a.rung, a.scores) for a in answers] == [(9, 1, ())] * 2
    assert {a.reason for a in answers} == {"fixed by the caller"}
    assert vlm.policy.budgets == []


def test_a_fixed_scale_between_rungs_is_left_to_the_model():
    (answer,) = adaptive().answer([0], ["a"], budget=Budget(num_visual_tokens=20))
    assert (answer.num_visual_tokens, answer.rung) == (20, -1)
    with pytest.raises(ValueError, match="legal are 1 to 36"):
        adaptive().answer([0], ["a"], budget=Budget(num_visual_tokens=144))


def test_decision_time_is_per_sample():
    one = adaptive().answer([0], ["a"])[0].decision_ms
    many = adaptive().answer(range(100), ["a"] * 100)[0].decision_ms
    assert one >= 2
    assert many < one / 10


def test_the_budget_reaches_the_policy_unchanged():
    vlm = adaptive()
    vlm.answer([0], ["a"])
    vlm.answer([0], ["a"], budget=Budget(price=0.1))
    assert vlm.policy.budgets == [None, Budget(price=0.1)]


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(mean_flops=2.5e9), "within a mean of 2.5 GFLOPs"),
        (Budget(mean_ms=40), "within a mean of 40 ms"),
        (Budget(risk=Risk(0.01, 0.1)), "a loss of at most 0.01 with probability 0.9"),
    ],
)
def test_the_reason_says_what_was_allowed(budget, words):
    (answer,) = adaptive().answer([0], ["a"], budget=budget)
    assert words in answer.reason


def test_what_a_policy_notes_of_a_batch_is_part_of_the_reason():
    vlm = adaptive()
    choose = vlm.policy.choose
    vlm.policy.choose = lambda *args, **kwargs: choose(*args, **kwargs)._replace(note="so there")
    assert vlm.answer([0], ["a"])[0].reason.endswith("; so there")


def test_a_budget_names_what_was_given():
    assert Budget().given is None
    assert Budget(price=0.0).given == ("price", 0.0)
    assert Budget(risk=Risk(0.01)).given == ("risk", Risk(0.01, 0.05))


def test_nothing_in_nothing_out():
    vlm = adaptive()
    assert vlm.answer([], []) == []
    assert vlm.model.calls == []


@pytest.mark.parametrize(
    ("images", "questions", "match"),
    [
        ([0, 1], ["a"], "got 2 images, 1 questions"),
        ([0, 1, 2], "abc", "got 3 images, one string"),
    ],
)
def test_unequal_lengths_are_refused(images, questions, match):
    with pytest.raises(ValueError, match=match):
        adaptive().answer(images, questions)


def test_a_policy_for_another_ladder_is_refused():
    with pytest.raises(ValueError, match=r"scales \(1, 4\), the model 'echo' has \(1, 9, 36\)"):
        AdaptiveVLM(EchoVLM(), LengthPolicy(ScaleLadder((1, 4))))


@pytest.mark.parametrize(
    ("rungs", "scores", "match"),
    [
        (np.array([3]), np.ones((1, 3)), r"lie in 0\.\.2, got 3\.\.3"),
        (np.array([-1]), np.ones((1, 3)), r"lie in 0\.\.2"),
        (np.array([0, 1]), np.ones((1, 3)), r"rungs \[1\]"),
        (np.array([0]), np.ones((1, 2)), r"scores \[1, 3\]"),
        (np.array([0.5]), np.ones((1, 3)), "integers, got float64"),
    ],
)
def test_a_malformed_choice_is_refused(rungs, scores, match):
    policy = LengthPolicy()
    policy.choose = lambda images, questions, *, budget=None: Decision(rungs, scores)
    with pytest.raises(ValueError, match=match):
        AdaptiveVLM(EchoVLM(), policy).answer([0], ["a"])


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"price": 0.1, "mean_tokens": 9}, "takes one of"),
        ({"num_visual_tokens": 0}, "at least 1, got 0"),
        ({"price": -0.1}, "at least 0, got -0.1"),
        ({"price": math.nan}, "got nan"),
        ({"mean_tokens": 0}, "above 0, got 0"),
        ({"mean_tokens": math.inf}, "got inf"),
        ({"mean_flops": 0.0}, "mean_flops must be finite and above 0, got 0"),
        ({"mean_ms": -1.0}, "mean_ms must be finite and above 0, got -1"),
        ({"risk": 0.01}, r"must be a Risk\(epsilon, delta\), got 0.01"),
        ({"risk": Risk(0.01), "mean_ms": 9.0}, "takes one of"),
    ],
)
def test_impossible_budgets_are_refused(kwargs, match):
    with pytest.raises(ValueError, match=match):
        Budget(**kwargs)


def test_full_scale_is_a_policy():
    answers = AdaptiveVLM(EchoVLM(), FullScale(LADDER)).answer([0, 1], ["a", "b"])
    assert [a.num_visual_tokens for a in answers] == [36, 36]


def test_every_sample_may_bring_its_own_budget():
    vlm = adaptive()
    allowed = [Budget(price=0.1), Budget(num_visual_tokens=36), None, Budget(price=0.1)]
    answers = vlm.answer(range(4), ["b", "b", "cc", "ccc"], budget=allowed)
    assert [a.num_visual_tokens for a in answers] == [1, 36, 9, 36]
    assert vlm.policy.budgets == [Budget(price=0.1), None]
    assert "price 0.1" in answers[0].reason
    assert answers[1].reason == "fixed by the caller"


@pytest.mark.parametrize(
    ("budget", "match"),
    [
        ([None], "1 budgets for 2 samples"),
        ([None, [None, None]], "2 budgets for the 1 images of sample 1"),
    ],
)
def test_budgets_that_fit_no_sample_are_refused(budget, match):
    with pytest.raises(ValueError, match=match):
        adaptive().answer([0, 1], ["a", "b"], budget=budget)


def test_what_was_spent_is_said_beside_what_full_scale_takes():
    cheap, full = adaptive().answer([0, 0], ["b", "ccc"])
    assert (cheap.flops, cheap.full_flops) == (1000 + 41 + 1, 1000 + 76 + 1)
    assert full.flops == full.full_flops == cheap.full_flops


class RecordingGovernor:
    """Gives all the cheapest rung and remembers what the policy chose and what was paid."""

    price = 0.25
    unit = "tokens"

    def __init__(self):
        self.seen = []
        self.paid = []

    def govern(self, decision):
        self.seen += decision.rungs.tolist()
        return decision._replace(rungs=np.zeros_like(decision.rungs))

    def settle(self, rungs, paid):
        self.paid.append((rungs, paid))


def test_a_governor_prices_the_requests_that_bring_no_budget():
    vlm = AdaptiveVLM(EchoVLM(), LengthPolicy(), governor=RecordingGovernor())
    vlm.answer(range(3), ["a", "bb", "c"], budget=[None, None, Budget(price=0.5)])
    assert vlm.policy.budgets == [Budget(price=0.25), Budget(price=0.5)]
    assert vlm.governor.seen == [0, 1]
    assert vlm.governor.paid == [([0], 1), ([0], 1)]


def test_the_async_form_gives_the_same_answers_one_batch_at_a_time():
    vlm = adaptive()
    running, most = 0, 0
    plain = vlm.model.answer

    def watched(*args, **kwargs):
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.01)
        running -= 1
        return plain(*args, **kwargs)

    vlm.model.answer = watched

    async def ask_both():
        return await asyncio.gather(
            vlm.answer_async([0], ["aaa"]), vlm.answer_async([1], ["b"], budget=Budget(price=1.0))
        )

    first, second = asyncio.run(ask_both())
    assert (first[0].text, second[0].text) == ("aaa/0@36", "b/1@1")
    assert most == 1


def test_images_of_one_question_get_a_scale_each_on_the_real_model():
    model = load_model("m3")
    rows = load_scenes("test", 2)
    (one, two), questions = rows["image"][:], rows["question"][:]
    samples = [one, [one, two], None]
    asked = [*questions, "What is red?"]
    allowed = [None, [Budget(num_visual_tokens=4), None], None]
    answers = AdaptiveVLM(model, FullScale(model.ladder)).answer(
        samples, asked, budget=allowed, max_new_tokens=4
    )
    full = model.ladder[-1]
    assert [a.num_visual_tokens for a in answers] == [full, 4 + full, 0]
    assert [[c.num_visual_tokens for c in a.choices] for a in answers] == [[full], [4, full], []]
    assert answers[2].reason == "no image"
    direct = model.answer(samples, asked, num_visual_tokens=[full, [4, full], []], max_new_tokens=4)
    assert [a.text for a in answers] == [a.text for a in direct]
    new = len(direct[0].token_ids)
    text = model.count_text_tokens(asked[0])
    assert answers[0].flops == model.cost(full, text, new).flops
    pair = answers[1]
    assert pair.flops < pair.full_flops
    both = model.cost(full, model.count_text_tokens(asked[1], 2), len(pair.token_ids), grids=2)
    assert pair.full_flops == both.flops
