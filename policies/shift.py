"""Notices when requests are no longer like the calibration split, and says what still holds.

All that was calibrated speaks of requests drawn like the calibration samples, in any order:

- a mean cost that was met exactly there is met up to chance;
- a promise of :mod:`policies.risk_control` holds with its probability;
- of the prices by name the loss that they allow is met on average, without a confidence.

When the requests change, for example to other questions, **none of the three holds**: harder
questions are given more tokens, so means are missed, and the loss at a price can be any. What does
hold under any change: a scale fixed by the caller, and the full scale of a promise that no cheaper
choice could keep. If the shares of groups change and nothing within the groups, prices calibrated
with the new shares (:func:`policies.group_mix.mix_weights`) keep their promise, and a promise kept
in every group (:func:`policies.risk_control.last_kept_everywhere`) holds under any shares.

The monitor tests the one assumption behind all of it, that requests and calibration samples are
exchangeable, with conformal test martingales (Vovk, "Testing randomness online", arXiv 1906.09256):
every request gets a p-value in each of a few watched numbers, its rank among the samples and
requests before it with ties broken by a draw. While nothing has changed these are independent and
uniform, and a player who bets against that multiplies the capital by ``1 / alpha`` with probability
``alpha`` at most, over a stream of any length (Ville's inequality).
"""

from typing import NamedTuple

import numpy as np

from policies.hull import FloatArray
from policies.stream_reference import StreamReference, bins_of

# Stakes on the p-value being small or large, and on its being far from or near to the middle. The
# capital wanders between them, so that it is never long with one that loses: the "simple jumper" of
# Vovk et al. 2021 ("Retrain or not retrain", arXiv 2102.10439).
_STAKES = np.array([-0.9, -0.5, 0.0, 0.5, 0.9])
_JUMP = 0.01
# Requests after which new money is put in, so that a change after a long quiet is bet on with a
# capital of about 1 / (number of blocks)^2 and not with what losing bets have left.
_BLOCK = 50


class StreamReport(NamedTuple):
    """What the monitor found in a batch, and so far.

    Attributes:
        outliers: requests of the batch of which the calibration knew none alike, shape [n].
        alarm_at: number of the request, from 1, at which the stream was found to have changed;
            None while it was not. An alarm stays.
        evidence: largest capital over what an alarm takes; 1 is an alarm.
        moved: which number showed it: the index of a feature, or ``-k`` to ``-1`` for the
            predicted score of a rung, as of a list's last k; None without an alarm.
    """

    outliers: np.ndarray
    alarm_at: int | None
    evidence: float
    moved: int | None


class StreamMonitor:
    """Watches a stream of requests; one per stream, fed in the order of arrival.

    Args:
        reference: what the calibration split looked like.
        rng: breaks ties of ranks.
        alpha: probability of an alarm, ever, while requests are like the calibration samples.

    Raises:
        ValueError: if ``alpha`` is not in (0, 1).
    """

    def __init__(
        self, reference: StreamReference, rng: np.random.Generator, *, alpha: float = 0.05
    ) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be in (0, 1), got {alpha}")
        self.reference = reference
        self.num_requests = 0
        self.alarm_at: int | None = None
        self._rng = rng
        self._counts = reference.counts.astype(np.int64)
        self._rows = np.arange(len(self._counts))
        # Each watched number has a game of its own; any of them may alarm, at its share of alpha.
        self._goal = len(self._counts) / alpha
        self._cash = 1.0
        self._bets = np.zeros((len(self._counts), 2, len(_STAKES)))
        self._capital = np.ones(len(self._counts))

    def update(self, features: FloatArray, expected: FloatArray) -> StreamReport:
        """Take in requests and say what was found.

        Args:
            features: of the requests, in the order of arrival, shape [n, d].
            expected: predicted score of every rung, shape [n, k].
        """
        bins = bins_of(self.reference.watched(features, expected), self.reference.edges)
        for row in bins:
            self.num_requests += 1
            p_values = self._rank(row)
            if self.alarm_at is None:
                self._bet(p_values)
        moved = self._moved() if self.alarm_at is not None else None
        evidence = float(self._capital.max() / self._goal)
        return StreamReport(self.reference.outliers(features), self.alarm_at, evidence, moved)

    def _rank(self, bins: np.ndarray) -> FloatArray:
        """Count a request and return its p-values: how many lie above it, ties by a draw."""
        self._counts[self._rows, bins] += 1
        above = np.cumsum(self._counts, axis=1)[self._rows, bins]
        total, same = self._counts[0].sum(), self._counts[self._rows, bins]
        p_values: FloatArray = (total - above + self._rng.random(len(bins)) * same) / total
        return p_values

    def _bet(self, p_values: FloatArray) -> None:
        if (self.num_requests - 1) % _BLOCK == 0:
            block = (self.num_requests - 1) // _BLOCK + 1
            # What is left of the cash after this block is 1 / (block + 1).
            self._bets += (self._cash - 1 / (block + 1)) / self._bets[0].size
            self._cash = 1 / (block + 1)
        mean = self._bets.mean(axis=2, keepdims=True)
        side = 2 * p_values - 1
        told = np.stack([side, 2 * np.abs(side) - 1], axis=1)
        self._bets += _JUMP * (mean - self._bets)
        self._bets *= 1 + _STAKES * told[:, :, None]
        self._capital = self._cash + self._bets.sum(axis=(1, 2))
        if self._capital.max() >= self._goal:
            self.alarm_at = self.num_requests

    def _moved(self) -> int:
        at = int(self._capital.argmax())
        columns = self.reference.columns
        return int(columns[at]) if at < len(columns) else at - len(self._counts)
