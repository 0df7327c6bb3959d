"""What a policy's price is paid on: visual tokens, FLOPs, or milliseconds of a calibration."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from budget.cost_calibration import CostCalibration, read_calibration
from budget.errors import DataError, PolicyError
from budget.rung_tokens import TIE, told_apart
from policies.hull import FloatArray
from policies.isotonic import isotonic_rows
from policies.lightgbm_policy import CostUnit
from policies.reading import CurveTable
from policies.rung_means import rung_means


class RungCosts(NamedTuple):
    """What every rung costs.

    Attributes:
        costs: rising, shape [k].
        unit: of the costs.
    """

    costs: FloatArray
    unit: CostUnit


def rung_costs(cost: str, curves: CurveTable, *, model: str | None) -> RungCosts:
    """Return what the option ``--cost`` stands for.

    Args:
        cost: "tokens" (visual tokens that the curves' samples really took, on average), "flops"
            (mean of the curves, all parts), or the path of a calibration that ``budget bench
            model`` wrote.
        curves: what the policy is fitted on.
        model: name of the model that they were run with, if they say it.

    Raises:
        DataError: if it is none of these, or the curves do not know their FLOPs.
        PolicyError: if the calibration is of another model or other scales.
    """
    if cost == "tokens":
        return RungCosts(known_tokens(curves.num_visual_tokens), "tokens")
    if cost == "flops":
        if not np.isfinite(curves.flops).all():
            raise DataError(
                "the curves do not know FLOPs; give --cost tokens, or a calibration file"
            )
        return RungCosts(told_apart(curves.flops.mean(axis=0)), "flops")
    if not Path(cost).suffix and not Path(cost).exists():
        raise DataError(f"cost must be 'tokens', 'flops' or a calibration file, got {cost!r}")
    calibration = read_calibration(cost)
    _refuse_other(cost, calibration, model, curves.scales)
    return RungCosts(rising(calibration.sample_ms()), "ms")


def known_tokens(tokens: ArrayLike) -> FloatArray:
    """Return the mean visual tokens of every rung, rising, shape [k].

    Args:
        tokens: that the samples of curves took at every rung, shape [n, k].

    Raises:
        DataError: if no sample has an image.
    """
    if not np.any(tokens, axis=0).all():
        raise DataError("no sample of the curves has visual tokens, so there is nothing to choose")
    return rung_means(tokens)


def _refuse_other(
    path: str, calibration: CostCalibration, model: str | None, scales: Sequence[int]
) -> None:
    if model is not None and calibration.model != model:
        raise PolicyError(f"{path} was measured on {calibration.model!r}, the curves on {model!r}")
    if tuple(calibration.ladder) != tuple(scales):
        raise PolicyError(
            f"{path} has scales {tuple(calibration.ladder)}, the curves have {tuple(scales)}"
        )


def rising(costs: Sequence[float]) -> FloatArray:
    """Return measured costs with what is noise in their order taken out.

    A dearer rung does more work, so where it was measured to cost less, both get the mean of what
    was measured (isotonic regression). Rungs of equal cost differ by a millionth of the last one,
    as prices need an order.

    Raises:
        DataError: if a cost is not above 0.

    Example:
        >>> rising([10.0, 9.0, 20.0]).round(3).tolist()
        [9.5, 9.5, 20.0]
    """
    if min(costs) <= 0:
        raise DataError(f"measured milliseconds must be above 0, got {min(costs):g}")
    smooth = isotonic_rows(np.array([costs]))[0]
    told_apart: FloatArray = smooth + TIE * smooth[-1] * np.arange(len(smooth))
    return told_apart
