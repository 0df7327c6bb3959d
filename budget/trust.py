"""A policy that cannot fail a request: what goes wrong in it becomes a configured scale.

A decision is not trusted where the policy raises, is late, returns something that is not well
formed, or says that it was calibrated on nothing like the sample. Then the sample is given the
configured scale, the answer says why, and it is counted by reason. Not caught is what is no
``Exception``, such as ``KeyboardInterrupt``.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budget.budgets import Budget, BudgetPolicy, Decision, EncodedPolicy
from budget.deadline import LateError, OneWorker
from budget.errors import one_line
from budget.fallbacks import (
    DEADLINE,
    ERROR,
    MALFORMED,
    NO_POLICY,
    REASONS,
    MalformedError,
    fallen,
    joined,
    trusted_part,
)
from budget.ladder import ScaleLadder

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

# Longest text of an error that an answer repeats.
_MAX_CHARACTERS = 200

# Asks the policy for the samples of these numbers.
Ask = Callable[[list[int]], Decision]


class TrustReport(NamedTuple):
    """What was trusted so far.

    Attributes:
        decisions: samples that a scale was chosen for.
        fallbacks: samples that were given the configured scale, by reason; all of ``REASONS``.
        last: for every reason that occurred, what was said of it the last time.
    """

    decisions: int
    fallbacks: Mapping[str, int]
    last: Mapping[str, str]


class GuardedPolicy:
    """A policy whose failures are a configured scale; it is an ``EncodedPolicy`` if that one is.

    Where a whole batch fails, each of its samples is tried by itself, so that one picture that
    cannot be read takes no other down.

    Args:
        policy: chooses; None if there is none, for example because its folder cannot be read.
        ladder: the model's scales.
        fallback_rung: the configured scale; by default the last, which loses no accuracy.
        deadline_ms: longest that a call may take, whatever the size of its batch; None for no
            limit. With a limit the policy runs on a thread of its own. A call that is late is left
            behind there and its result dropped; until it ends, other calls fall back at once. Code
            that holds the interpreter's lock cannot be left behind.
        reason: why there is no policy, in words.

    Raises:
        ValueError: if the rung is not on the ladder, the deadline is not above 0, or the policy is
            for another ladder.
    """

    def __init__(
        self,
        policy: BudgetPolicy | None,
        ladder: ScaleLadder,
        *,
        fallback_rung: int | None = None,
        deadline_ms: float | None = None,
        reason: str = "",
    ) -> None:
        self.fallback_rung = len(ladder) - 1 if fallback_rung is None else fallback_rung
        if not 0 <= self.fallback_rung < len(ladder):
            raise ValueError(
                f"the fallback must be a rung from 0 to {len(ladder) - 1}, got {fallback_rung}"
            )
        if deadline_ms is not None and not 0 < deadline_ms < np.inf:
            raise ValueError(f"a deadline must be milliseconds above 0, got {deadline_ms}")
        if policy is not None and tuple(policy.ladder) != tuple(ladder):
            raise ValueError(
                f"the policy was made for scales {tuple(policy.ladder)}, not {tuple(ladder)}"
            )
        self.policy, self.ladder, self.deadline_ms = policy, ladder, deadline_ms
        self.reason = reason
        self._worker = None if deadline_ms is None else OneWorker("decision")
        self._lock = threading.Lock()
        self._decisions = 0
        self._counts: Counter[str] = Counter()
        self._last: dict[str, str] = {}
        if isinstance(policy, EncodedPolicy):
            # Only then, as having the method is what makes a policy one of that tier.
            self.choose_encoded = self._choose_encoded

    def choose(
        self,
        images: "Sequence[Image | bytes]",
        questions: Sequence[str],
        *,
        budget: Budget | None = None,
    ) -> Decision:
        """Choose a rung per sample; whatever the policy does, there is one for each."""
        policy: Any = self.policy

        def ask(rows: list[int]) -> Decision:
            some, texts = [images[i] for i in rows], [questions[i] for i in rows]
            decision: Decision = policy.choose(some, texts, budget=budget)
            return decision

        return self._decide(ask, len(questions), budget)

    def warm_up(self, image: "Image") -> None:
        """Let the policy decide once, uncounted, so that no request pays for one-off costs.

        What goes wrong here goes wrong at requests too, and is counted there.
        """
        with suppress(Exception):
            if self.policy is not None:
                self.policy.choose([image], ["?"], budget=None)

    def check_budget(self, budget: Budget) -> None:
        """Refuse a budget that the policy cannot meet, before a request is taken in.

        :meth:`choose` does not: there it would be a decision that fails.

        Raises:
            PolicyError: if a mean is below the cheapest scale, or the policy was not calibrated
                for the budget.
        """
        price_of: Callable[[Budget], object] | None = getattr(self.policy, "price_of", None)
        free = budget.num_visual_tokens is None and budget.total_visual_tokens is None
        if price_of is not None and free:  # a total is split by scores, at no price
            price_of(budget)

    def report(self) -> TrustReport:
        """Return what was trusted so far."""
        with self._lock:
            counts = {reason: self._counts[reason] for reason in REASONS}
            return TrustReport(self._decisions, counts, dict(self._last))

    def _choose_encoded(
        self,
        images: "Sequence[Image]",
        questions: Sequence[str],
        *,
        features: "Sequence[torch.Tensor]",
        words: "Sequence[torch.Tensor]",
        budget: Budget | None = None,
    ) -> Decision:
        """Choose a rung per sample, likewise; see ``EncodedPolicy.choose_encoded``."""
        policy: Any = self.policy

        def ask(rows: list[int]) -> Decision:
            decision: Decision = policy.choose_encoded(
                [images[i] for i in rows],
                [questions[i] for i in rows],
                features=[features[i] for i in rows],
                words=[words[i] for i in rows],
                budget=budget,
            )
            return decision

        return self._decide(ask, len(questions), budget)

    def _decide(self, ask: Ask, n: int, budget: Budget | None) -> Decision:
        fixed = budget.num_visual_tokens if budget is not None else None
        if fixed in tuple(self.ladder):
            given = self._all(n, "", "", rung=tuple(self.ladder).index(fixed))
            return given._replace(note="fixed by the caller")
        if not n:
            return self._all(0, "", "")
        decision = self._asked_in_time(ask, n)
        with self._lock:
            self._decisions += n
            for why, detail in zip(decision.fallbacks, decision.details, strict=True):
                if why:
                    self._counts[why] += 1
                    self._last[why] = detail
        return decision

    def _asked_in_time(self, ask: Ask, n: int) -> Decision:
        if self.policy is None:
            return self._all(n, NO_POLICY, self.reason)
        if self._worker is None or self.deadline_ms is None:
            return self._ask_all(ask, n)
        try:
            return self._worker.run(lambda: self._ask_all(ask, n), self.deadline_ms / 1000)
        except LateError as late:
            return self._all(n, DEADLINE, f"{late} {self.deadline_ms:g} ms")

    def _ask_all(self, ask: Ask, n: int) -> Decision:
        """Ask for all samples at once; if that fails, for each by itself."""
        decision = self._ask(ask, list(range(n)))
        if n == 1 or set(decision.fallbacks) != {ERROR}:
            return decision
        return joined([self._ask(ask, [i]) for i in range(n)])

    def _ask(self, ask: Ask, rows: list[int]) -> Decision:
        n = len(rows)
        try:
            return trusted_part(ask(rows), n, len(self.ladder), self.fallback_rung)
        except MalformedError as error:
            return self._all(n, MALFORMED, one_line(error))
        except Exception as error:
            return self._all(n, ERROR, f"{type(error).__name__}: {one_line(error)}")

    def _all(self, n: int, why: str, said: str, *, rung: int | None = None) -> Decision:
        rung = self.fallback_rung if rung is None else rung
        return fallen(n, len(self.ladder), rung, why, said[:_MAX_CHARACTERS])
