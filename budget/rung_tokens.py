"""What a rung is planned to cost in visual tokens, where images do not all cost the same at it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from budget.types import MatryoshkaVLM

FloatArray = NDArray[np.float64]

# Share of the last rung's cost by which two rungs differ that cost the same.
TIE = 1e-6
# The picture that stands for all where none was measured.
REFERENCE = (640, 480)


def told_apart(costs: Sequence[float] | FloatArray) -> FloatArray:
    """Return costs that rise from rung to rung; those that do already are returned as they are.

    Under caps rungs may cost the same, whatever the picture. As prices need an order, they differ
    by a millionth of the last one.

    Example:
        >>> told_apart([1.0, 4.0, 9.0]).tolist(), told_apart([3.0, 3.0, 5.0]).tolist()
        ([1.0, 4.0, 9.0], [3.0, 3.000005, 5.00001])
    """
    table = np.asarray(costs, dtype=np.float64)
    if (np.diff(table) > 0).all():
        return table
    flat: FloatArray = np.maximum.accumulate(table)
    rising: FloatArray = flat + TIE * max(float(flat[-1]), 1.0) * np.arange(len(flat))
    return rising


def planned_tokens(model: "MatryoshkaVLM", policy: Any = None) -> FloatArray:
    """Return the visual tokens that an image is planned to take at every rung, shape [k].

    They are the means of the policy's calibration split where it knows them, else what a picture
    of 640 x 480 costs.
    """
    known = getattr(policy, "rung_tokens", None)
    if known is not None:
        return told_apart(known)
    return told_apart(model.realised(Image.new("RGB", REFERENCE)))
