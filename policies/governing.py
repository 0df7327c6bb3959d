"""How well a mean cost is held over a stream of requests whose real scores are known.

Streams are drawn from measured samples. *Hard* are those of whom the policy expects the full scale
to add more than it adds to most; a stream that shifts has the others in its first half alone.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

import numpy as np

from budget.budgets import Decision
from budget.choice_path import worthiest
from budget.governor import Governor
from policies.allocation import IntArray, Sweep
from policies.hull import FloatArray

_LARGEST_BATCH = 16
# Requests after a shift over which spending is looked at.
_AFTER = 100


class Served(NamedTuple):
    """Measured samples that streams are drawn from.

    Attributes:
        expected: score that the policy expects at every rung, shape [n, k].
        scores: real ones, shape [n, k].
        costs: planned cost of every rung, rising, shape [k].
        paid: real costs, in the same unit, shape [n, k].
        groups: kind of question, shape [n].
    """

    expected: FloatArray
    scores: FloatArray
    costs: FloatArray
    paid: FloatArray
    groups: "np.ndarray"


class Holds(Protocol):
    """What is simulated; nothing inherits from this."""

    def govern(self, decision: Decision) -> Decision:
        """Choose rungs by scores and count their planned cost."""
        ...

    def settle(self, rungs: list[int], paid: float) -> None:
        """Replace the planned cost of one sample by what was paid."""
        ...


class SteppedPrice:
    """The usual way, to compare with: a price that rises by a step when too much was spent.

    Args:
        costs: planned cost of every rung, shape [k].
        mean: cost per request to hold.
        price: to begin with.
        step: by how much the logarithm of the price moves for one mean cost too much.
    """

    def __init__(self, costs: FloatArray, *, mean: float, price: float, step: float) -> None:
        self._costs, self._mean, self._step = costs, mean, step
        self._log_price = float(np.log(max(price, 1e-6)))

    def govern(self, decision: Decision) -> Decision:
        """Choose rungs at the price, then move it."""
        relative = self._costs / self._costs[-1]
        rungs = worthiest(decision.scores, relative, float(np.exp(self._log_price)))
        self._move(float(self._costs[rungs].sum()) - len(rungs) * self._mean)
        return decision._replace(rungs=rungs)

    def settle(self, rungs: list[int], paid: float) -> None:
        """Move the price by what the plan was wrong."""
        self._move(paid - float(self._costs[rungs].sum()))

    def _move(self, too_much: float) -> None:
        self._log_price += self._step * too_much / self._mean
        self._log_price = min(max(self._log_price, -14.0), 7.0)


class Held(NamedTuple):
    """What became of one stream.

    Attributes:
        error: mean cost over that asked for, less 1.
        lost: score units under the best single price of the same mean cost, which knows the whole
            stream beforehand.
        most_ahead: largest debt on the way, in mean costs.
        after_shift: mean cost over the ``100`` requests from the middle on, over that asked for,
            less 1.
    """

    error: float
    lost: float
    most_ahead: float
    after_shift: float


def streams(served: Served, length: int) -> Mapping[str, Callable[[np.random.Generator], IntArray]]:
    """Return by name how a stream is drawn: which samples come, in order, shape [length].

    Args:
        served: the samples.
        length: requests of a stream; no sample comes twice.

    Raises:
        ValueError: if there are not twice as many samples as requests.
    """
    if len(served.scores) < 2 * length:
        raise ValueError(f"streams of {length} need {2 * length} samples, got {len(served.scores)}")
    gain = served.expected[:, -1] - served.expected[:, 0]
    order = np.argsort(gain, kind="stable")
    easy, hard = np.array_split(order, 2)
    half = length // 2

    def halves(first: IntArray, second: IntArray) -> Callable[[np.random.Generator], IntArray]:
        return lambda rng: np.concatenate(
            [rng.permutation(first)[:half], rng.permutation(second)[: length - half]]
        )

    def blocks(rng: np.random.Generator) -> IntArray:
        rows = rng.permutation(len(served.groups))[:length]
        rank = rng.permutation(len(np.unique(served.groups)))
        names = np.unique(served.groups, return_inverse=True)[1]
        return rows[np.argsort(rank[names[rows]], kind="stable")]

    return {
        "mixed": lambda rng: rng.permutation(len(order))[:length],
        "easy_then_hard": halves(easy, hard),
        "hard_then_easy": halves(hard, easy),
        "group_by_group": blocks,
    }


def serve(
    served: Served, rows: IntArray, holder: Holds, mean: float, batches: Iterator[int]
) -> Held:
    """Let a governor choose for a stream, batch by batch, and count.

    Args:
        served: the samples.
        rows: which of them come, in order.
        holder: chooses.
        mean: cost per request that it shall hold.
        batches: sizes of the batches, without end.
    """
    rungs = np.zeros(len(rows), dtype=np.int64)
    start = 0
    while start < len(rows):
        part = slice(start, start + next(batches))
        expected = served.expected[rows[part]]
        asked = Decision(np.zeros(len(expected), dtype=np.int64), expected)
        rungs[part] = holder.govern(asked).rungs
        for row, rung in zip(rows[part], rungs[part].tolist(), strict=True):
            holder.settle([rung], float(served.paid[row, rung]))
        start += len(expected)
    paid, score = served.paid[rows, rungs], float(served.scores[rows, rungs].mean())
    best = Sweep(
        served.expected[rows], served.scores[rows], served.costs, paid=served.paid[rows]
    ).frontier()
    middle = paid[len(rows) // 2 :][:_AFTER]
    return Held(
        float(paid.mean()) / mean - 1,
        best.at(float(paid.mean())) - score,
        float(np.cumsum(paid / mean - 1).max()),
        float(middle.mean()) / mean - 1,
    )


def batch_sizes(largest: int, rng: np.random.Generator) -> Iterator[int]:
    """Yield sizes from 1 to ``largest``, each as likely."""
    while True:
        yield int(rng.integers(1, largest + 1))


class Rivals(NamedTuple):
    """Streams held by the governor, and by the usual way.

    Attributes:
        governor: one entry per stream.
        stepped: the same streams with :class:`SteppedPrice`.
    """

    governor: list[Held]
    stepped: list[Held]


def compare(
    served: Served,
    mean: float,
    draw: Callable[[np.random.Generator], IntArray],
    *,
    make: Callable[[], Governor],
    price: float,
    step: float,
    orders: int,
    largest_batch: int = _LARGEST_BATCH,
    seed: int = 0,
) -> Rivals:
    """Serve the same streams both ways.

    Args:
        served: the samples.
        mean: cost per request to hold.
        draw: draws a stream.
        make: makes a governor that has seen nothing.
        price: that the usual way begins with; it is helped by one that was calibrated.
        step: of the usual way.
        orders: streams.
        largest_batch: requests that come together at most; 1 is one at a time.
        seed: of streams and batches.
    """
    found = Rivals([], [])
    for number in range(orders):
        rows = draw(np.random.default_rng((seed, number)))
        stepped = SteppedPrice(served.costs, mean=mean, price=price, step=step)
        for holder, kept in ((make(), found.governor), (stepped, found.stepped)):
            sizes = batch_sizes(largest_batch, np.random.default_rng((seed, number, 1)))
            kept.append(serve(served, rows, holder, mean, sizes))
    return found
