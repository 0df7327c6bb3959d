"""Pick a scale for each image before the forward pass, answer, and say why and at what cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from budget.answering import AsyncAnswers, refuse_unpaired
from budget.budgets import (
    Budget,
    BudgetPolicy,
    Decision,
    EncodedPolicy,
    FullScale,
)
from budget.chat import text_of
from budget.errors import PolicyError
from budget.planning import Asked, Choice, Governor, Planned, SampleBudget, budgets_per_image, plan
from budget.reasons import explain

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from budget.samples import SampleImages
    from budget.types import Answer, MatryoshkaVLM

__all__ = [
    "AdaptiveAnswer",
    "AdaptiveVLM",
    "Budget",
    "BudgetPolicy",
    "Choice",
    "Decision",
    "EncodedPolicy",
    "FullScale",
    "explain",
]


@dataclass(frozen=True, slots=True)
class AdaptiveAnswer:
    """One answer, how its scale came about and what it cost.

    Attributes:
        text: the generated answer.
        token_ids: the generated tokens.
        num_visual_tokens: visual tokens really used, over all images and their grids.
        prompt_tokens: length of the whole prompt, visual tokens included.
        choices: one per image of the sample; none for a question alone.
        decision_ms: milliseconds per image that choosing took (batch time over batch size).
        confidence: mean log-probability of the generated tokens, natural log.
        grids: squares that the images were seen in: one each, or with tiles more.
        flops: of this answer, all parts of the model; a multiply-add counts as two.
        full_flops: what an answer of the same length takes at the largest scale.
        finish_reason: "stop", "length" or "cancelled".
    """

    text: str
    token_ids: tuple[int, ...]
    num_visual_tokens: int
    prompt_tokens: int
    choices: tuple[Choice, ...]
    decision_ms: float
    confidence: float
    grids: int
    flops: float
    full_flops: float
    finish_reason: str = "stop"

    @property
    def dearest(self) -> Choice | None:
        """The choice of most visual tokens, the first of them; None without an image."""
        return max(self.choices, key=lambda c: c.num_visual_tokens, default=None)

    @property
    def rung(self) -> int:
        """Rung of the dearest choice, -1 without one or for an m between two rungs."""
        return -1 if self.dearest is None else self.dearest.rung

    @property
    def scores(self) -> tuple[float, ...]:
        """Predicted score per rung behind the dearest choice."""
        return () if self.dearest is None else self.dearest.scores

    @property
    def reason(self) -> str:
        """Why the dearest choice was taken, in words."""
        return "no image" if self.dearest is None else self.dearest.reason

    @property
    def fallback(self) -> str:
        """Why the policy's choice was not taken, for the first image where it was not."""
        return next((choice.fallback for choice in self.choices if choice.fallback), "")


