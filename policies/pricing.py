"""From a predictor and a calibration split to a policy: prices, tables and promises."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from budget.ladder import ScaleLadder
from budget.risk import Risk
from policies.background import KIND as BACKGROUND
from policies.background import background_of
from policies.calibration import calibrate, named_prices
from policies.families import make_estimator
from policies.features import current_schema
from policies.hull import FloatArray
from policies.lightgbm_policy import CostUnit, ScorePolicy
from policies.predictor_state import ScoreLearner, StoredPredictor
from policies.risk_control import DEFAULT_RISKS, calibrate_risks
from policies.rung_means import means_extra, rung_means
from policies.stream_reference import MIN_SAMPLES, stream_reference

if TYPE_CHECKING:
    from policies.extras import StoredExtra


def fit_score_policy(
    *,
    fit_features: FloatArray,
    fit_scores: FloatArray,
    calibration_features: FloatArray,
    calibration_scores: FloatArray,
    ladder: ScaleLadder,
    rung_costs: FloatArray | None = None,
    cost_unit: CostUnit = "tokens",
    predictor: ScoreLearner | None = None,
    calibration_tokens: ArrayLike | None = None,
    calibration_flops: FloatArray | None = None,
    risks: Sequence[Risk] | None = None,
    seed: int = 0,
) -> ScorePolicy:
    """Fit the predictor on one split, and its prices on another.

    Args:
        fit_features: from ``featurize``, shape [n, d].
        fit_scores: real score of every rung in [0, 1], shape [n, k].
        calibration_features: of other samples, shape [m, d].
        calibration_scores: their real scores, shape [m, k].
        ladder: the model's scales, k of them.
        rung_costs: what the price is paid on, shape [k]; by default mean visual tokens.
        cost_unit: the unit of ``rung_costs``: "tokens", "flops" or "ms".
        predictor: an unfitted estimator of any family; LightGBM by default.
        calibration_tokens: visual tokens that samples really took at every rung, shape [k] or
            [m, k]; by default what the scales say.
        calibration_flops: FLOPs of every rung, shape [k] or [m, k], for budgets in FLOPs; None
            where they are not known.
        risks: promises to find prices for; by default a few, but none for scores outside [0, 1].
        seed: of the order in which promises are tested, and of the split of the stream's reference.
    """
    learner: ScoreLearner = predictor or make_estimator("lightgbm")
    learner.fit(fit_features, fit_scores)
    background = background_of(fit_features, learner.scores_.predict(fit_features))
    return price_policy(
        predictor=learner.scores_,
        expected=learner.scores_.predict(calibration_features),
        calibration_features=calibration_features,
        calibration_scores=calibration_scores,
        ladder=ladder,
        rung_costs=rung_costs,
        cost_unit=cost_unit,
        calibration_tokens=calibration_tokens,
        calibration_flops=calibration_flops,
        risks=risks,
        seed=seed,
        extras={BACKGROUND: background},
    )


def price_policy(
    *,
    predictor: StoredPredictor,
    expected: FloatArray,
    calibration_features: FloatArray,
    calibration_scores: FloatArray,
    ladder: ScaleLadder,
    rung_costs: FloatArray | None = None,
    cost_unit: CostUnit = "tokens",
    calibration_tokens: ArrayLike | None = None,
    calibration_flops: FloatArray | None = None,
    risks: Sequence[Risk] | None = None,
    seed: int = 0,
    extras: "Mapping[str, StoredExtra] | None" = None,
) -> ScorePolicy:
    """Return the policy of a fitted predictor, its prices set on the calibration split.

    Args:
        predictor: expected scores from features.
        expected: what the policy will choose by on the calibration split, shape [m, k].
        calibration_features: of samples that nothing was fitted on, shape [m, d].
        calibration_scores: their real scores, shape [m, k].
        ladder: as for :func:`fit_score_policy`, like what follows.
        rung_costs: what the price is paid on.
        cost_unit: the unit of ``rung_costs``.
        calibration_tokens: visual tokens that samples really took.
        calibration_flops: FLOPs of every rung.
        risks: promises to find prices for.
        seed: of orders and splits.
        extras: what else the policy carries.
    """
    said = ladder.scales if calibration_tokens is None else calibration_tokens
    tokens = np.broadcast_to(np.asarray(said, dtype=np.float64), np.shape(calibration_scores))
    costs = np.asarray(rung_means(tokens) if rung_costs is None else rung_costs, dtype=np.float64)
    if calibration_flops is None and cost_unit == "flops":
        calibration_flops = costs
    return ScorePolicy(
        ladder=ladder,
        predictor=predictor,
        rung_costs=costs,
        cost_unit=cost_unit,
        prices=named_prices(expected, calibration_scores, costs),
        table=calibrate(
            expected,
            calibration_scores,
            costs,
            tokens,
            flops=calibration_flops,
            ms=costs if cost_unit == "ms" else None,
        ),
        feature_sha256=current_schema().sha256,
        extras={
            **_extras(
                calibration_features, expected, calibration_scores, costs, tokens, risks, seed
            ),
            **means_extra(ladder.scales, tokens, calibration_flops),
            **(extras or {}),
        },
    )


def _extras(
    features: FloatArray,
    expected: FloatArray,
    scores: FloatArray,
    costs: FloatArray,
    tokens: FloatArray,
    risks: Sequence[Risk] | None,
    seed: int,
) -> "dict[str, StoredExtra]":
    rng = np.random.default_rng(seed)
    found: dict[str, StoredExtra] = {}
    if risks is None:
        bounded = bool(((scores >= 0) & (scores <= 1)).all())
        risks = DEFAULT_RISKS if bounded else ()
    if risks:
        found["risks"] = calibrate_risks(expected, scores, costs, tokens, risks=risks, rng=rng)
    if len(features) >= MIN_SAMPLES:
        found["stream"] = stream_reference(features, expected, rng=rng)
    return found
