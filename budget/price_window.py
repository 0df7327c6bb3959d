"""The price at which the requests of late would have cost a given mean, solved exactly."""

import numpy as np

from budget.choice_path import FloatArray, changes

# Requests whose changes are found together: for eight it takes hardly longer than for one.
_TOGETHER = 8
# Requests up to which each is taken in at once, as it says much beside so few.
_FEW = 32


class PriceWindow:
    """Expected scores of the last requests, and at which prices their choices change.

    Args:
        costs: of every rung, rising, shape [k].
        floor: cheapest rung that may be chosen.
        ceiling: dearest one.
        size: requests that are kept.
    """

    def __init__(self, costs: FloatArray, *, floor: int, ceiling: int, size: int) -> None:
        self._costs = costs
        self._open = slice(floor, ceiling + 1)
        self._floor_cost = float(costs[floor])
        # A request moves at most once per rung above the floor; moves that it lacks cost nothing.
        moves = max(ceiling - floor, 1)
        self._scores = np.zeros((size, len(costs)))
        self._prices = np.zeros((size, moves))
        self._steps = np.zeros((size, moves))
        self._next = 0
        self._count = 0
        self._fresh = 0
        self._falling = np.zeros(0)
        self._means = np.zeros(0)

    @property
    def scores(self) -> FloatArray:
        """Expected scores of the requests that are kept, oldest first, shape [w, k]."""
        order = (self._next - self._count + np.arange(self._count)) % len(self._scores)
        return self._scores[order]

    def add(self, scores: FloatArray) -> None:
        """Take in expected scores [n, k]; the oldest ones go.

        Prices hear of them a few requests later where they come one by one.
        """
        scores = scores[-len(self._scores) :]
        places = (self._next + np.arange(len(scores))) % len(self._scores)
        self._next = int((self._next + len(scores)) % len(self._scores))
        self._count = min(self._count + len(scores), len(self._scores))
        self._scores[places] = scores
        self._fresh = min(self._fresh + len(scores), len(self._scores))
        if self._fresh >= _TOGETHER or self._count < _FEW:
            self._take_in()

    def _take_in(self) -> None:
        """Find where the choices of fresh requests change, and put all changes in order."""
        places = (self._next - self._fresh + np.arange(self._fresh)) % len(self._scores)
        self._prices[places] = self._steps[places] = 0.0
        costs = self._costs[self._open]
        table = np.broadcast_to(costs / self._costs[-1], (len(places), len(costs)))
        found = changes(self._scores[places][:, self._open], table)[1:]
        for move, (price, row, start, stop) in enumerate(found):
            self._prices[places[row], move] = price
            self._steps[places[row], move] = costs[stop] - costs[start]
        prices = self._prices[: self._count].ravel()
        order = np.argsort(-prices)
        self._falling = prices[order]
        steps = self._steps[: self._count].ravel()[order]
        self._means = self._floor_cost + np.cumsum(steps) / max(self._count, 1)
        self._fresh = 0

    def price_for(self, mean: float, *, generous: bool) -> float:
        """Return the smallest price at which the kept requests cost at most ``mean`` each.

        Args:
            mean: cost per request, in the unit of the rungs' costs.
            generous: whether, where several requests change at one price, they are to change
                together although they cost more then.

        Returns:
            The price, in score units per cost of the last rung. 0.0 if even free choice stays
            within ``mean``, or nothing is known yet; a price at which all are on the floor if
            that alone costs more.
        """
        prices, means = self._falling, self._means
        first_over = int(np.searchsorted(means, mean * (1 + 1e-9), side="right"))
        if first_over == len(prices):
            return 0.0
        price = float(prices[first_over])
        # Between two prices at which a choice changes, so that neither is a matter of rounding.
        tied = int(np.searchsorted(-prices, -price)), int(np.searchsorted(-prices, -price, "right"))
        if generous and tied[1] - tied[0] > 1:
            return (price + (float(prices[tied[1]]) if tied[1] < len(prices) else 0.0)) / 2
        return (price + (float(prices[tied[0] - 1]) if tied[0] else 2 * price)) / 2
