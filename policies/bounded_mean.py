"""Tests of whether the mean of a bounded loss is small, exact for any number of samples.

Two are here. Hoeffding and Bentkus see the mean alone: a loss that is nearly always 0 counts like
a coin's. Betting sees the variance: a player who is paid ``bound - loss`` times a stake that was
set beforehand wins nothing on average if the mean loss is over the bound, so capital of ``1 /
delta`` comes about with a probability of at most ``delta`` (Ville's inequality), whatever the
stakes (Waudby-Smith and Ramdas 2020, arXiv 2010.09686).
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from policies.hull import FloatArray

# Share of the stake at which a single worst loss would cost all; 1 could end with nothing.
_LARGEST_STAKE = 0.9


def bet_mean_at_most(
    losses: FloatArray, bound: float, delta: float, *, highest: float = 1.0
) -> NDArray[np.bool_]:
    """Say of every column whether its mean loss is shown to be at most ``bound``.

    If the true mean is over the bound, the answer is True with a probability of at most ``delta``.
    The stake is what would bring the capital to ``1 / delta`` just at the last sample, worked out
    anew at every sample from the capital there is and the samples that are left (Voráček and
    Orabona 2025, "STaR-Bets", arXiv 2505.22422).

    Args:
        losses: shape [n] or [n, c], none above ``highest``; drawn independently, and in an order
            that says nothing of their values, so shuffle a table that was sorted.
        bound: on the mean, under ``highest``.
        delta: probability of a wrong True, in (0, 1).
        highest: the largest loss possible.

    Raises:
        ValueError: if ``bound`` is not under ``highest``, or a loss is above it or NaN.

    Example:
        >>> bet_mean_at_most(np.zeros((300, 2)) + [0.0, 0.2], 0.1, 0.05)
        array([ True, False])
    """
    losses = np.asarray(losses, dtype=np.float64)
    if not bound < highest:
        raise ValueError(f"bound must be under the largest loss {highest:g}, got {bound:g}")
    if not (losses <= highest).all():
        raise ValueError(f"losses must be numbers of at most {highest:g}, got {losses.max():g}")
    largest = _LARGEST_STAKE / (highest - bound)
    missing = np.full(losses.shape[1:], math.log(1 / delta))  # log of capital still to be won
    total, squares = np.zeros_like(missing), np.ones_like(missing)
    for i, loss in enumerate(losses):
        # One sample of variance 1 stands in for those that were not seen yet.
        spread = squares * ((len(losses) - i) / (i + 1))
        # Who has won plays no more.
        stake = np.minimum(np.sqrt(2 * np.maximum(missing, 0) / spread), largest)
        missing = missing - np.log1p(stake * (bound - loss))
        total += loss
        squares += (loss - total / (i + 1)) ** 2
    shown: NDArray[np.bool_] = missing <= 0
    return shown


def hoeffding_bentkus_p(
    means: ArrayLike, count: int, bound: float, *, lowest: float = -1.0, highest: float = 1.0
) -> FloatArray:
    """Return p-values of "the true mean loss is over ``bound``" from the means of samples.

    The smaller of Hoeffding's and Bentkus's bounds, as Learn-then-Test uses them (Angelopoulos et
    al. 2021, arXiv 2110.01052, section 3.1), after losses are brought to [0, 1].

    Args:
        means: mean losses of ``count`` samples each, any shape.
        count: samples.
        bound: on the true mean.
        lowest: the smallest loss possible.
        highest: the largest loss possible.
    """
    from scipy.stats import binom

    width = highest - lowest
    mean = np.clip((np.asarray(means, dtype=np.float64) - lowest) / width, 0.0, 1.0)
    limit = (bound - lowest) / width
    below = np.minimum(mean, limit)
    hoeffding = np.exp(-count * _divergence(below, limit))
    bentkus = math.e * binom.cdf(np.ceil(count * mean - 1e-9), count, limit)
    smaller: FloatArray = np.minimum(np.minimum(hoeffding, bentkus), 1.0)
    return smaller


def _divergence(a: FloatArray, b: float) -> FloatArray:
    """Return the Kullback-Leibler divergence of coins with chances ``a`` from one with ``b``."""
    from scipy.special import rel_entr

    divergence: FloatArray = rel_entr(a, b) + rel_entr(1 - a, 1 - b)
    return divergence
