"""Tier post-vision: a policy that also sees the visual tokens, before the language model starts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from budget.budgets import Budget, Decision
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies.allocation import IntArray
from policies.budget_solver import hash_draws
from policies.features import featurize
from policies.hull import FloatArray
from policies.lightgbm_policy import ScorePolicy
from policies.predictor_state import PredictorState
from policies.vision_inputs import VisionInputs, make_inputs
from policies.vision_scores import VisionPredictor
from policies.vision_scores import restore as restore_vision

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from PIL.Image import Image

    from policies.escalation import ScoreEscalationPolicy

KIND = "vision"
_EDGE = 1e-6  # of probabilities, before their logits are mixed


class VisionPart:
    """What tier post-vision adds to a policy: the network, and how much it counts.

    Args:
        vision: sees visual tokens and the question's embeddings.
        weight: of ``vision`` against the policy's own predictor, in (0, 1].

    Raises:
        PolicyError: if the weight is not legal.
    """

    def __init__(self, vision: VisionPredictor, weight: float) -> None:
        if not 0 < weight <= 1:
            raise PolicyError(f"the weight of the network must be in (0, 1], got {weight}")
        self.vision = vision
        self.weight = weight

    def mix(self, expected: FloatArray, inputs: VisionInputs) -> FloatArray:
        """Return the weighted mean, as logits, of expected scores and the network's, [n, k]."""
        return mix_logits(self.vision.predict(inputs), expected, self.weight)

    def state(self) -> PredictorState:
        """Return what it is made of."""
        return PredictorState(KIND, {"weight": self.weight}, parts={"network": self.vision.state()})


def restore(state: PredictorState, num_features: int, num_rungs: int) -> VisionPart:
    """Return the part of a state that :meth:`VisionPart.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    weight = state.settings.get("weight")
    if set(state.settings) != {"weight"} or not isinstance(weight, float):
        raise PolicyError(f"'weight' must be a number, got {dict(state.settings)}")
    if set(state.parts) != {"network"} or state.arrays or state.texts:
        raise PolicyError(f"one part 'network' is needed, got {sorted(state.parts)}")
    vision = restore_vision(state.parts["network"])
    if vision.network.size.rungs != num_rungs:
        raise PolicyError(
            f"the network expects {vision.network.size.rungs} scores, the ladder has {num_rungs}"
        )
    return VisionPart(vision, weight)


class PostVisionPolicy:
    """Predict every rung's score from features, visual tokens and words, then choose at a price.

    The runtime gives it what the model's vision encoder found, which is run whatever is chosen.

    Args:
        pricing: prices that hold for these predictions; its predictor is the part that sees
            features alone, and its extra ``"vision"`` the network.

    Raises:
        PolicyError: if ``pricing`` carries no network.
    """

    tier = "post-vision"

    def __init__(self, pricing: ScorePolicy) -> None:
        part = pricing.extras.get(KIND)
        if not isinstance(part, VisionPart):
            raise PolicyError("a policy of tier post-vision needs a network, this one has none")
        self.pricing = pricing
        self.part = part

    @property
    def ladder(self) -> ScaleLadder:
        """The scales that its rungs index."""
        return self.pricing.ladder

    @property
    def prices(self) -> dict[str, float]:
        """Prices by name."""
        return self.pricing.prices

    @property
    def rung_costs(self) -> FloatArray:
        """What the price is paid on, shape [k]."""
        return self.pricing.rung_costs

    def price_of(self, budget: Budget) -> float:
        """Return the price that a budget comes to; see :meth:`ScorePolicy.price_of`."""
        return self.pricing.price_of(budget)

    def choose_from(self, scores: FloatArray, *, budget: Budget | None = None) -> IntArray:
        """Return the rungs for expected scores [n, k] that were predicted before."""
        return self.pricing.choose_from(scores, budget=budget)

    def choose(
        self,
        images: "Sequence[Image | bytes]",
        questions: Sequence[str],
        *,
        budget: Budget | None = None,
    ) -> Decision:
        """Refuse: without the vision encoder's tokens there is nothing to see.

        Raises:
            PolicyError: always, unless ``budget`` fixes the scale.
        """
        if budget is None or budget.num_visual_tokens is None:
            raise PolicyError(
                "a policy of tier post-vision chooses after the vision encoder; "
                "call choose_encoded, or let AdaptiveVLM do so"
            )
        scores = np.zeros((len(questions), len(self.ladder)))
        return Decision(self.pricing.choose_from(scores, budget=budget), scores)

    def choose_encoded(
        self,
        images: "Sequence[Image | bytes]",
        questions: Sequence[str],
        *,
        features: "Sequence[torch.Tensor]",
        words: "Sequence[torch.Tensor]",
        budget: Budget | None = None,
    ) -> Decision:
        """Choose a rung per sample; see :meth:`ScorePolicy.choose`.

        Args:
            images: n pictures.
            questions: n questions.
            features: what the model's ``encode`` gave for each image.
            words: what its ``embed_questions`` gave for each question.
            budget: what is allowed; by default the price named "no-loss".

        Raises:
            PolicyError: if the tokens are of another model, or the policy was not calibrated for
                the budget.
        """
        if not len(questions):
            return Decision(np.zeros(0, dtype=np.int64), np.zeros((0, len(self.ladder))))
        table = featurize(images, questions)
        scores = self.part.mix(self.pricing.predictor.predict(table), make_inputs(features, words))
        rungs = self.pricing.choose_from(scores, budget=budget, draws=hash_draws(table))
        note, far = self.pricing.note(budget or Budget()), self.pricing.outliers(table)
        return Decision(rungs, scores, note, far)

    def escalating(self) -> "ScoreEscalationPolicy":
        """Return what looks at answers and goes up by this policy.

        Raises:
            PolicyError: if it was not fitted to.
        """
        from policies.escalation import ScoreEscalationPolicy

        return ScoreEscalationPolicy(self)

    def save(self, folder: "str | Path") -> None:
        """Write the policy as a folder; :func:`policies.policy_files.load_policy` reads it.

        Raises:
            PolicyError: if the folder cannot be written.
        """
        self.pricing.save(folder)


def mix_logits(first: FloatArray, second: FloatArray, weight: float) -> FloatArray:
    """Return the mean of two tables of probabilities as logits, ``weight`` for the first."""
    mixed = weight * _logit(first) + (1 - weight) * _logit(second)
    probabilities: FloatArray = 1.0 / (1.0 + np.exp(-mixed))
    return probabilities


def _logit(probabilities: FloatArray) -> FloatArray:
    clipped = probabilities.clip(_EDGE, 1 - _EDGE)
    logits: FloatArray = np.log(clipped / (1 - clipped))
    return logits
