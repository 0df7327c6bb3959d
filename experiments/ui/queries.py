"""What each query of an MQT model attends to, all in one picture."""

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from budget.mqt_model import MqtModel
from experiments.ui.data_urls import data_url

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from budget.types import MatryoshkaVLM

_CELL, _GAP = 5, 6  # pixels of a patch, and between queries


@lru_cache(maxsize=1)
def queries_url(model: "MatryoshkaVLM") -> str:
    """Return what each query attends to as a data URL; empty for a model without queries."""
    from budget.explaining.queries import query_attention

    return data_url(mosaic(query_attention(model))) if isinstance(model, MqtModel) else ""


def mosaic(attention: "NDArray[np.float64]") -> Image.Image:
    """Return the attention of all queries, the first at the top left, row by row.

    Args:
        attention: shape [queries, rows, columns]; all are shown as a share of the largest weight.
    """
    from budget.explaining.overlay import palette

    queries, height, width = attention.shape
    across = math.isqrt(queries - 1) + 1
    down = math.ceil(queries / across)
    levels = np.rint(255 * attention / attention.max()).astype(np.uint8)
    tall, wide = height * _CELL + _GAP, width * _CELL + _GAP
    sheet = np.zeros((down * tall, across * wide), dtype=np.uint8)
    inside = np.zeros_like(sheet)
    for i, each in enumerate(levels):
        top, left = i // across * tall, i % across * wide
        place = slice(top, top + tall - _GAP), slice(left, left + wide - _GAP)
        sheet[place] = each.repeat(_CELL, axis=0).repeat(_CELL, axis=1)
        inside[place] = 255
    coloured = Image.fromarray(sheet)
    coloured.putpalette(palette())
    blank = Image.new("RGB", coloured.size, "white")
    return Image.composite(coloured.convert("RGB"), blank, Image.fromarray(inside))
