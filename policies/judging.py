"""What policies of either tier expect of measured samples."""

import time
from collections.abc import Callable
from typing import NamedTuple

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.lightgbm_policy import ScorePolicy
from policies.post_vision import PostVisionPolicy
from policies.reading import Split
from policies.vision_inputs import VisionInputs

Policy = ScorePolicy | PostVisionPolicy
# A split of the dataset -> what the model's encoder finds there.
Encoded = Callable[[str, Split], VisionInputs]


class Judged(NamedTuple):
    """A policy and what it expects of the evaluated samples.

    Attributes:
        policy: as it was loaded.
        expected: score of every rung, shape [n, k].
        decision_ms: milliseconds a sample of features and prediction.
        decision_flops: of a network that sees visual tokens; 0 without one.
    """

    policy: Policy
    expected: FloatArray
    decision_ms: float
    decision_flops: float = 0.0


def judge(policy: Policy, split: Split, name: str, encoded: Encoded | None) -> Judged:
    """Return what a policy expects of a split's samples.

    Args:
        policy: of any tier.
        split: curves and features.
        name: of the split.
        encoded: gives visual tokens; only policies of tier post-vision need it.

    Raises:
        PolicyError: if a policy needs it and there is none.
    """
    if isinstance(policy, ScorePolicy):
        start = time.perf_counter()
        expected = policy.predictor.predict(split.features)
        return Judged(policy, expected, _ms_each(start, expected) + split.feature_ms)
    if encoded is None:
        raise PolicyError(
            "a policy of tier post-vision sees the model's visual tokens; give --model"
        )
    inputs = encoded(name, split)
    start = time.perf_counter()
    expected = policy.part.mix(policy.pricing.predictor.predict(split.features), inputs)
    flops = policy.part.vision.flops(int(inputs.lengths.mean()))
    return Judged(policy, expected, _ms_each(start, expected) + split.feature_ms, flops)


def _ms_each(start: float, rows: FloatArray) -> float:
    return 1000 * (time.perf_counter() - start) / len(rows)
