"""The ways of images up a ladder: where a policy starts each, and where it sends it next."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from budget.budgets import Budget
from budget.errors import one_line
from budget.escalation import STOP, AnswerLike, EscalationPolicy, Tried
from budget.planning import Asked, Choice, fixed_choice

if TYPE_CHECKING:
    import torch

    from budget.ladder import ScaleLadder


class Ascent:
    """The images of a batch on their way up.

    Args:
        policy: asked where the caller fixed no scale.
        ladder: the model's scales.
        asked: the images.
        features: what the model's ``encode`` gave for each image, for a policy that wants it.
        words: what its ``embed_questions`` gave for each image's question, likewise.
        fallback_rung: where images stay if the policy fails at the start; it is then said in their
            choices. A policy that fails later has said stop. None lets its errors through.

    Attributes:
        choices: the present scale of every image.
        open: whether an image's scale is the policy's to choose.
        seconds: time that the policy took so far.

    Raises:
        ValueError: if what the policy says is not well formed.
    """

    def __init__(
        self,
        policy: EscalationPolicy,
        ladder: "ScaleLadder",
        asked: Sequence[Asked],
        *,
        features: "Sequence[torch.Tensor] | None" = None,
        words: "Sequence[torch.Tensor] | None" = None,
        fallback_rung: int | None = None,
    ) -> None:
        self._fallback = fallback_rung
        self._policy, self._ladder, self._asked = policy, ladder, list(asked)
        self._tried: list[list[Tried]] = [[] for _ in asked]
        self.open = [each.is_open for each in asked]
        self.seconds = 0.0
        rows = [i for i, is_open in enumerate(self.open) if is_open]
        self._place = {i: place for place, i in enumerate(rows)}
        found = {i: self._fixed(asked[i]) for i in range(len(asked)) if not self.open[i]}
        start = time.perf_counter()
        try:
            found.update(self._start(rows, features, words))
        except Exception as error:  # of a policy's own code, which may raise anything
            if fallback_rung is None:
                raise
            found.update((i, self._fallen(error)) for i in rows)
            self.open = [False] * len(asked)
        self.seconds += time.perf_counter() - start
        self.choices = [found[i] for i in range(len(asked))]

    def _start(
        self,
        rows: Sequence[int],
        features: "Sequence[torch.Tensor] | None",
        words: "Sequence[torch.Tensor] | None",
    ) -> dict[int, Choice]:
        """Return where the policy starts open images."""
        if rows:
            self._described = self._describe(rows, features, words)
        found = {}
        for budget, group in self._groups(rows).items():
            rungs = self._policy.start(self._rows(group), budget=budget)
            _check_rungs(rungs, len(group), range(len(self._ladder)))
            for i, rung, own in zip(group, rungs.tolist(), self._scores(group), strict=True):
                m = self._ladder[rung]
                found[i] = Choice(m, rung, own, f"first tried at {m} tokens")
        return found

    def _fallen(self, error: Exception) -> Choice:
        rung = self._fallback or 0
        m, said = self._ladder[rung], one_line(error)
        return Choice(m, rung, (), f"{m} tokens, as the policy failed: {said}", "error")

    def note(self, i: int, answer: AnswerLike) -> None:
        """Note what came of an image's present scale; the same scale again replaces it."""
        rung = self.choices[i].rung
        if self._tried[i] and self._tried[i][-1].rung == rung:
            self._tried[i].pop()
        self._tried[i].append(Tried(rung, answer))

    def wanted(self, rows: Sequence[int]) -> dict[int, int]:
        """Return the rung that the policy sends images to next, those alone that shall go up.

        Args:
            rows: images whose answers were noted.

        Raises:
            ValueError: if the policy goes down or off the ladder.
        """
        rows = [i for i in rows if self.open[i] and self.choices[i].rung + 1 < len(self._ladder)]
        start = time.perf_counter()
        try:
            return self._next(rows)
        except Exception:  # likewise
            if self._fallback is None:
                raise
            return {}
        finally:
            self.seconds += time.perf_counter() - start

    def _next(self, rows: Sequence[int]) -> dict[int, int]:
        found = {}
        for budget, group in self._groups(rows).items():
            tried = [self._tried[i] for i in group]
            moves = self._policy.next(self._rows(group), tried, budget=budget)
            _check_rungs(moves, len(group), (STOP, *range(len(self._ladder))))
            for i, move in zip(group, moves.tolist(), strict=True):
                if move != STOP and move <= self.choices[i].rung:
                    raise ValueError(
                        f"a policy must go up or stop, got rung {move} after {self.choices[i].rung}"
                    )
                if move != STOP:
                    found[i] = move
        return found

    def move(self, i: int, rung: int, reason: str) -> None:
        """Send an image up."""
        m = self._ladder[rung]
        self.choices[i] = self.choices[i]._replace(num_visual_tokens=m, rung=rung, reason=reason)

    def _fixed(self, asked: Asked) -> Choice:
        m = asked.budget.num_visual_tokens if asked.budget is not None else None
        assert m is not None  # it is not open
        return fixed_choice(m, self._ladder)

    def _describe(
        self,
        rows: Sequence[int],
        features: "Sequence[torch.Tensor] | None",
        words: "Sequence[torch.Tensor] | None",
    ) -> NDArray[np.float64]:
        images = [self._asked[i].image for i in rows]
        questions = [self._asked[i].question for i in rows]
        if features is None or words is None:
            return self._policy.describe(images, questions)
        policy: Any = self._policy  # one that wants them has this method
        described: NDArray[np.float64] = policy.describe_encoded(
            images,
            questions,
            features=[features[i] for i in rows],
            words=[words[i] for i in rows],
        )
        return described

    def _rows(self, group: Sequence[int]) -> NDArray[np.float64]:
        return self._described[[self._place[i] for i in group]]

    def _scores(self, group: Sequence[int]) -> list[tuple[float, ...]]:
        """Return the scores that are expected before any answer, if the policy says them."""
        say: Callable[..., NDArray[np.float64]] | None = getattr(self._policy, "scores", None)
        if say is None:
            return [()] * len(group)
        return [tuple(row.tolist()) for row in say(self._rows(group))]

    def _groups(self, rows: Sequence[int]) -> Mapping[Budget | None, list[int]]:
        groups: dict[Budget | None, list[int]] = {}
        for i in rows:
            groups.setdefault(self._asked[i].budget, []).append(i)
        return groups


