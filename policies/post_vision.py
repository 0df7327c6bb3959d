"""Tier post-vision: the network that sees visual tokens, together with a tier-pre predictor."""

import numpy as np

from budget.errors import PolicyError
from policies.families import restore_predictor
from policies.hull import FloatArray
from policies.predictor_state import PredictorState, StoredPredictor
from policies.vision_inputs import VisionInputs
from policies.vision_scores import VisionPredictor
from policies.vision_scores import restore as restore_vision

KIND = "post-vision"
_EDGE = 1e-6  # of probabilities, before their logits are mixed


class PostVisionScores:
    """The weighted mean, as logits, of two predictors' expected scores.

    Args:
        vision: sees visual tokens and the question's embeddings.
        pre: sees the features of ``featurize``.
        weight: of ``vision``, in [0, 1]; ``pre`` gets the rest.

    Raises:
        PolicyError: if the weight is not legal.
    """

    def __init__(self, vision: VisionPredictor, pre: StoredPredictor, weight: float) -> None:
        if not 0 <= weight <= 1:
            raise PolicyError(f"the weight of the network must be in [0, 1], got {weight}")
        self.vision = vision
        self.pre = pre
        self.weight = weight

    def predict(self, X: FloatArray, inputs: VisionInputs) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d] and inputs."""
        return mix_logits(self.vision.predict(inputs), self.pre.predict(X), self.weight)

    def state(self) -> PredictorState:
        """Return what it is made of: both predictors and the weight."""
        parts = {"vision": self.vision.state(), "pre": self.pre.state()}
        return PredictorState(KIND, {"weight": self.weight}, parts=parts)


def restore(state: PredictorState, num_features: int, num_rungs: int) -> PostVisionScores:
    """Return the predictor of a state that :meth:`PostVisionScores.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    weight = state.settings.get("weight")
    if set(state.settings) != {"weight"} or not isinstance(weight, float):
        raise PolicyError(f"'weight' must be a number, got {dict(state.settings)}")
    if set(state.parts) != {"vision", "pre"} or state.arrays or state.texts:
        raise PolicyError(f"parts 'pre' and 'vision' are needed, got {sorted(state.parts)}")
    vision = restore_vision(state.parts["vision"])
    if vision.network.size.rungs != num_rungs:
        raise PolicyError(
            f"the network expects {vision.network.size.rungs} scores, the ladder has {num_rungs}"
        )
    pre = restore_predictor(state.parts["pre"], num_features, num_rungs)
    return PostVisionScores(vision, pre, weight)


def mix_logits(first: FloatArray, second: FloatArray, weight: float) -> FloatArray:
    """Return the weighted mean of two tables of probabilities, taken as logits, shape [n, k]."""
    mixed = weight * _logit(first) + (1 - weight) * _logit(second)
    probabilities: FloatArray = 1.0 / (1.0 + np.exp(-mixed))
    return probabilities


def best_weight(first: FloatArray, second: FloatArray, scores: FloatArray) -> float:
    """Return the weight of ``first``, in twentieths, with the least log loss on real scores.

    Args:
        first: expected scores of samples that neither predictor was fitted on, shape [n, k].
        second: the other's.
        scores: real scores in [0, 1], shape [n, k].
    """
    weights = np.linspace(0, 1, 21)
    losses = [_log_loss(mix_logits(first, second, weight), scores) for weight in weights]
    return float(weights[int(np.argmin(losses))])


def _logit(probabilities: FloatArray) -> FloatArray:
    clipped = probabilities.clip(_EDGE, 1 - _EDGE)
    logits: FloatArray = np.log(clipped / (1 - clipped))
    return logits


def _log_loss(expected: FloatArray, scores: FloatArray) -> float:
    clipped = expected.clip(_EDGE, 1 - _EDGE)
    return float(-(scores * np.log(clipped) + (1 - scores) * np.log(1 - clipped)).mean())
