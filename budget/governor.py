"""Hold a mean cost over live traffic by a price that is found anew for every batch.

The governor looks at the expected scores of the last requests, the present ones among them, and
takes the price at which they would cost what may be spent now: the mean that was asked for, and
over the next ``horizon`` requests what was saved or overspent so far. So it needs no step size, and
when harder questions come it asks more for the full scale at the first of them.

What is held is the mean over the requests that it governs. A request with a budget of its own is
neither given the governor's price nor counted: else whoever asks for much would starve the others.
A request whose decision failed is counted with what its fallback costs.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from budget.budgets import Decision
from budget.choice_path import FloatArray, IntArray, worthiest
from budget.governor_state import GovernorState
from budget.price_window import PriceWindow

Unit = Literal["tokens", "flops", "ms"]

# Share of what is known about real over planned costs that one more request replaces.
_FORGET = 1 / 64
# Real costs are believed to be no more than so many times the planned ones, or less.
_MAX_RATIO = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a governor spends.

    Attributes:
        window: requests whose expected scores the price is solved on.
        horizon: requests within which savings and debts are made up for. Fewer hold the mean
            better; more waste less on making up.
        slack: debt, in mean costs, over which no request is given more than is left, save the
            floor. The debt may reach the dearest scale's cost where that is more.
        carry: savings, in mean costs, over which what is saved is forgotten; likewise for debts
            that only the floor or fallbacks can have made.

    Raises:
        ValueError: if a number is not legal.
    """

    window: int = 128
    horizon: float = 30.0
    slack: float = 12.0
    carry: float = 1000.0

    def __post_init__(self) -> None:
        if self.window < 1 or not self.horizon >= 1 or not self.slack >= 0:
            raise ValueError(
                f"window and horizon must be at least 1 and slack at least 0, got {self}"
            )
        if not self.carry >= self.slack:
            raise ValueError(f"carry must be at least slack, got {self}")


class GovernorReport(NamedTuple):
    """What was held so far.

    Attributes:
        requests: that were governed.
        target: mean cost asked for, in the governor's unit.
        spent: mean cost paid; NaN before the first request.
        error: ``spent`` over ``target``, less 1; NaN before the first request.
        price: of the next requests, in score units per cost of the last rung.
        saved: what is left to spend, in mean costs; a debt if negative.
        limit: why the target is missed, if something else than chance makes it so; else empty.
    """

    requests: int
    target: float
    spent: float
    error: float
    price: float
    saved: float
    limit: str


