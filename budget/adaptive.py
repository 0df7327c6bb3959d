"""Pick a scale for each sample before the forward pass, and say why."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from budget.ladder import ScaleLadder
from budget.options import scaled
from budget.risk import Risk

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from budget.types import Answer, MatryoshkaVLM


@dataclass(frozen=True, slots=True)
class Budget:
    """What the caller allows; at most one field is set, none means the policy's default.

    Attributes:
        num_visual_tokens: the same scale for every sample; the policy is not asked.
        price: expected score that the full scale's cost must be worth, at least 0.
        mean_tokens: visual tokens per image to stay at on average, more than 0.
        mean_flops: FLOPs per sample, all parts, to stay at on average, more than 0.
        mean_ms: milliseconds per sample, as the policy was calibrated, to stay at on average.
        risk: how much score may be lost against the full scale, and how sure that must be.

    Raises:
        ValueError: if more than one field is set, or a value is not legal.

    Example:
        >>> Budget(mean_tokens=64).given
        ('mean_tokens', 64)
        >>> print(Budget(risk=Risk(epsilon=0.01, delta=0.05)).risk)
        a loss of at most 0.01 with probability 0.95
    """

    num_visual_tokens: int | None = None
    price: float | None = None
    mean_tokens: float | None = None
    mean_flops: float | None = None
    mean_ms: float | None = None
    risk: Risk | None = None

    def __post_init__(self) -> None:
        if len(self._all_given()) > 1:
            raise ValueError(
                f"a budget takes one of tokens, price, a mean of tokens, FLOPs or milliseconds, "
                f"and risk, got {self}"
            )
        if self.num_visual_tokens is not None and self.num_visual_tokens < 1:
            raise ValueError(f"num_visual_tokens must be at least 1, got {self.num_visual_tokens}")
        if self.price is not None and not 0 <= self.price < math.inf:
            raise ValueError(f"price must be finite and at least 0, got {self.price}")
        for name in ("mean_tokens", "mean_flops", "mean_ms"):
            mean = getattr(self, name)
            if mean is not None and not 0 < mean < math.inf:
                raise ValueError(f"{name} must be finite and above 0, got {mean}")
        if self.risk is not None and not isinstance(self.risk, Risk):
            raise ValueError(f"risk must be a Risk(epsilon, delta), got {self.risk!r}")

    @property
    def given(self) -> "tuple[str, float | Risk] | None":
        """The name and the value of the field that is set, if one is."""
        found = self._all_given()
        return found[0] if found else None

    def _all_given(self) -> "list[tuple[str, float | Risk]]":
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return [(name, value) for name, value in fields if value is not None]


class Decision(NamedTuple):
    """A policy's choice for a batch.

    Attributes:
        rungs: index into the ladder per sample, shape [n].
        scores: predicted score in [0, 1] of every sample at every rung, shape [n, n_rungs].
        note: what else there is to say of the batch, in words.
    """

    rungs: NDArray[np.int64]
    scores: NDArray[np.float64]
    note: str = ""


class BudgetPolicy(Protocol):
    """What the runtime needs of a policy; nothing inherits from this."""

    @property
    def ladder(self) -> ScaleLadder:
        """The scales that the policy's rungs index."""
        ...

    def choose(
        self, images: Sequence["Image"], questions: Sequence[str], *, budget: Budget | None = None
    ) -> Decision:
        """Choose a rung per sample; ``None`` means the policy's default budget."""
        ...


@runtime_checkable
class EncodedPolicy(BudgetPolicy, Protocol):
    """A policy that also sees what the vision encoder found (tier post-vision).

    It is asked after the encoder, which is run once whatever is chosen.
    """

    def choose_encoded(
        self,
        images: Sequence["Image"],
        questions: Sequence[str],
        *,
        features: Sequence["torch.Tensor"],
        words: Sequence["torch.Tensor"],
        budget: Budget | None = None,
    ) -> Decision:
        """Choose a rung per sample.

        Args:
            images: n pictures.
            questions: n questions.
            features: what the model's ``encode`` gave for each picture.
            words: what its ``embed_questions`` gave for each question.
            budget: ``None`` means the policy's default.
        """
        ...


