"""Heat maps side by side as one picture, and what the queries of an MQT model attend to."""

import math
import textwrap
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from budget.chat import Question, text_of
from budget.explaining.layers import CONNECTOR, VISION
from budget.explaining.maps import HeatMap
from budget.explaining.overlay import COLOURS, overlay
from budget.pictures import as_shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 150
_PER_ROW = 6  # the image and the five scales of M3 or four of MQT lie side by side
_PANEL = 2.6  # inches
_LONGEST_SIDE = 800  # pixels of an image in a figure
_PLACES = {VISION: "vision tower's patches", CONNECTOR: "patches as the connector gives them"}
ATTENTION_CAPTION = (
    "Attention of each query over the patch grid, mean over heads. It is learned and does not "
    "depend on the image or the question: visual token i is what query i reads, and m visual "
    "tokens are those of the first m."
)


def draw_heat_maps(image: Image.Image, question: Question, maps: Sequence[HeatMap]) -> bytes:
    """Return a PNG of :func:`heat_figure`; args and errors are its own."""
    return _png(heat_figure(image, question, maps))


def draw_queries(attention: NDArray[np.float64]) -> bytes:
    """Return a PNG of :func:`queries_figure`; args are its own."""
    return _png(queries_figure(attention))


def heat_figure(image: Image.Image, question: Question, maps: Sequence[HeatMap]) -> "Figure":
    """Draw the image, then every map over it with its tokens and the answer.

    Args:
        image: the image that the maps are of.
        question: what was asked.
        maps: what ``heat_maps`` gave, one at least.

    Raises:
        ValueError: if there are no maps.
        DataError: if the image cannot be shown.
    """
    if not maps:
        raise ValueError("at least one heat map is needed to draw, got none")
    shown = as_shown(image)
    rows = math.ceil((1 + len(maps)) / _PER_ROW)
    columns = math.ceil((1 + len(maps)) / rows)
    height = _PANEL * min(max(shown.height / shown.width, 0.4), 2.0) + 0.75
    width = _PANEL * columns + 0.9
    figure = _new_figure((width, rows * height + 0.6))
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    _show(panels.flat[0], shown, "image", "")
    for axes, each in zip(panels.flat[1:], maps, strict=False):
        _show_map(axes, shown, each)
    figure.suptitle(_plain(_wrapped(text_of(question), int(11 * width), 3)), fontsize=11)
    _add_bar(figure, panels, 1.0, "share of the map's own peak")
    figure.supxlabel(_wrapped(_method_caption(maps[0]), int(15 * width), 4), fontsize=8)
    return figure


def queries_figure(attention: NDArray[np.float64]) -> "Figure":
    """Draw what every query attends to, with the words that it is so for any image.

    Args:
        attention: what ``query_attention`` gave, shape [queries, rows, columns].
    """
    columns = math.isqrt(len(attention) - 1) + 1
    sheet, corners = _sheet(attention, columns)
    width = max(0.52 * columns + 1.0, 4.0)
    figure = _new_figure((width, width * len(sheet) / sheet.shape[1] + 0.4))
    axes = figure.subplots()
    axes.set_axis_off()
    axes.imshow(sheet, cmap=COLOURS, vmin=0, vmax=attention.max(), interpolation="nearest")
    for number, (row, column) in enumerate(corners, start=1):
        axes.text(column, row - 1, str(number), fontsize=6, va="bottom", ha="left")
    figure.suptitle(_wrapped(ATTENTION_CAPTION, int(13 * width), 9), fontsize=9)
    label = "attention weight (a query's weights sum to 1)"
    _add_bar(figure, np.array([axes]), float(attention.max()), label)
    return figure


def _sheet(
    attention: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """Return all grids on one sheet, NaN between them, and the row and column of each corner.

    One picture takes a second, as many axes as there are queries take a minute.
    """
    queries, height, width = attention.shape
    between = max(2, height // 3)  # room for a number above each
    sheet = np.full(
        (math.ceil(queries / columns) * (height + between), columns * (width + between)), np.nan
    )
    corners = []
    for i, grid in enumerate(attention):
        row = (i // columns) * (height + between) + between
        column = (i % columns) * (width + between)
        sheet[row : row + height, column : column + width] = grid
        corners.append((row, column))
    return sheet, corners


def _show_map(axes: "Axes", shown: Image.Image, each: HeatMap) -> None:
    many = "visual token" if each.num_visual_tokens == 1 else "visual tokens"
    title = f"{each.num_visual_tokens} {many}\n{_wrapped(f'“{each.answer}”', 28, 2)}"
    below = each.note or f"peak {each.peak:.2g} nats, p {_share(math.exp(each.log_probability))}"
    _show(axes, overlay(shown, each), title, _wrapped(below, 34, 3))
    if each.peak_pixel is not None:
        x, y = each.peak_pixel
        axes.plot(x, y, "+", color="white", ms=9, mew=2.6)
        axes.plot(x, y, "+", color="black", ms=7, mew=1.0)


def _show(axes: "Axes", picture: Image.Image, title: str, below: str) -> None:
    width, height = picture.size
    if max(width, height) > _LONGEST_SIDE:
        picture = picture.copy()
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    axes.imshow(np.asarray(picture), extent=(0, width, height, 0), interpolation="nearest")
    axes.set_xlim(0, width)  # a peak in the margin that a model adds must not widen the panel
    axes.set_ylim(height, 0)
    axes.set_title(_plain(title), fontsize=10)
    axes.text(
        0.5, -0.03, _plain(below), transform=axes.transAxes, ha="center", va="top", fontsize=8
    )


def _method_caption(first: HeatMap) -> str:
    name = {"grad-cam": "Grad-CAM", "element-wise": "Gradients times activations"}
    return (
        f"{name[first.method]} of the log-probability of the whole answer (sum over its tokens, in "
        f"nats) at the {_PLACES[first.layer]}. + marks the peak."
    )


def _new_figure(size: tuple[float, float]) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")  # no window, no state of pyplot


def _add_bar(
    figure: "Figure",
    panels: NDArray[np.object_],
    top: float,
    label: str,
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(0, top), cmap=COLOURS)
    bar = figure.colorbar(scale, ax=panels.ravel().tolist(), fraction=0.03, pad=0.02, aspect=28)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)


def _png(figure: "Figure") -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    return file.getvalue()


def _share(probability: float) -> str:
    """Return a probability in percent that neither 0 nor 100 stands for but itself.

    Example:
        >>> _share(0.9987), _share(0.123), _share(1e-9)
        ('> 99%', '= 12%', '< 1%')
    """
    if probability > 0.99:
        return "> 99%"
    return "< 1%" if probability < 0.01 else f"= {probability:.0%}"


def _wrapped(text: str, width: int, lines: int) -> str:
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …"))


def _plain(text: str) -> str:
    """Keep matplotlib from reading formulas out of what users and models write."""
    return text.replace("$", r"\$")