class Governor:
    """Holds a mean cost per request over all that it is shown; its methods may run in any thread.

    Args:
        costs: planned cost of one request at every rung, rising, shape [k].
        mean: cost per request to stay at on average, in the unit of ``costs``.
        unit: what the costs are: "tokens", "flops" or "ms".
        floor: cheapest rung that a request is given.
        ceiling: dearest one; by default the last.
        pace: how fast savings and debts are made up for.

    Raises:
        ValueError: if the costs do not rise, a rung is not on the ladder, or the mean is below the
            floor's cost or above the ceiling's, so that no choice could meet it.
    """

    def __init__(
        self,
        costs: Sequence[float] | FloatArray,
        *,
        mean: float,
        unit: Unit = "tokens",
        floor: int = 0,
        ceiling: int | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.costs: FloatArray = np.asarray(costs, dtype=np.float64)
        self.ceiling = len(self.costs) - 1 if ceiling is None else ceiling
        self.floor, self.mean, self.unit, self.pace = floor, mean, unit, pace or Pace()
        _refuse(self.costs, mean, floor, self.ceiling, unit)
        self._relative = self.costs / self.costs[-1]
        self._window = PriceWindow(
            self.costs, floor=floor, ceiling=self.ceiling, size=self.pace.window
        )
        self._lock = threading.Lock()
        self._requests, self._spent, self._saved = 0, 0.0, 0.0
        # Running means of planned and of real costs of the requests that were settled.
        self._planned = self._paid = mean

    @property
    def price(self) -> float:
        """The price of the next requests, before they are seen; 0.0 before the first ones."""
        with self._lock:
            return self._price(1)

    def govern(self, decision: Decision) -> Decision:
        """Choose the rungs of requests that come without a budget, and count what they cost.

        Args:
            decision: a policy's scores. Its rungs are kept where it says that they are fallbacks,
                or the scores are no numbers; they are counted, but their scores not learnt from.

        Returns:
            The decision with rungs from floor to ceiling, and a note of what is held.
        """
        n = len(decision.rungs)
        if not n:
            return decision
        free = np.array([not why for why in decision.fallbacks] or [True] * n)
        free &= np.isfinite(decision.scores).all(axis=1)  # else they would stay in the window
        rungs = np.array(decision.rungs, dtype=np.int64)
        with self._lock:
            self._window.add(decision.scores[free])
            price = self._price(n)
            rungs[free] = worthiest(
                decision.scores[free], self._relative, price, floor=self.floor, ceiling=self.ceiling
            )
            self._hold_debt(rungs, free, decision.scores - price * self._relative)
            self._count(n, float(self.costs[rungs].sum()))
        held = f"at the price {price:.3g} that holds a mean of {self.mean:g} {self.unit}"
        note = "; ".join(filter(None, (decision.note, held)))
        return decision._replace(rungs=rungs, note=note)

    def settle(self, rungs: Sequence[int], paid: float) -> None:
        """Replace what one request's images were planned to cost by what they really did.

        Args:
            rungs: of its images, as :meth:`govern` returned them.
            paid: their cost, in the unit of the planned costs.

        Raises:
            ValueError: if ``paid`` is no number of at least 0.
        """
        if not 0 <= paid < np.inf:
            raise ValueError(f"a cost must be a number of at least 0, got {paid}")
        planned = float(self.costs[list(rungs)].sum())
        with self._lock:
            self._count(0, paid - planned)
            self._planned += _FORGET * (planned - self._planned)
            self._paid += _FORGET * (paid - self._paid)

    def report(self) -> GovernorReport:
        """Return what was held so far."""
        with self._lock:
            price, saved = self._price(1), self._saved / self.mean
            mean = self._spent / self._requests if self._requests else float("nan")
            limit = self._limit(price, saved)
            return GovernorReport(
                self._requests, self.mean, mean, mean / self.mean - 1, price, saved, limit
            )

    def state(self) -> GovernorState:
        """Return what it knows, for :meth:`restore` after a restart."""
        with self._lock:
            return GovernorState(
                format_version=1,
                kind="governor",
                unit=self.unit,
                mean=self.mean,
                costs=self.costs.tolist(),
                requests=self._requests,
                spent=self._spent,
                saved=self._saved,
                planned=self._planned,
                paid=self._paid,
                scores=self._window.scores.tolist(),
            )

    def restore(self, state: GovernorState) -> None:
        """Go on where a governor of the same ladder stopped.

        Where mean, unit or costs are others now, only the expected scores are taken over; counts
        and savings begin anew.

        Raises:
            DataError: if the state is of a ladder with another number of rungs.
        """
        scores = state.window(len(self.costs))
        same = (state.mean, state.unit, state.costs) == (self.mean, self.unit, self.costs.tolist())
        with self._lock:
            if len(scores):
                self._window.add(scores)
            if same:
                self._requests, self._spent, self._saved = state.requests, state.spent, state.saved
                self._planned, self._paid = state.planned, state.paid

    def _price(self, n: int) -> float:
        """Return the price of n requests, for what may be spent on each of them now."""
        # Debts end at the slack; large savings are spent faster, as nothing else ends them.
        hurry = 1 + max(0.0, self._saved) / (max(self.pace.slack, 1.0) * self.mean)
        # A batch must not make up for it twice.
        horizon = max(self.pace.horizon / hurry, 2.0 * n)
        now = (self.mean + self._saved / horizon) / self._ratio()
        return self._window.price_for(now, generous=self._saved >= 0)

    def _hold_debt(self, rungs: IntArray, free: "np.ndarray", worth: FloatArray) -> None:
        """Lower rungs, in place, so that no request makes more debt than is allowed."""
        costs = self.costs * self._ratio()
        most = max(self.pace.slack * self.mean, float(costs[self.ceiling]) - self.mean)
        saved = self._saved + np.cumsum(self.mean - costs[rungs])
        if saved.min() >= -most:
            return
        left = self._saved
        for i in range(len(rungs)):
            if free[i]:
                within = int(np.searchsorted(costs, left + self.mean + most, side="right")) - 1
                top = max(self.floor, min(within, self.ceiling))
                rungs[i] = self.floor + int(worth[i, self.floor : top + 1].argmax())
            left += self.mean - float(costs[rungs[i]])

    def _count(self, n: int, cost: float) -> None:
        self._requests += n
        self._spent += cost
        limit = self.pace.carry * self.mean
        self._saved = min(max(self._saved + n * self.mean - cost, -limit), limit)

    def _ratio(self) -> float:
        """Return how real costs compare with planned ones, of late."""
        return min(max(self._paid / self._planned, 1 / _MAX_RATIO), _MAX_RATIO)

    def _limit(self, price: float, saved: float) -> str:
        if price == 0 and saved > self.pace.slack:
            return "more spending is not expected to raise any score"
        if saved < -2 * self.pace.slack - self.costs[self.ceiling] / self.mean:
            return "the floor and fallbacks cost more than the mean"
        return ""


def _refuse(costs: FloatArray, mean: float, floor: int, ceiling: int, unit: str) -> None:
    if costs.ndim != 1 or not len(costs) or not np.isfinite(costs).all() or costs[0] <= 0:
        raise ValueError(f"costs must be numbers above 0, one per rung, got {costs.tolist()}")
    if (np.diff(costs) <= 0).any():
        raise ValueError(f"costs must rise from every rung to the next, got {costs.tolist()}")
    if not 0 <= floor <= ceiling < len(costs):
        raise ValueError(
            f"floor and ceiling must be rungs from 0 to {len(costs) - 1}, floor first, "
            f"got {floor} and {ceiling}"
        )
    if not costs[floor] <= mean <= costs[ceiling]:
        raise ValueError(
            f"a mean of {mean:g} {unit} cannot be held between rungs {floor} and {ceiling}: "
            f"they cost {costs[floor]:g} and {costs[ceiling]:g}"
        )
