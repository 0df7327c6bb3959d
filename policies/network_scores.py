"""What a fitted network computes, in numpy: the runtime that predicts with it needs no torch."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.hull import FloatArray
from policies.predictor_state import PredictorState

Weights = Mapping[str, NDArray[np.float32]]
Shape = tuple[int, ...]

MAX_WEIGHT = 1e4  # of a trained network none comes near; far larger ones would overflow
CLIP = 4.0  # standard deviations beyond which a feature is not told apart


class Inputs(NamedTuple):
    """Which columns a network reads, and on what scale.

    Attributes:
        image: columns of the part that is modulated, shape [di].
        question: columns that modulate it, shape [dq]; none for a plain network.
        centre: mean of every column, shape [d].
        scale: standard deviation of every column, shape [d], positive.
    """

    image: NDArray[np.int64]
    question: NDArray[np.int64]
    centre: FloatArray
    scale: FloatArray

    def standardized(self, X: FloatArray) -> NDArray[np.float32]:
        """Return features [n, d] in standard deviations from their mean, clipped."""
        with np.errstate(over="ignore"):
            table = (X - self.centre) / self.scale
        # np.clip takes three times as long for a single row.
        return np.minimum(np.maximum(table, -CLIP), CLIP).astype(np.float32)


class Sizes(NamedTuple):
    """Widths of a network.

    Attributes:
        members: networks whose outputs are averaged.
        image: units that read the image.
        question: units that read the question; 0 for a plain network.
        hidden: units behind both.
        rungs: outputs.
    """

    members: int
    image: int
    question: int
    hidden: int
    rungs: int


def weight_shapes(inputs: Inputs, sizes: Sizes) -> dict[str, Shape]:
    """Return the shape of every array of weights, by name; members come first."""
    members, units, asked, hidden, rungs = sizes
    shapes: dict[str, Shape] = {
        "image_weight": (members, len(inputs.image), units),
        "image_bias": (members, 1, units),
        "hidden_weight": (members, units + asked, hidden),
        "hidden_bias": (members, 1, hidden),
        "out_weight": (members, hidden, rungs),
        "out_bias": (members, 1, rungs),
    }
    if asked:
        shapes |= {
            "question_weight": (members, len(inputs.question), asked),
            "question_bias": (members, 1, asked),
            "film_weight": (members, asked, 2 * units),
            "film_bias": (members, 1, 2 * units),
        }
    return shapes


class NetworkPredictor:
    """Expected scores from the mean output of a few small networks.

    The question's units scale and shift the image's (feature-wise linear modulation, Perez et al.,
    AAAI 2018); both go through one more layer.

    Args:
        inputs: columns and their scale.
        weights: float32 arrays of :func:`weight_shapes`.
        start: output for the mean sample, shape [k].
        spread: what one unit of output is worth, shape [k].
        is_logit: whether outputs are logits of the scores.
        rising: whether all outputs but the first are steps up from the one before.
    """

    def __init__(
        self,
        inputs: Inputs,
        weights: Weights,
        *,
        start: FloatArray,
        spread: FloatArray,
        is_logit: bool,
        rising: bool,
    ) -> None:
        self.inputs = inputs
        self.weights = dict(weights)
        self.start = start
        self.spread = spread
        self.is_logit = is_logit
        self.rising = rising

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        outputs = self._outputs(self.inputs.standardized(np.asarray(X, dtype=np.float64)))
        outputs = np.add.reduce(outputs, axis=0, dtype=np.float64) / len(outputs)
        scores: FloatArray = self.start + self.spread * outputs
        if not self.is_logit:
            return scores
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(-scores))

    def _outputs(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what every member says, shape [members, n, k]."""
        weights = self.weights
        units = _layer(table.take(self.inputs.image, axis=1), weights, "image")
        if "film_weight" in weights:
            asked = _layer(table.take(self.inputs.question, axis=1), weights, "question")
            change = asked @ weights["film_weight"] + weights["film_bias"]
            width = units.shape[-1]
            units = units * (1.0 + change[..., :width]) + change[..., width:]
            units = np.concatenate([units, asked], axis=-1)
        hidden = _layer(units, weights, "hidden")
        outputs = hidden @ weights["out_weight"] + weights["out_bias"]
        return _risen(outputs) if self.rising else outputs

    def state(self) -> PredictorState:
        """Return what it is made of: arrays alone."""
        return PredictorState(
            "network",
            {"is_logit": self.is_logit, "rising": self.rising},
            arrays={
                **self.inputs._asdict(),
                **self.weights,
                "start": self.start,
                "spread": self.spread,
            },
        )


def _layer(table: NDArray[np.float32], weights: Weights, name: str) -> NDArray[np.float32]:
    units: NDArray[np.float32] = table @ weights[f"{name}_weight"]
    units += weights[f"{name}_bias"]
    np.maximum(units, np.float32(0.0), out=units)
    return units


def _risen(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return outputs that never fall: the first, and then steps of log(1 + exp(x))."""
    steps = np.logaddexp(outputs[..., 1:], np.float32(0.0))
    risen: NDArray[np.float32] = np.cumsum(
        np.concatenate([outputs[..., :1], steps], axis=-1), axis=-1
    )
    return risen


def columns_by_name(names: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    """Return where the wanted names stand among names, in the names' order, shape [len(wanted)]."""
    found = set(wanted)
    return np.array([i for i, name in enumerate(names) if name in found], dtype=np.int64)
