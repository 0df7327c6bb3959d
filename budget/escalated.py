"""One batch on its way up: answers, what they cost, and where each sample goes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.adaptive import AdaptiveAnswer
from budget.ascent import Ascent, affordable
from budget.budgets import Budget
from budget.chat import text_of
from budget.planning import Asked, Choice
from budget.relay import options_for, tell
from budget.samples import SampleImages, images_of
from budget.sampling import Generation, Listener

if TYPE_CHECKING:
    from budget.escalation import EscalationPolicy
    from budget.llava import LlavaRunner
    from budget.types import Answer


class Attempt(NamedTuple):
    """One answer that a sample was given on its way up.

    Attributes:
        num_visual_tokens: over all images and their grids.
        rung: of the dearest image, -1 for a fixed m between two rungs.
        text: the answer.
        confidence: mean log-probability of its tokens, natural log.
        flops: that it took; the first one's with the vision encoder, later ones' without what was
            kept.
        why: why it went on from here, or why this answer stands.
    """

    num_visual_tokens: int
    rung: int
    text: str
    confidence: float
    flops: float
    why: str


@dataclass(frozen=True, slots=True)
class EscalatedAnswer(AdaptiveAnswer):
    """The answer that stands; ``flops`` are those of all that were tried.

    Attributes:
        tried: every answer, the one that stands last.
    """

    tried: tuple[Attempt, ...] = ()


class Walk:
    """A batch of samples that go up together.

    Args:
        model: the model.
        policy: says where to start and whether to go on.
        images: per question one image, several, or None.
        questions: the questions.
        budgets: of every image of every sample.
        bound: share of the full scale's FLOPs that a sample may take beyond them.
        keep_cache: whether a nested model's cache is kept.
        fallback_rung: as ``Ascent`` takes it.
    """

    def __init__(
        self,
        model: "LlavaRunner",
        policy: "EscalationPolicy",
        images: Sequence[SampleImages],
        questions: Sequence[Any],
        budgets: Sequence[Sequence[Budget | None]],
        *,
        bound: float,
        keep_cache: bool,
        fallback_rung: int | None = None,
    ) -> None:
        self._model, self._bound = model, bound
        self._session = model.session(images, questions, keep=keep_cache)
        asked = [
            Asked(image, text_of(question), own)
            for each, question, allowed in zip(images, questions, budgets, strict=True)
            for image, own in zip(images_of(each), allowed, strict=True)
        ]
        ends = list(accumulate(len(own) for own in budgets))
        self._images = [range(end - len(own), end) for own, end in zip(budgets, ends, strict=True)]
        features = words = None
        if getattr(policy, "needs_encoded", False):
            features = [each for own in self._session.features for each in own]
            words = model.embed_questions([each.question for each in asked])
        self._ascent = Ascent(
            policy,
            model.ladder,
            asked,
            features=features,
            words=words,
            fallback_rung=fallback_rung,
        )
        self._answers: list[Answer | None] = [None] * len(questions)
        self._tried: list[list[Attempt]] = [[] for _ in questions]

    def run(
        self,
        *,
        max_new_tokens: int,
        generation: Generation | Sequence[Generation] | None = None,
        listener: Listener | None = None,
    ) -> list[EscalatedAnswer]:
        """Answer until no sample goes on; see ``EscalatingVLM.answer``."""
        waiting = list(range(len(self._images)))
        while waiting:
            live = {place for place, i in enumerate(waiting) if self._is_last(i)}
            for place in live:
                tell(listener, waiting[place], self._choices(waiting[place]))
            options = options_for(waiting, generation=generation, listener=listener, heard=live)
            scales = [[c.num_visual_tokens for c in self._choices(i)] for i in waiting]
            spent = list(self._session.spent)
            answers = self._session.answer(
                waiting, scales, max_new_tokens=max_new_tokens, **options
            )
            for i, answer in zip(waiting, answers, strict=True):
                self._note(i, answer, self._session.spent[i] - spent[i])
            going = self._go_on(waiting)
            for place, i in enumerate(waiting):
                if place not in live and i not in going:
                    tell(listener, i, self._choices(i), answers[place].text)
            waiting = going
        return [self._result(i) for i in range(len(self._images))]

    def _choices(self, i: int) -> tuple[Choice, ...]:
        return tuple(self._ascent.choices[image] for image in self._images[i])

    def _is_last(self, i: int) -> bool:
        """Return whether a sample stands at a scale from which nothing goes up."""
        top = len(self._model.ladder) - 1
        return all(
            not self._ascent.open[image] or self._ascent.choices[image].rung == top
            for image in self._images[i]
        )

    def _note(self, i: int, answer: "Answer", flops: float) -> None:
        self._answers[i] = answer
        for image in self._images[i]:
            if self._ascent.open[image]:
                self._ascent.note(image, answer)
        dearest = max(self._choices(i), key=lambda c: c.num_visual_tokens, default=None)
        rung = -1 if dearest is None else dearest.rung
        tokens = answer.num_visual_tokens
        is_open = any(self._ascent.open[image] for image in self._images[i])
        why = "the full scale" if is_open else "no image" if dearest is None else dearest.reason
        self._tried[i].append(Attempt(tokens, rung, answer.text, answer.confidence, flops, why))

    def _go_on(self, waiting: Sequence[int]) -> list[int]:
        """Send samples up; return those that go."""
        asked = [i for i in waiting if not self._is_last(i) and not _is_cancelled(self._answers[i])]
        wanted = self._ascent.wanted([image for i in asked for image in self._images[i]])
        going = []
        for i in asked:
            went, why = self._send(i, {im: wanted[im] for im in self._images[i] if im in wanted})
            self._tried[i][-1] = self._tried[i][-1]._replace(why=why)
            going += [i] if went else []
        return going

    def _send(self, i: int, wanted: dict[int, int]) -> tuple[bool, str]:
        """Send a sample's images up as far as can be paid; return whether, and why or why not."""
        if not wanted:
            return False, "the policy stops here"
        ladder = tuple(self._model.ladder)
        present = [choice.num_visual_tokens for choice in self._choices(i)]
        targets = [
            ladder[wanted[image]] if image in wanted else here
            for image, here in zip(self._images[i], present, strict=True)
        ]
        scales = affordable(present, targets, ladder, lambda there: self._fits(i, there))
        if scales is None:
            return False, f"nothing dearer fits within {1 + self._bound:g} times the full scale"
        sure = self._tried[i][-1].confidence
        for image, here, there in zip(self._images[i], present, scales, strict=True):
            if there != here:
                reason = f"after an answer of confidence {sure:.2f} at {here} tokens: {there}"
                self._ascent.move(image, ladder.index(there), reason)
        short = "" if scales == targets else f", as {max(targets)} do not fit within the bound"
        return True, f"confidence {sure:.2f}: going on to {max(scales)} tokens{short}"

    def _fits(self, i: int, scales: list[int]) -> bool:
        """Return whether one more answer can be read and keeps the bound, however long it will be.

        A token costs less at a smaller scale than at the full one, so what holds for an answer of
        one token holds for any.
        """
        if not self._session.can_read(i, scales):
            return False
        full = self._session.direct_flops(i, [self._model.ladder[-1]] * len(scales))
        spent = self._session.spent[i] + self._session.flops(i, scales)
        return spent <= (1 + self._bound) * full

    def _result(self, i: int) -> EscalatedAnswer:
        answer = self._answers[i]
        assert answer is not None  # every sample is answered at least once
        chosen = sum(self._ascent.open)
        return EscalatedAnswer(
            text=answer.text,
            token_ids=answer.token_ids,
            num_visual_tokens=answer.num_visual_tokens,
            prompt_tokens=answer.prompt_tokens,
            choices=self._choices(i),
            decision_ms=self._ascent.seconds * 1000 / chosen if chosen else 0.0,
            confidence=answer.confidence,
            grids=answer.grids,
            flops=self._session.spent[i],
            full_flops=self._model.full_flops(answer, self._session.images[i]),
            finish_reason=getattr(answer, "finish_reason", "stop"),
            tried=tuple(self._tried[i]),
        )


def _is_cancelled(answer: "Answer | None") -> bool:
    return getattr(answer, "finish_reason", "stop") == "cancelled"
