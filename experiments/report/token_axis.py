"""The axis of tokens that figures of accuracy share, and how figures become bytes."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.phrases import number
from oracle.curves import Curves
from oracle.report import wilson
from policies.hull import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours with a marker and a line each, so that a print in grey can be read.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
GREY = "#777777"
_DPI = 150


def axis_tokens(curves: Curves) -> FloatArray:
    """Return where rungs stand on the axis: the visual tokens really used, on average.

    The scales themselves where samples without any token, or rungs that cost no more than the one
    before, leave no place on a logarithmic axis.

    Returns:
        Strictly increasing tokens with shape [k].
    """
    used: FloatArray = curves.num_visual_tokens.mean(axis=0)
    if used[0] > 0 and (np.diff(used) > 0).all():
        return used
    return np.array(curves.scales, dtype=np.float64)


def bars(means: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Return accuracies in percent, shape [k], and how far Wilson's intervals reach, [2, k]."""
    found = 100 * np.array([wilson(float(mean), n) for mean in means])
    return found[:, 0], np.abs(found[:, 1:] - found[:, :1]).T


def label_tokens(axes: "Axes", tokens: FloatArray, *, short: bool = False) -> None:
    """Make the x axis one of log tokens with a tick at every rung that has room.

    Args:
        axes: whose x axis.
        tokens: of the rungs, increasing, shape [k].
        short: whether the axes are a small panel.
    """
    axes.set_xscale("log")
    shown = _with_room(tokens, 0.13 if short else 0.045)
    axes.set_xticks(shown, [number(each) for each in shown])
    axes.minorticks_off()
    margin = (tokens[-1] / tokens[0]) ** 0.05
    axes.set_xlim(tokens[0] / margin, tokens[-1] * margin)
    axes.grid(alpha=0.25)
    if not short:
        axes.set_xlabel("visual tokens per sample (log axis)")


def shortened(name: str, length: int = 26) -> str:
    """Return a name as it fits into a figure; its end stays, where similar names differ.

    Example:
        >>> shortened("what, is, the, number, on, the, shirt", 20)
        'what, is, th … shirt'
    """
    if len(name) <= length:
        return name
    end = (length - 3) // 3
    return f"{name[: length - 3 - end].rstrip()} … {name[-end:].lstrip()}"


def png_bytes(figure: "Figure") -> bytes:
    """Return a figure as PNG, at a resolution that can be printed."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=_DPI)
    return buffer.getvalue()


def style(i: int) -> tuple[str, str, object]:
    """Return colour, marker and line of the i-th of several curves."""
    return COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], LINES[i % len(LINES)]


def _with_room(tokens: FloatArray, least: float) -> list[float]:
    """Return the ticks, the largest first taken, that lie a part of the axis apart."""
    width = max(float(np.log(tokens[-1] / tokens[0])), 1e-9)
    shown: list[float] = []
    for each in reversed(tokens.tolist()):
        if not shown or np.log(shown[-1] / each) >= least * width:
            shown.append(each)
    return shown[::-1]


def panels(count: int, columns: int) -> tuple[int, int]:
    """Return rows and columns of small panels.

    Example:
        >>> panels(8, 4), panels(3, 4)
        ((2, 4), (1, 3))
    """
    columns = min(count, columns)
    return -(-count // columns), columns


def legend_above(axes: "Axes", columns: int, handles: Sequence[object] | None = None) -> None:
    """Put the legend above the axes, where no curve runs."""
    axes.legend(
        **({} if handles is None else {"handles": handles}),
        frameon=False,
        fontsize=9,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=columns,
    )