@dataclass(frozen=True, slots=True)
class AdaptiveAnswer:
    """One answer and how its scale came about.

    Attributes:
        text: the generated answer.
        token_ids: the generated tokens.
        num_visual_tokens: visual tokens really used.
        rung: index into the model's ladder, -1 for a fixed m between two rungs.
        scores: predicted score per rung, empty where the caller fixed m.
        reason: why this m, in words.
        decision_ms: milliseconds per sample that choosing took (batch time over batch size).
        confidence: mean log-probability of the generated tokens, natural log.
        grids: squares that the image was seen in: 1, or with tiles more.
    """

    text: str
    token_ids: tuple[int, ...]
    num_visual_tokens: int
    rung: int
    scores: tuple[float, ...]
    reason: str
    decision_ms: float
    confidence: float
    grids: int = 1


@dataclass(frozen=True, slots=True)
class FullScale:
    """The policy that saves nothing: every sample gets the largest scale and score 1 is promised.

    Attributes:
        ladder: the model's scales.
    """

    ladder: ScaleLadder

    def choose(
        self, images: Sequence["Image"], questions: Sequence[str], *, budget: Budget | None = None
    ) -> Decision:
        """Choose the last rung for every sample, whatever the budget."""
        shape = (len(questions), len(self.ladder))
        return Decision(np.full(shape[0], shape[1] - 1, dtype=np.int64), np.ones(shape))


class _Plan(NamedTuple):
    tokens: NDArray[np.int64]
    rungs: NDArray[np.int64]
    scores: list[tuple[float, ...]]
    reasons: list[str]
    decision_ms: float
    features: "list[torch.Tensor] | None" = None


class AdaptiveVLM:
    """Answer each question at the scale its sample was given.

    Args:
        model: the model; it is called, never patched.
        policy: chooses a rung of the model's ladder per sample.

    Raises:
        ValueError: if the policy was made for another ladder than the model's.
    """

    def __init__(self, model: "MatryoshkaVLM", policy: BudgetPolicy) -> None:
        if tuple(policy.ladder) != tuple(model.ladder):
            raise ValueError(
                f"the policy was made for scales {tuple(policy.ladder)}, "
                f"the model {model.name!r} has {tuple(model.ladder)}"
            )
        self.model = model
        self.policy = policy

    def answer(
        self,
        images: Sequence["Image"],
        questions: Sequence[str],
        *,
        budget: Budget | None = None,
        max_new_tokens: int = 16,
    ) -> list[AdaptiveAnswer]:
        """Answer one question per image, in input order.

        Args:
            images: n images.
            questions: n questions.
            budget: what is allowed; ``None`` means the policy's default.
            max_new_tokens: longest answer, in tokens.

        Raises:
            ValueError: if there are not as many images as questions, if the model cannot meet a
                fixed m, or if the policy's choice is not well formed.
        """
        if isinstance(questions, str) or len(images) != len(questions):
            got = "one string" if isinstance(questions, str) else f"{len(questions)} questions"
            raise ValueError(f"one question per image is needed, got {len(images)} images, {got}")
        if not len(questions):
            return []
        plan = self._plan(images, questions, budget)
        answers = self._run(images, questions, plan, max_new_tokens)
        return [
            AdaptiveAnswer(
                text=answer.text,
                token_ids=answer.token_ids,
                num_visual_tokens=answer.num_visual_tokens,
                rung=int(plan.rungs[i]),
                scores=plan.scores[i],
                reason=plan.reasons[i],
                decision_ms=plan.decision_ms,
                confidence=answer.confidence,
                grids=answer.grids,
            )
            for i, answer in enumerate(answers)
        ]

    def _plan(
        self, images: Sequence["Image"], questions: Sequence[str], budget: Budget | None
    ) -> _Plan:
        n, scales = len(questions), tuple(self.model.ladder)
        if budget is not None and (m := budget.num_visual_tokens) is not None:
            rung = scales.index(m) if m in scales else -1
            fixed = np.full(n, m), np.full(n, rung)
            return _Plan(*fixed, [()] * n, ["fixed by the caller"] * n, 0.0)
        decision, decision_ms, features = self._decide(images, questions, budget)
        _check_decision(decision, n, len(scales))
        reasons = [
            explain(row, int(rung), scales, budget or Budget())
            + (decision.note and "; ")
            + decision.note
            for row, rung in zip(decision.scores, decision.rungs, strict=True)
        ]
        scores = [tuple(float(s) for s in row) for row in decision.scores]
        tokens = np.asarray(tuple(self.model.ladder))[decision.rungs]
        return _Plan(tokens, decision.rungs, scores, reasons, decision_ms, features)

    def _decide(
        self, images: Sequence["Image"], questions: Sequence[str], budget: Budget | None
    ) -> "tuple[Decision, float, list[torch.Tensor] | None]":
        """Return the decision, its milliseconds per sample, and features if it needed them."""
        if not isinstance(self.policy, EncodedPolicy):
            start = time.perf_counter()
            decision = self.policy.choose(images, questions, budget=budget)
            return decision, (time.perf_counter() - start) * 1000 / len(questions), None
        features = self.model.encode(images)
        start = time.perf_counter()
        words = self.model.embed_questions(questions)
        decision = self.policy.choose_encoded(
            images, questions, features=features, words=words, budget=budget
        )
        return decision, (time.perf_counter() - start) * 1000 / len(questions), features

    def _run(
        self,
        images: Sequence["Image"],
        questions: Sequence[str],
        plan: _Plan,
        max_new_tokens: int,
    ) -> list["Answer"]:
        """Call the model once per scale in use; rows of one scale need no padding."""
        found: dict[int, Answer] = {}
        for m in np.unique(plan.tokens).tolist():
            picked = np.flatnonzero(plan.tokens == m).tolist()
            batch = self.model.answer(
                [images[i] for i in picked],
                [questions[i] for i in picked],
                num_visual_tokens=m,
                max_new_tokens=max_new_tokens,
                features=plan.features and [plan.features[i] for i in picked],
            )
            found.update(zip(picked, batch, strict=True))
        return [found[i] for i in range(len(questions))]


