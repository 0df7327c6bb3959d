"""The area under an accuracy-token curve: mean accuracy over the logarithm of the tokens.

Accuracy runs straight between neighbouring scales on a logarithmic axis of tokens, and the area is
divided by the width of that axis. So it lies in [0, 1], in units of accuracy: what one gets who
knows nothing of how many tokens there will be, every doubling being as likely as any other.
"""

import numpy as np

from budget.bootstrap import FloatArray


def area_weights(tokens: FloatArray) -> FloatArray:
    """Return the weights of the rungs in the area, which is their product with mean scores.

    Args:
        tokens: visual tokens of every rung, above 0, in any order, shape [k].

    Returns:
        Weights with shape [k], at least 0 and 1 in sum; all alike where tokens do not differ.

    Raises:
        ValueError: if there is no rung or a rung without tokens.

    Example:
        >>> area_weights(np.array([1.0, 10.0, 1000.0])).round(4).tolist()
        [0.1667, 0.5, 0.3333]
    """
    at = _logs(tokens)
    order = np.argsort(at, kind="stable")
    widths = np.diff(at[order])
    if not widths.sum() > 0:
        return np.full(len(at), 1 / len(at))
    weights = np.empty(len(at))
    weights[order] = (np.append(widths, 0) + np.append(0, widths)) / (2 * widths.sum())
    return weights


def interpolation(tokens: FloatArray, at: FloatArray) -> FloatArray:
    """Return the weights that read a curve off at other numbers of tokens.

    ``means @ interpolation(tokens, at)`` is the curve at ``at``, straight between rungs over log
    tokens, and flat beyond its ends.

    Args:
        tokens: of every rung, strictly increasing, above 0, shape [k].
        at: where to read, above 0, shape [p].

    Returns:
        Weights with shape [k, p].

    Example:
        >>> interpolation(np.array([1.0, 100.0]), np.array([1.0, 10.0, 500.0])).round(6).T.tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    own, wanted = _logs(tokens), _logs(at)
    return np.stack([np.interp(wanted, own, unit) for unit in np.eye(len(own))])


def area_between(tokens: FloatArray, low: float, high: float) -> FloatArray:
    """Return the weights of the area over a part of the axis, so that ladders can be compared.

    Args:
        tokens: of every rung, strictly increasing, above 0, shape [k].
        low: where the part starts, within ``tokens``.
        high: where it ends, above ``low`` and within ``tokens``.

    Returns:
        Weights with shape [k].

    Raises:
        ValueError: if the part is empty or reaches beyond the rungs.
    """
    if not tokens[0] * (1 - 1e-9) <= low < high <= tokens[-1] * (1 + 1e-9):
        raise ValueError(
            f"an area needs a range within {tokens[0]:g} to {tokens[-1]:g} tokens, "
            f"got {low:g} to {high:g}"
        )
    inner = tokens[(tokens > low) & (tokens < high)]
    knots = np.concatenate([[low], inner, [high]])
    weights: FloatArray = interpolation(tokens, knots) @ area_weights(knots)
    return weights


def _logs(tokens: FloatArray) -> FloatArray:
    if not len(tokens) or not (tokens > 0).all():
        raise ValueError(f"an axis of log tokens needs tokens above 0, got {list(tokens)}")
    return np.log(np.asarray(tokens, dtype=np.float64))
