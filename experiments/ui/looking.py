"""Heat maps for the page: what of the picture speaks for the answer at each scale."""

import base64
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from PIL import Image

from budget.errors import BudgetError, one_line
from budget.mqt_model import MqtModel

if TYPE_CHECKING:
    from budget.llava import LlavaRunner
    from budget.types import MatryoshkaVLM

_SIDE = 320  # pixels: what a phone shows at double density


class Look(NamedTuple):
    """The heat map of one scale.

    Attributes:
        scale: visual tokens of each grid.
        text: the answer that is explained.
        source: the picture under its heat, as a data URL.
        note: what must be said of a map without heat; else empty.
    """

    scale: int
    text: str
    source: str
    note: str = ""


class Looks(NamedTuple):
    """Heat maps of all scales, or why there are none.

    Attributes:
        maps: one per scale, cheapest first; none where they cannot be had.
        missing: why not, in words; empty where they are there.
    """

    maps: tuple[Look, ...] = ()
    missing: str = ""


def look(
    model: "MatryoshkaVLM",
    image: Image.Image,
    question: str,
    scales: Sequence[int],
    *,
    max_new_tokens: int = 16,
) -> Looks:
    """Return a heat map of the model's own answer at each scale.

    Args:
        model: answers.
        image: the picture.
        question: about it.
        scales: cheapest first.
        max_new_tokens: longest answer, in tokens.
    """
    from budget.explaining.heat import heat_maps
    from budget.explaining.overlay import overlay

    try:
        found = heat_maps(
            cast("LlavaRunner", model), image, question, scales, max_new_tokens=max_new_tokens
        )
    except (BudgetError, ValueError) as problem:
        return Looks(missing=f"There are no heat maps: {one_line(problem)}.")
    return Looks(
        tuple(
            Look(each.num_visual_tokens, each.answer, _shown(overlay(image, each)), each.note)
            for each in found
        )
    )


@lru_cache(maxsize=1)
def queries_url(model: "MatryoshkaVLM") -> str:
    """Return what each query of an MQT model attends to, as a data URL; empty for other models.

    The picture is the same whatever the model is asked about, and says so.
    """
    from budget.explaining.drawing import draw_queries
    from budget.explaining.queries import query_attention

    return png_url(draw_queries(query_attention(model))) if isinstance(model, MqtModel) else ""


def _shown(image: Image.Image) -> str:
    """Return a picture as a data URL, as large as it is shown; small ones keep crisp pixels."""
    longer = max(image.size)
    width, height = (max(round(each * _SIDE / longer), 1) for each in image.size)
    how = Image.Resampling.NEAREST if longer < _SIDE else Image.Resampling.LANCZOS
    file = io.BytesIO()
    image.resize((width, height), how).save(file, "PNG")
    return png_url(file.getvalue())


def png_url(png: bytes) -> str:
    """Return a PNG file as a data URL: it stands in the page, and nobody is asked for it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