def explain(scores: NDArray[np.float64], rung: int, scales: Sequence[int], budget: Budget) -> str:
    """Return in words why a policy that predicts ``scores`` took ``rung``.

    Example:
        >>> explain(np.array([0.4, 0.93, 0.94]), 1, (1, 9, 144), Budget())
        'expected score less price x cost is highest here: 0.93 at 9 tokens against 0.94 at 144'
        >>> explain(np.array([0.4, 0.6, 0.9]), 2, (1, 9, 144), Budget(mean_tokens=64))
        'highest expected score, within a mean of 64 tokens: 0.90 at 144 tokens'
        >>> explain(np.array([0.9, 0.6]), 0, (1, 9), Budget(risk=Risk(0.01, 0.1)))
        'highest expected score, with a loss of at most 0.01 with probability 0.9: 0.90 at 1 tokens'
    """
    limit = _limit(budget)
    here = f"{scores[rung]:.2f} at {scales[rung]} tokens"
    best = int(scores.argmax())
    if scores[rung] >= scores[best]:
        return f"highest expected score{limit}: {here}"
    there = f"{scores[best]:.2f} at {scales[best]}"
    return f"expected score less price x cost is highest here{limit}: {here} against {there}"


def _limit(budget: Budget) -> str:
    """Return in words what the caller allows."""
    if budget.price is not None:
        return f", at price {budget.price:g}"
    if budget.mean_tokens is not None:
        return f", within a mean of {budget.mean_tokens:g} tokens"
    if budget.mean_flops is not None:
        (number,), unit = scaled([budget.mean_flops], "FLOPs")
        return f", within a mean of {number} {unit}"
    if budget.mean_ms is not None:
        return f", within a mean of {budget.mean_ms:g} ms"
    return f", with {budget.risk}" if budget.risk is not None else ""


def _check_decision(decision: Decision, n: int, n_rungs: int) -> None:
    if decision.rungs.shape != (n,) or decision.scores.shape != (n, n_rungs):
        raise ValueError(
            f"a policy must return rungs [{n}] and scores [{n}, {n_rungs}], "
            f"got {decision.rungs.shape} and {decision.scores.shape}"
        )
    if not np.issubdtype(decision.rungs.dtype, np.integer):
        raise ValueError(f"rungs must be integers, got {decision.rungs.dtype}")
    if decision.rungs.min() < 0 or decision.rungs.max() >= n_rungs:
        low, high = decision.rungs.min(), decision.rungs.max()
        raise ValueError(f"rungs must lie in 0..{n_rungs - 1}, got {low}..{high}")
