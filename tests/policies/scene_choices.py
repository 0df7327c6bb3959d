"""Real curves and predictions for tests; ``tests/fixtures/scene_choices/make.py`` made them."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

FILE = Path(__file__).parents[1] / "fixtures" / "scene_choices" / "choices.npz"


class Choices(NamedTuple):
    """4,000 test samples of the shipped M3 model at five scales."""

    tokens: np.ndarray
    scores: np.ndarray
    expected: np.ndarray
    groups: np.ndarray
    density: np.ndarray
    flops: np.ndarray
    features: np.ndarray


@cache
def load():
    with np.load(FILE) as kept:
        return Choices(
            kept["scales"].astype(float),
            kept["scores"].astype(float),
            kept["expected"] / 65535,
            kept["names"][kept["groups"]],
            kept["density"],
            kept["mflops"].astype(float) * 1e6,
            kept["features"].astype(float),
        )
