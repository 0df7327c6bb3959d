"""From logits to shares."""

import numpy as np

from policies.hull import FloatArray

_LOWEST = -700.0  # below it the exponential would overflow, and the share is 0 for all purposes


def shares_of(logits: FloatArray) -> FloatArray:
    """Return ``1 / (1 + exp(-x))`` of any finite numbers, without a warning.

    Example:
        >>> shares_of(np.array([-1e9, 0.0, 1e9])).round(3).tolist()
        [0.0, 0.5, 1.0]
    """
    shares = np.exp(-np.maximum(logits, _LOWEST))
    shares += 1.0
    return np.divide(1.0, shares, out=shares)
