"""One decision per image, before the model runs: by the caller, the governor or the policy."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from budget.budgets import Budget, BudgetPolicy, Decision, EncodedPolicy
from budget.ladder import ScaleLadder
from budget.reasons import explain
from budget.shared_totals import share

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

# What a sample is allowed: one budget for its images, or one for each of them. A total is always
# one for all of them.
SampleBudget = Budget | None | Sequence[Budget | None]

Chooser = Callable[[list[int], Budget | None], Decision]


class Choice(NamedTuple):
    """The scale of one image and how it came about.

    Attributes:
        num_visual_tokens: of each grid of the image.
        rung: index into the model's ladder, -1 for a fixed m between two rungs.
        scores: predicted score per rung, empty where no policy was asked.
        reason: why this scale, in words.
        fallback: why the policy's own choice was not taken; empty if it was.
    """

    num_visual_tokens: int
    rung: int
    scores: tuple[float, ...]
    reason: str
    fallback: str = ""


class Governor(Protocol):
    """What the planner needs of a governor; nothing inherits from this."""

    @property
    def unit(self) -> str:
        """What its mean is of: "tokens", "flops" or "ms"."""
        ...

    @property
    def price(self) -> float:
        """The price of the next requests, before they are seen."""
        ...

    def govern(self, decision: Decision) -> Decision:
        """Choose the rungs of requests by their scores, and count their planned cost."""
        ...

    def settle(self, rungs: Sequence[int], paid: float) -> None:
        """Replace the planned cost of one sample's rungs by what was paid."""
        ...


class Asked(NamedTuple):
    """One image of a sample, as the planner sees it.

    Attributes:
        image: the picture.
        question: the sample's question.
        budget: what is allowed for this image; a total for all of its sample's.
        sample: number of the sample, which says whose images share a total.
        tokens: visual tokens that the image takes at every rung, needed where there is a total.
    """

    image: "Image"
    question: str
    budget: Budget | None
    sample: int = 0
    tokens: Sequence[int] = ()

    @property
    def is_open(self) -> bool:
        """Whether the scale is a policy's to choose."""
        return self.budget is None or self.budget.num_visual_tokens is None


class Planned(NamedTuple):
    """Choices for a batch of images.

    Attributes:
        choices: one per image.
        decision_ms: milliseconds per image that was decided for (batch time over batch size).
    """

    choices: list[Choice]
    decision_ms: float


def budgets_per_image(
    budget: Budget | Sequence[SampleBudget] | None, counts: Sequence[int]
) -> list[list[Budget | None]]:
    """Return the budget of every image of every sample.

    Args:
        budget: one for all, or per sample one for its images or one for each of them.
        counts: images of every sample.

    Raises:
        ValueError: if there is not one per sample, or per image of a sample, or a total is given to
            one image.

    Example:
        >>> low = Budget(num_visual_tokens=1)
        >>> budgets_per_image([low, None, [low, None]], [1, 0, 2]) == [[low], [], [low, None]]
        True
    """
    if budget is None or isinstance(budget, Budget):
        return [[budget] * count for count in counts]
    if len(budget) != len(counts):
        raise ValueError(f"got {len(budget)} budgets for {len(counts)} samples")
    found: list[list[Budget | None]] = []
    for i, (own, count) in enumerate(zip(budget, counts, strict=True)):
        listed = [own] * count if own is None or isinstance(own, Budget) else list(own)
        if len(listed) != count:
            raise ValueError(f"got {len(listed)} budgets for the {count} images of sample {i}")
        if own is not None and not isinstance(own, Budget):
            _refuse_listed_totals(listed, i)
        found.append(listed)
    return found


def _refuse_listed_totals(budgets: Sequence[Budget | None], sample: int) -> None:
    for own in budgets:
        if own is not None and own.total_visual_tokens is not None:
            raise ValueError(
                f"a total of {own.total_visual_tokens:,} visual tokens is for all images of a "
                f"sample, not for one of them; give sample {sample} one budget and no list"
            )


def refuse_totals(budgets: Sequence[Sequence[Budget | None]]) -> None:
    """Refuse totals, for what answers several times and could only meet them with the last answer.

    Raises:
        ValueError: with the first total.
    """
    for own in (own for listed in budgets for own in listed):
        if own is not None and own.total_visual_tokens is not None:
            raise ValueError(
                f"a total of {own.total_visual_tokens:,} visual tokens is split before any answer; "
                "what looks at answers and goes up cannot keep it"
            )


