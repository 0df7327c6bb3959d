"""A total for the images of one prompt, from the caller's budget to the answer of a real model."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from budget.adaptive import AdaptiveVLM
from budget.budgets import Budget, Decision, FullScale
from budget.escalating import EscalatingVLM
from budget.governor import Governor
from budget.models import load_model
from budget.shared_totals import share
from budget.shipped import shipped_folder
from budget.splitting import split_best, split_evenly
from budget.trust import GuardedPolicy
from experiments.scenes.several import load_several
from policies import load_policy

SCALES = (1, 4, 9, 36, 144)


@pytest.fixture(scope="module")
def model():
    return load_model("m3")


@pytest.fixture(scope="module")
def policy():
    return load_policy(shipped_folder("m3") / "policy")


@pytest.fixture(scope="module")
def prompts():
    rows = load_several("calibration", 4)
    return rows["image"][:], rows["question"][:]


def total(tokens):
    return Budget(total_visual_tokens=tokens)


@pytest.mark.parametrize("allowed", [8, 60, 200, 700])
def test_scales_are_those_of_the_best_split_of_the_policy_s_scores(model, policy, prompts, allowed):
    images, questions = prompts
    answers = AdaptiveVLM(model, policy).answer(
        images, questions, budget=total(allowed), max_new_tokens=2
    )
    for own, question, answer in zip(images, questions, answers, strict=True):
        scores = policy.predict_scores(own, [question] * len(own))
        best = split_best(scores, np.array([SCALES] * len(own)), allowed)
        assert [choice.rung for choice in answer.choices] == best.tolist()
        assert answer.num_visual_tokens == sum(SCALES[rung] for rung in best) <= allowed
        assert answer.choices[0].scores == pytest.approx(scores[0])
        words = f"highest sum of expected scores within {allowed} tokens over {len(own)} images: "
        assert all(choice.reason.startswith(words) for choice in answer.choices)


def test_a_batch_is_split_as_each_prompt_alone_and_leaves_other_budgets_be(model, policy, prompts):
    images, questions = prompts
    vlm = AdaptiveVLM(model, policy)
    budgets = [total(60), None, total(200), [Budget(num_visual_tokens=4)] * len(images[3])]
    together = vlm.answer(images, questions, budget=budgets, max_new_tokens=3)
    for i, answer in enumerate(together):
        (alone,) = vlm.answer([images[i]], [questions[i]], budget=[budgets[i]], max_new_tokens=3)
        assert (answer.text, answer.choices) == (alone.text, alone.choices)
    assert {choice.reason for choice in together[3].choices} == {"fixed by the caller"}
    assert "within" not in together[1].reason


def test_the_same_total_for_samples_of_a_batch_is_each_one_s_own(model, policy, prompts):
    images, questions = prompts
    answers = AdaptiveVLM(model, policy).answer(
        images, questions, budget=total(100), max_new_tokens=1
    )
    assert all(50 < answer.num_visual_tokens <= 100 for answer in answers)


def test_without_scores_a_total_is_split_evenly(model, prompts):
    images, questions = prompts
    vlm = AdaptiveVLM(model, FullScale(model.ladder))
    for own, answer in zip(
        images, vlm.answer(images, questions, budget=total(100), max_new_tokens=1), strict=True
    ):
        even = split_evenly(np.array([SCALES] * len(own)), 100).tolist()
        assert [choice.rung for choice in answer.choices] == even
        assert answer.reason.startswith(f"100 tokens over {len(own)} images, split evenly (")


class Halting:
    """Predicts with another policy, but not for pictures that are blank."""

    def __init__(self, policy):
        self.policy, self.ladder = policy, policy.ladder

    def choose(self, images, questions, *, budget=None):
        found = self.policy.choose(images, questions, budget=budget)
        blank = np.array([len(image.getcolors(9999)) == 1 for image in images])
        return found._replace(outliers=blank)


def test_where_one_image_s_scores_are_not_trusted_its_prompt_is_split_evenly(
    model, policy, prompts
):
    (first, second), questions = prompts[0][:2], prompts[1][:2]
    blank = first[0].copy()
    blank.paste((9, 9, 9), (0, 0, *blank.size))
    vlm = AdaptiveVLM(model, GuardedPolicy(Halting(policy), model.ladder))
    odd, other = vlm.answer(
        [[blank, *first[1:]], second], questions, budget=total(100), max_new_tokens=1
    )
    even = split_evenly(np.array([SCALES] * len(first)), 100).tolist()
    assert [choice.rung for choice in odd.choices] == even
    assert [choice.fallback for choice in odd.choices] == ["outlier"] + [""] * (len(first) - 1)
    assert "split evenly (outlier)" in odd.reason
    assert other.reason.startswith("highest sum")


def test_one_image_or_none_may_have_a_total(model, policy, prompts):
    image, question = prompts[0][0][0], prompts[1][0]
    vlm = AdaptiveVLM(model, policy)
    single, nothing = vlm.answer([image, None], [question] * 2, budget=total(30), max_new_tokens=1)
    assert single.num_visual_tokens <= 30
    assert "over 1 image: " in single.reason
    assert (nothing.num_visual_tokens, nothing.choices) == (0, ())


def test_tiles_count_in_full():
    tiled = load_model(Path(__file__).parents[1] / "fixtures" / "m3_next_original")
    images = [Image.new("RGB", (60, 30), "red"), Image.new("RGB", (30, 30), "blue")]
    least = sum(tiled.realised(image)[0] for image in images)
    grids = [tiled.count_grids(image) for image in images]
    assert max(grids) > 1
    assert least == tiled.ladder[0] * sum(grids)
    vlm = AdaptiveVLM(tiled, FullScale(tiled.ladder))
    (answer,) = vlm.answer([images], ["?"], budget=total(6 * least), max_new_tokens=1)
    assert least < answer.num_visual_tokens <= 6 * least
    with pytest.raises(ValueError, match=f"take {least} at their cheapest"):
        vlm.answer([images], ["?"], budget=total(least - 1))


def test_a_governor_does_not_count_requests_with_a_total(model, policy, prompts):
    governor = Governor([float(m) for m in SCALES], mean=20)
    vlm = AdaptiveVLM(model, policy, governor=governor)
    vlm.answer(*prompts, budget=total(60), max_new_tokens=1)
    assert governor.report().requests == 0


def test_what_a_total_is_not_for_is_refused(model, policy, prompts):
    images, questions = prompts[0][:1], prompts[1][:1]
    vlm, n = AdaptiveVLM(model, policy), len(prompts[0][0])
    with pytest.raises(ValueError, match=f"total of {n - 1} visual tokens is too small: the {n} "):
        vlm.answer(images, questions, budget=total(n - 1))
    with pytest.raises(ValueError, match=r"a total of 9 .* give sample 0 one budget and no list"):
        vlm.answer(images, questions, budget=[[total(9)] + [None] * (n - 1)])
    with pytest.raises(ValueError, match="goes up cannot keep it"):
        EscalatingVLM(model, policy.escalating()).answer(images, questions, budget=total(99))
    with pytest.raises(Exception, match=r"split over a prompt's images by AdaptiveVLM"):
        policy.choose(images[0], questions * n, budget=total(99))
    with pytest.raises(ValueError, match="total_visual_tokens must be at least 1, got 0"):
        total(0)
    with pytest.raises(ValueError, match="a budget takes one of"):
        Budget(price=0.1, total_visual_tokens=9)


def test_shares_say_why_they_are_even():
    tokens = np.array([[1, 9]] * 2)
    flat = share(np.full((2, 2), 0.5), tokens, (1, 9), 10)
    assert flat.rungs == [1, 0]
    assert "(the expected scores are the same at every scale): 9 tokens" in flat.reasons[0]
    scores = np.array([[0.5, 0.5], [0.5, 0.9]])
    assert share(scores, tokens, (1, 9), 10).rungs == [0, 1]
    assert share(scores, tokens, (1, 9), 10, ["", "deadline"]).rungs == [1, 0]


def test_a_policy_is_asked_for_scores_under_its_default(model, prompts):
    class Asked(FullScale):
        budgets: list = []  # noqa: RUF012

        def choose(self, images, questions, *, budget=None):
            self.budgets.append(budget)
            scores = np.linspace(0, 1, len(self.ladder))[None].repeat(len(questions), 0)
            return Decision(np.zeros(len(questions), dtype=np.int64), scores, note="so there")

    asked = Asked(model.ladder)
    (answer,) = AdaptiveVLM(model, asked).answer(
        prompts[0][:1], prompts[1][:1], budget=total(99), max_new_tokens=1
    )
    assert asked.budgets == [None]
    assert answer.reason.endswith("here; so there")
