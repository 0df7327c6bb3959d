"""Gap closed where costs are FLOPs of everything, and what a decision takes is one of them."""

import numpy as np

from policies.evaluation import Measured
from policies.gaps import GapInterval, GapMeter
from policies.hull import FloatArray


def flops_gap(
    data: Measured,
    expected: FloatArray,
    price_costs: FloatArray,
    rng: np.random.Generator,
    *,
    decision_flops: float = 0.0,
    resamples: int = 200,
) -> GapInterval | None:
    """Return the gap closed by area over all FLOPs of a sample; ``None`` where they are unknown.

    Vision encoder, text and answer are counted in every rung, so that the range is narrow: a
    decision's own FLOPs weigh here what they weigh for who pays.

    Args:
        data: what was measured.
        expected: what the policy chooses by, shape [n, k].
        price_costs: what its price is paid on, shape [k].
        rng: draws of the bootstrap.
        decision_flops: of one decision.
        resamples: of the bootstrap.
    """
    if not np.isfinite(data.flops).all():
        return None
    meter = GapMeter(data.scores, data.flops, chosen_by=price_costs)
    return meter.measure_with_interval(
        expected, rng, resamples=resamples, decision_cost=decision_flops
    )