def affordable(
    present: Sequence[int],
    wanted: Sequence[int],
    legal: Sequence[int],
    fits: Callable[[list[int]], bool],
) -> list[int] | None:
    """Return where images may go that shall go up: as far as wanted, or as far as fits.

    Args:
        present: scale of every image of a sample.
        wanted: the scale that each shall go to, at least the present one.
        legal: scales that images may be sent to, rising.
        fits: says of the images' scales whether an answer there can be paid.

    Returns:
        The scales under the highest ceiling that fits; None if no image can go up.

    Example:
        >>> affordable([4, 9], [144, 9], [1, 4, 9, 36, 144], lambda scales: sum(scales) < 100)
        [36, 9]
    """
    for ceiling in reversed(legal):
        scales = [
            max(here, min(there, ceiling)) for here, there in zip(present, wanted, strict=True)
        ]
        if ceiling < max(wanted) and scales == list(present):
            return None
        if scales != list(present) and fits(scales):
            return scales
    return None


def _check_rungs(rungs: NDArray[np.int64], n: int, legal: Sequence[int]) -> None:
    if rungs.shape != (n,) or not np.issubdtype(rungs.dtype, np.integer):
        raise ValueError(f"a policy must return whole rungs [{n}], got {rungs.dtype} {rungs.shape}")
    if n and not np.isin(rungs, legal).all():
        raise ValueError(f"rungs must be of {list(legal)}, got {rungs.tolist()[:10]}")
