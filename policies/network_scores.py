"""What a fitted network computes, in numpy: the runtime that predicts with it needs no torch."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.hull import FloatArray
from policies.logits import shares_of
from policies.predictor_state import PredictorState

Weights = Mapping[str, NDArray[np.float32]]
Shape = tuple[int, ...]

MAX_WEIGHT = 1e4  # of a trained network none comes near; far larger ones would overflow
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
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
        table = X - self.centre
        with np.errstate(over="ignore"):
            table /= self.scale
        # np.clip takes three times as long for a single row.
        np.minimum(table, CLIP, out=table)
        np.maximum(table, -CLIP, out=table)
        return table.astype(np.float32)


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
        self._first_weight, self._first_bias = _first_layer(inputs, self.weights)
        self._film = "film_weight" in self.weights
        out = self.weights["out_weight"]
        self._out = out.reshape(-1, out.shape[-1]) / np.float32(len(out))
        self._bias = self.weights["out_bias"].mean(axis=(0, 1), dtype=np.float64)

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        hidden = self._hidden(self.inputs.standardized(np.asarray(X, dtype=np.float64)))
        scores = self.start + self.spread * self._means(hidden)
        return shares_of(scores) if self.is_logit else scores

    def _means(self, hidden: NDArray[np.float32]) -> NDArray[Any]:
        """Return what the members say on average, shape [n, k], of their units [members, n, h]."""
        if not self.rising:  # the mean of products is one product
            units = hidden.transpose(1, 0, 2).reshape(
                hidden.shape[1], hidden.shape[0] * hidden.shape[2]
            )
            means: NDArray[Any] = units @ self._out + self._bias
            return means
        outputs = _risen(hidden @ self.weights["out_weight"] + self.weights["out_bias"])
        means = outputs.mean(axis=0, dtype=np.float64)
        return means

    def _hidden(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the last units of every member, shape [members, n, h]."""
        hidden = self._units(table) @ self.weights["hidden_weight"]
        hidden += self.weights["hidden_bias"]
        np.maximum(hidden, _ZERO, out=hidden)
        return hidden

    def _units(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the first units of every member, the image's and then the question's."""
        units = table @ self._first_weight  # of all members at once
        units += self._first_bias
        np.maximum(units, _ZERO, out=units)
        members = len(self.weights["image_bias"])
        split = units.reshape(len(table), members, units.shape[1] // members).transpose(1, 0, 2)
        if not self._film:
            return split
        width = self.weights["image_bias"].shape[-1]
        change = split[..., width:] @ self.weights["film_weight"]
        change += self.weights["film_bias"]
        change[..., :width] += _ONE
        seen = split[..., :width]
        seen *= change[..., :width]
        seen += change[..., width:]
        return split

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


def _first_layer(
    inputs: Inputs, weights: Weights
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights and bias of all first units, side by side, for a table of all columns.

    Each member's units that read the image come first, then those that read the question. A unit
    has weight 0 on what it does not read: one product of all takes less time than several of what
    has to be picked out of the table before.
    """
    kinds = [("image", inputs.image)]
    if "question_weight" in weights:
        kinds.append(("question", inputs.question))
    parts = []
    for name, columns in kinds:
        weight = weights[f"{name}_weight"]
        part = np.zeros((len(weight), len(inputs.centre), weight.shape[-1]), dtype=np.float32)
        for place, column in enumerate(columns.tolist()):
            part[:, column] += weight[:, place]
        parts.append(part)
    table = np.concatenate(parts, axis=-1).transpose(1, 0, 2)
    bias = np.concatenate([weights[f"{name}_bias"] for name, _ in kinds], axis=-1)
    return np.ascontiguousarray(table).reshape(len(table), -1), bias.reshape(-1)


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
