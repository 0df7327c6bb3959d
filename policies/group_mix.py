"""Calibration for requests whose mix of groups is known to differ from the calibration split's."""

from collections.abc import Mapping, Sequence

import numpy as np

from policies.hull import FloatArray


def mix_weights(
    groups: Sequence[str],
    shares: Mapping[str, float],
    *,
    calibration_shares: Mapping[str, float] | None = None,
) -> FloatArray:
    """Return how much each calibration sample counts when groups come with other shares.

    Within a group, requests must still be like the calibration samples of that group. With weights
    from these, a weighted mean over the calibration split is the mean under the other mix, and the
    promises of :func:`policies.risk_control.calibrate_risks` hold for it.

    Args:
        groups: group of each calibration sample, shape [n].
        shares: share of each group among the requests to come; they add up to 1.
        calibration_shares: how the calibration split was drawn, if that is known. Without it the
            split's own counts stand in, whose chance the promise then does not cover.

    Returns:
        Weights of mean 1 in the long run, shape [n]; 0 for groups that do not come.

    Raises:
        ValueError: if shares are no shares, or a group to come is not in the calibration split.

    Example:
        >>> mix_weights(["a", "a", "a", "b"], {"a": 0.5, "b": 0.5}).round(2).tolist()
        [0.67, 0.67, 0.67, 2.0]
    """
    _check_shares(shares)
    names, count = np.unique(np.asarray(groups), return_counts=True)
    drawn = dict(zip(names.tolist(), (count / count.sum()).tolist(), strict=True))
    if calibration_shares is not None:
        _check_shares(calibration_shares)
        drawn = dict(calibration_shares)
    missing = sorted(name for name, share in shares.items() if share and not drawn.get(name))
    if missing:
        raise ValueError(f"no calibration sample is of the groups {', '.join(missing)}")
    return np.array([shares.get(str(group), 0.0) / drawn[str(group)] for group in groups])


def _check_shares(shares: Mapping[str, float]) -> None:
    values = np.array(list(shares.values()), dtype=np.float64)
    if not ((values >= 0).all() and abs(values.sum() - 1) < 1e-6):
        raise ValueError(f"shares must be at least 0 and add up to 1, got {dict(shares)}")