class AdaptiveVLM(AsyncAnswers[AdaptiveAnswer]):
    """Answer each question at the scales its images were given.

    A sample is a question with one image, several, or none. Calls from several threads run one
    after the other where they come through :meth:`answer_async`.

    Args:
        model: the model; it is called, never patched.
        policy: chooses a rung of the model's ladder per image.
        governor: gives the price of images that come without a budget; None leaves them to the
            policy's default.

    Raises:
        PolicyError: if the policy needs what the vision encoder found and scales share none of it.
        ValueError: if the policy was made for another ladder than the model's.
    """

    def __init__(
        self, model: "MatryoshkaVLM", policy: BudgetPolicy, *, governor: Governor | None = None
    ) -> None:
        if tuple(policy.ladder) != tuple(model.ladder):
            raise ValueError(
                f"the policy was made for scales {tuple(policy.ladder)}, "
                f"the model {model.name!r} has {tuple(model.ladder)}"
            )
        if isinstance(policy, EncodedPolicy) and not getattr(model, "shares_features", True):
            raise PolicyError(
                f"a policy of tier post-vision needs scales that share their features, as those of "
                f"M3 and MQT do; the model {model.name!r} takes one of tier pre"
            )
        self.model = model
        self.policy = policy
        self.governor = governor

    def answer(
        self,
        images: "Sequence[SampleImages]",
        questions: Sequence[Any],
        *,
        budget: Budget | Sequence[SampleBudget] | None = None,
        max_new_tokens: int = 16,
        **options: Any,
    ) -> list[AdaptiveAnswer]:
        """Answer one question per sample, in input order.

        Args:
            images: per question one image, several, or None.
            questions: n questions; a conversation (``budget.chat.Chat``) may stand for one.
            budget: what is allowed, for all, per sample or per image; ``None`` means the
                governor's price, or without a governor the policy's default. A total of visual
                tokens is that of each sample, split over its images by the policy's scores.
            max_new_tokens: longest answer, in tokens.
            options: passed on to the model's ``answer``, such as ``generation``. A ``listener``
                that has a method ``decided`` is told each sample's choices before it is answered.

        Raises:
            ValueError: if there are not as many images as questions, if the model cannot meet a
                fixed m, if a total is too small for a sample or given to one image, or if the
                policy's choice is not well formed.
        """
        refuse_unpaired(images, questions)
        if not len(questions):
            return []
        listed = [_listed(each) for each in images]
        budgets = budgets_per_image(budget, [len(each) for each in listed])
        planned, features = self._plan(listed, questions, budgets)
        ends = list(accumulate(len(each) for each in listed))
        choices = [
            tuple(planned.choices[end - len(own) : end])
            for own, end in zip(listed, ends, strict=True)
        ]
        if (tell := getattr(options.get("listener"), "decided", None)) is not None:
            for i, own in enumerate(choices):
                tell(i, own)
        answers = self.model.answer(
            images,
            questions,
            num_visual_tokens=[_scales(own) for own in choices],
            max_new_tokens=max_new_tokens,
            features=features
            and [features[end - len(own) : end] for own, end in zip(listed, ends, strict=True)],
            **options,
        )
        results = [
            self._result(answer, own, each, planned.decision_ms if own else 0.0)
            for answer, own, each in zip(answers, choices, listed, strict=True)
        ]
        if self.governor is not None:
            settle(self.governor, results, budgets)
        return results

    def _plan(
        self,
        images: "list[list[Image]]",
        questions: Sequence[Any],
        budgets: list[list[Budget | None]],
    ) -> "tuple[Planned, list[torch.Tensor] | None]":
        """Return a choice per image, and the images' features if a policy needed them."""
        asked = [
            Asked(image, text_of(question), own, i, self._tokens(image, own))
            for i, (pictures, question) in enumerate(zip(images, questions, strict=True))
            for image, own in zip(pictures, budgets[i], strict=True)
        ]
        features = words = None
        if isinstance(self.policy, EncodedPolicy) and any(each.is_open for each in asked):
            features = self.model.encode([each.image for each in asked])
            words = self.model.embed_questions([each.question for each in asked])
        planned = plan(
            asked,
            self.policy,
            self.model.ladder,
            governor=self.governor,
            features=features,
            words=words,
        )
        return planned, features

    def _tokens(self, image: "Image", budget: Budget | None) -> Sequence[int]:
        """Return what an image takes at every rung, where it shares a total with others."""
        is_shared = budget is not None and budget.total_visual_tokens is not None
        return self.model.realised(image) if is_shared else ()

    def _result(
        self,
        answer: "Answer",
        choices: tuple[Choice, ...],
        images: "list[Image]",
        decision_ms: float,
    ) -> AdaptiveAnswer:
        return AdaptiveAnswer(
            text=answer.text,
            token_ids=answer.token_ids,
            num_visual_tokens=answer.num_visual_tokens,
            prompt_tokens=answer.prompt_tokens,
            choices=choices,
            decision_ms=decision_ms,
            confidence=answer.confidence,
            grids=answer.grids,
            flops=self.model.answer_cost(answer).flops,
            full_flops=self.model.full_flops(answer, images),
            finish_reason=answer.finish_reason,
        )


def settle(
    governor: Governor, answers: Sequence[AdaptiveAnswer], budgets: Sequence[list[Budget | None]]
) -> None:
    """Tell a governor what the samples that it governed really cost.

    A sample of which an image had a budget of its own stays counted as it was planned, and so does
    a time, which is not measured sample by sample.

    Args:
        governor: told.
        answers: of n samples.
        budgets: per sample those of its images.
    """
    for answer, own in zip(answers, budgets, strict=True):
        if own and all(each is None for each in own) and governor.unit != "ms":
            paid = answer.num_visual_tokens if governor.unit == "tokens" else answer.flops
            governor.settle([choice.rung for choice in answer.choices], paid)


def _scales(choices: tuple[Choice, ...]) -> int | list[int]:
    """Return a sample's scales as models take them: a number alone for a sample of one image."""
    scales = [choice.num_visual_tokens for choice in choices]
    return scales[0] if len(scales) == 1 else scales


def _listed(images: "SampleImages") -> "list[Any]":
    """Return a sample's images as a list; anything that is no sequence is one image."""
    if images is None:
        return []
    return list(images) if isinstance(images, (list, tuple)) else [images]
