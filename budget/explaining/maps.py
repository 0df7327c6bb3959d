"""What a heat map says: where in an image lies what speaks for an answer, and how much."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatGrid = NDArray[np.float64]


class Box(NamedTuple):
    """A rectangle in pixels of the image as it is shown; it may reach beyond the image.

    Attributes:
        left: of its left side, from the image's left border.
        top: of its upper side, from the image's upper border.
        right: of its right side.
        bottom: of its lower side.
    """

    left: float
    top: float
    right: float
    bottom: float


class HeatMap(NamedTuple):
    """What of an image speaks for an answer at one number of visual tokens.

    Attributes:
        num_visual_tokens: m, of each grid that the image is seen in.
        answer: the text that is explained.
        heat: what speaks for it as a share of the peak, shape [rows, columns], in [0, 1]; all zero
            where nothing does, see ``note``.
        peak: the largest value of ``raw``, in nats of the answer's log-probability; 0 if none is
            above.
        raw: the map with its sign and unit, shape [rows, columns]; what is below zero speaks
            against the answer.
        log_probability: of the whole answer, the sum over its tokens, in nats.
        depends: whether the answer depends on the image at all: whether any gradient is not zero.
        box: where the grid lies in the image.
        method: "grad-cam" or "element-wise".
        layer: which activations: "vision" or "connector".
    """

    num_visual_tokens: int
    answer: str
    heat: FloatGrid
    peak: float
    raw: FloatGrid
    log_probability: float
    depends: bool
    box: Box
    method: str
    layer: str

    @property
    def note(self) -> str:
        """What must be said of a map without heat; empty for any other."""
        if self.peak > 0:
            return ""
        if self.depends:
            return "nothing in the image speaks for this answer, some of it against"
        return "this answer does not depend on the image"

    @property
    def peak_cell(self) -> tuple[int, int] | None:
        """Row and column of the peak, the first of several; None without heat."""
        if self.peak <= 0:
            return None
        row, column = np.unravel_index(int(self.heat.argmax()), self.heat.shape)
        return int(row), int(column)

    @property
    def peak_pixel(self) -> tuple[float, float] | None:
        """Centre of the peak's cell in the image, pixels from the left and the top."""
        if (cell := self.peak_cell) is None:
            return None
        rows, columns = self.heat.shape
        left, top, right, bottom = self.box
        across, down = (right - left) / columns, (bottom - top) / rows
        return left + (cell[1] + 0.5) * across, top + (cell[0] + 0.5) * down


def normalised(raw: FloatGrid) -> tuple[FloatGrid, float]:
    """Return what of a map is above zero as a share of its peak, and the peak.

    Example:
        >>> heat, peak = normalised(np.array([[-1.0, 0.5], [2.0, 0.0]]))
        >>> heat.tolist(), peak
        ([[0.0, 0.25], [1.0, 0.0]], 2.0)
    """
    above = np.maximum(raw, 0.0)
    peak = float(above.max())
    return (above / peak if peak > 0 else above), peak