def plan(
    asked: Sequence[Asked],
    policy: BudgetPolicy,
    ladder: ScaleLadder,
    *,
    governor: Governor | None = None,
    features: "Sequence[torch.Tensor] | None" = None,
    words: "Sequence[torch.Tensor] | None" = None,
) -> Planned:
    """Choose a scale for every image; those of one budget are decided together.

    Args:
        asked: the images.
        policy: asked where the caller fixed no scale.
        ladder: the model's scales.
        governor: gives the price of images without a budget of their own.
        features: what the model's ``encode`` gave for each image, for a policy that wants it.
        words: what its ``embed_questions`` gave for each image's question, likewise.

    Raises:
        ValueError: if the policy's choice is not well formed.
    """
    start = time.perf_counter()
    found: dict[int, Choice] = {}
    groups: dict[Budget | None, list[int]] = {}
    for i, each in enumerate(asked):
        if each.budget is not None and (m := each.budget.num_visual_tokens) is not None:
            found[i] = fixed_choice(m, ladder)
        else:
            groups.setdefault(each.budget, []).append(i)
    for budget, rows in groups.items():
        governed = governor is not None and budget is None
        total = None if budget is None else budget.total_visual_tokens
        allowed = Budget(price=governor.price) if governor and governed else budget
        if total is not None:
            allowed = None  # of the policy only its scores are wanted
        decision = _decide(policy, [asked[i] for i in rows], rows, allowed, features, words)
        check_decision(decision, len(rows), len(ladder))
        if total is not None:
            shared = _shared(decision, [asked[i] for i in rows], ladder, total)
            found.update(zip(rows, shared, strict=True))
            continue
        if governor and governed:
            decision, allowed = governor.govern(decision), None
        found.update(zip(rows, _choices(decision, ladder, allowed or Budget()), strict=True))
    decided = sum(map(len, groups.values()))
    spent = (time.perf_counter() - start) * 1000 / decided if decided else 0.0
    return Planned([found[i] for i in range(len(asked))], spent)


def fixed_choice(num_visual_tokens: int, ladder: ScaleLadder) -> Choice:
    """Return the choice of a caller who asks no policy."""
    scales = tuple(ladder)
    rung = scales.index(num_visual_tokens) if num_visual_tokens in scales else -1
    return Choice(num_visual_tokens, rung, (), "fixed by the caller")


def _decide(
    policy: BudgetPolicy,
    asked: Sequence[Asked],
    rows: Sequence[int],
    budget: Budget | None,
    features: "Sequence[torch.Tensor] | None",
    words: "Sequence[torch.Tensor] | None",
) -> Decision:
    images, questions = [each.image for each in asked], [each.question for each in asked]
    if isinstance(policy, EncodedPolicy) and features is not None and words is not None:
        return policy.choose_encoded(
            images,
            questions,
            features=[features[i] for i in rows],
            words=[words[i] for i in rows],
            budget=budget,
        )
    return policy.choose(images, questions, budget=budget)


def _choices(decision: Decision, ladder: ScaleLadder, budget: Budget) -> Iterable[Choice]:
    scales = tuple(ladder)
    note = f"; {decision.note}" if decision.note else ""
    nothing = ("",) * len(decision.rungs)
    fallbacks, details = decision.fallbacks or nothing, decision.details or nothing
    told = zip(decision.scores, decision.rungs.tolist(), fallbacks, details, strict=True)
    for row, rung, fallback, detail in told:
        why = explain(row, rung, scales, budget) + note
        if fallback:
            cause = ": ".join(filter(None, (fallback, detail)))
            why = f"the configured scale of {scales[rung]} tokens ({cause})"
        yield Choice(scales[rung], rung, tuple(row.tolist()), why, fallback)


def _shared(
    decision: Decision, asked: Sequence[Asked], ladder: ScaleLadder, total: int
) -> Iterable[Choice]:
    """Yield the choices of images whose samples, one after the other, have a total each."""
    scales = tuple(ladder)
    note = f"; {decision.note}" if decision.note else ""
    for _, group in groupby(range(len(asked)), key=lambda place: asked[place].sample):
        own = list(group)
        tokens = np.array([asked[place].tokens for place in own], dtype=np.int64)
        fallbacks = [decision.fallbacks[place] if decision.fallbacks else "" for place in own]
        scores = decision.scores[own]
        rungs, reasons = share(scores, tokens, scales, total, fallbacks)
        for rung, row, why, fallback in zip(rungs, scores, reasons, fallbacks, strict=True):
            yield Choice(scales[rung], rung, tuple(row.tolist()), why + note, fallback)


def check_decision(decision: Decision, n: int, n_rungs: int) -> None:
    """Refuse a decision for n samples and so many rungs that is not well formed.

    Raises:
        ValueError: with what is wrong.
    """
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
