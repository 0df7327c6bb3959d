"""Answer at a small scale, look at how sure the model was, and go up where that is worth it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from budget.answering import AsyncAnswers, refuse_unpaired
from budget.budgets import Budget
from budget.errors import ModelError
from budget.escalated import EscalatedAnswer, Walk
from budget.escalation import DEFAULT_BOUND
from budget.planning import SampleBudget, budgets_per_image, refuse_totals
from budget.relay import options_for
from budget.samples import SampleImages, images_of
from budget.sampling import Generation, Listener, one_per_sample

if TYPE_CHECKING:
    from budget.escalation import EscalationPolicy
    from budget.llava import LlavaRunner


class EscalatingVLM(AsyncAnswers[EscalatedAnswer]):
    """Answer each question at a first scale, then go up while the policy says so.

    Takes and gives what ``AdaptiveVLM`` does. No sample's answers together take more than
    ``1 + bound`` times the FLOPs of one direct answer of the same length at the full scale, the
    vision encoder counted once and what a cache keeps not at all: a step that would break this is
    replaced by the highest scale that fits above the present one, or the answer in hand stands.

    A sample with several images goes up where the policy sends any of them.

    Args:
        model: the model; it is called, never patched.
        policy: says where to start and whether to go on.
        bound: share of the full scale's FLOPs that a sample may take beyond them, at least 0.
        keep_cache: whether a nested model's key-value cache is kept from one answer to the next.
        batch_size: samples that go up together.
        fallback_rung: where samples are answered if the policy fails before their first answer,
            -1 for the full scale; their choices' ``fallback`` is then "error". If it fails after
            one, that answer stands. None lets its errors through.

    Raises:
        ModelError: if the model is neither M3 nor MQT.
        ValueError: if the policy was made for another ladder than the model's, or a number is not
            legal.
    """

    def __init__(
        self,
        model: "LlavaRunner",
        policy: "EscalationPolicy",
        *,
        bound: float = DEFAULT_BOUND,
        keep_cache: bool = True,
        batch_size: int = 32,
        fallback_rung: int | None = None,
    ) -> None:
        if not hasattr(model, "session"):
            raise ModelError(f"going up takes an M3 or MQT model, {model.name!r} is none")
        if tuple(policy.ladder) != tuple(model.ladder):
            raise ValueError(
                f"the policy was made for scales {tuple(policy.ladder)}, "
                f"the model {model.name!r} has {tuple(model.ladder)}"
            )
        if not bound >= 0:
            raise ValueError(f"bound must be at least 0, got {bound}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.model, self.policy, self.bound = model, policy, float(bound)
        self.keep_cache, self.batch_size = keep_cache, batch_size
        rungs = len(model.ladder)
        if fallback_rung is not None and not -rungs <= fallback_rung < rungs:
            raise ValueError(f"fallback_rung must be of {rungs} rungs or -1, got {fallback_rung}")
        self.fallback_rung = None if fallback_rung is None else fallback_rung % rungs

    def answer(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Any],
        *,
        budget: Budget | Sequence[SampleBudget] | None = None,
        max_new_tokens: int = 16,
        generation: Generation | Sequence[Generation] | None = None,
        listener: Listener | None = None,
    ) -> list[EscalatedAnswer]:
        """Answer one question per sample, in input order.

        Args:
            images: per question one image, several, or None.
            questions: n questions; a conversation (``budget.chat.Chat``) may stand for one.
            budget: what is allowed, for all, per sample or per image; ``None`` means the policy's
                default. Of images with a fixed m none goes up.
            max_new_tokens: longest answer, in tokens.
            generation: passed on to the model, one for all or one per sample.
            listener: told the text of answers that stand, and of no other: as it comes where a
                sample cannot go up any more, else in one piece when that is decided. One that has a
                method ``decided`` is told the choices of the answer that stands before its text.

        Raises:
            ValueError: if there are not as many images as questions, if the model cannot meet a
                fixed m, if a total of visual tokens is given, or if what the policy says is not
                well formed.
        """
        refuse_unpaired(images, questions)
        if generation is not None:
            generation = one_per_sample(generation, len(questions))
        budgets = budgets_per_image(budget, [len(images_of(each)) for each in images])
        refuse_totals(budgets)
        found: list[EscalatedAnswer] = []
        for start in range(0, len(questions), self.batch_size):
            rows = range(start, min(start + self.batch_size, len(questions)))
            part = slice(rows.start, rows.stop)
            walk = Walk(
                self.model,
                self.policy,
                images[part],
                questions[part],
                budgets[part],
                bound=self.bound,
                keep_cache=self.keep_cache,
                fallback_rung=self.fallback_rung,
            )
            options = options_for(rows, generation=generation, listener=listener)
            found += walk.run(max_new_tokens=max_new_tokens, **options)
        return found
