"""The policy that runs: features, expected scores, and a choice at a price."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from budget.adaptive import Budget, Decision
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies.allocation import IntArray, relative_costs
from policies.calibration import CalibrationTable, calibrate, named_prices
from policies.families import make_estimator
from policies.features import current_schema, featurize
from policies.hull import FloatArray
from policies.predictor_state import ScoreLearner, StoredPredictor

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from policies.extras import StoredExtra

CostUnit = Literal["tokens", "flops", "ms"]

DEFAULT_PRICE = "no-loss"


class ScorePolicy:
    """Predict the score at every rung and take the one that is worth its cost.

    Args:
        ladder: the model's scales.
        predictor: expected scores from the features of ``current_schema``.
        rung_costs: what the price is paid on, one number per rung, rising.
        cost_unit: the unit of ``rung_costs``: "tokens", "flops" or "ms".
        prices: prices by name; the one named "no-loss" is the default.
        table: what prices led to on the calibration split.
        feature_sha256: schema that the predictor was fitted on.
        extras: what else is saved with the policy, by a name of ``policies.extras``.

    Raises:
        PolicyError: if the features are of another schema than this version computes, a rung has
            no cost or no predicted score, or there is no default price.
    """

    def __init__(
        self,
        *,
        ladder: ScaleLadder,
        predictor: StoredPredictor,
        rung_costs: FloatArray,
        cost_unit: CostUnit,
        prices: Mapping[str, float],
        table: CalibrationTable,
        feature_sha256: str,
        extras: "Mapping[str, StoredExtra] | None" = None,
    ) -> None:
        current_schema().refuse_other(feature_sha256)
        if len(rung_costs) != len(ladder):
            raise PolicyError(
                f"a ladder of {len(ladder)} rungs needs as many costs, got {len(rung_costs)}"
            )
        _refuse_misfit(predictor, len(ladder))
        if DEFAULT_PRICE not in prices:
            raise PolicyError(f"a policy needs a price {DEFAULT_PRICE!r}, got {sorted(prices)}")
        self.ladder = ladder
        self.predictor = predictor
        self.rung_costs = np.asarray(rung_costs, dtype=np.float64)
        self._relative_costs = relative_costs(self.rung_costs[None])[0]
        self.cost_unit = cost_unit
        self.prices = dict(prices)
        self.table = table
        self.feature_sha256 = feature_sha256
        self.extras = dict(extras or {})

    def choose(
        self,
        images: "Sequence[Image | bytes]",
        questions: Sequence[str],
        *,
        budget: Budget | None = None,
    ) -> Decision:
        """Choose a rung per sample; without a budget, at the price named "no-loss".

        Args:
            images: n pictures, or the bytes of image files; a JPEG's are the fastest.
            questions: n questions.
            budget: a scale for all, a price, or a mean of visual tokens, which is met with the
                price that met it on the calibration split.

        Raises:
            PolicyError: if the mean of tokens is below the cheapest scale.
            ValueError: if a scale is not on the ladder or there is not one question per image.
        """
        scores = self.predict_scores(images, questions)
        return Decision(self.choose_from(scores, budget=budget), scores)

    def predict_scores(
        self, images: "Sequence[Image | bytes]", questions: Sequence[str]
    ) -> FloatArray:
        """Return the expected score of every rung, shape [n, k]."""
        if not len(questions):
            return np.zeros((0, len(self.ladder)))
        return self.predictor.predict(featurize(images, questions))

    def choose_from(self, scores: FloatArray, *, budget: Budget | None = None) -> IntArray:
        """Return the rungs for expected scores [n, k] that were predicted before."""
        budget = budget or Budget()
        if budget.num_visual_tokens is not None:
            rung = self.ladder.rung_of(budget.num_visual_tokens)
            return np.full(len(scores), rung, dtype=np.int64)
        # What choose_rungs does, but for its checks, which take longer than the choice.
        worth = scores - self.price_of(budget) * self._relative_costs
        rungs: IntArray = worth.argmax(axis=1)
        return rungs

    def save(self, folder: "str | Path") -> None:
        """Write the policy as a folder; :func:`policies.policy_files.load_policy` reads it.

        Raises:
            PolicyError: if the folder cannot be written.
        """
        from policies.policy_files import save_policy

        save_policy(self, folder)

    def price_of(self, budget: Budget) -> float:
        """Return the price that a budget comes to.

        Raises:
            PolicyError: if its mean of tokens is below the cheapest scale.
        """
        if budget.price is not None:
            return budget.price
        if budget.mean_tokens is None:
            return self.prices[DEFAULT_PRICE]
        try:
            return self.table.price_for_tokens(budget.mean_tokens)
        except ValueError as error:
            raise PolicyError(str(error)) from error


def _refuse_misfit(predictor: StoredPredictor, num_rungs: int) -> None:
    """Try the predictor on one row: it must have a number for every rung."""
    scores = predictor.predict(np.zeros((1, len(current_schema()))))
    if scores.shape != (1, num_rungs) or not np.isfinite(scores).all():
        raise PolicyError(
            f"a ladder of {num_rungs} rungs needs as many predicted scores, "
            f"got {scores.ravel()[:10].tolist()}"
        )


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
) -> ScorePolicy:
    """Fit the predictor on one split, and its prices on another.

    Args:
        fit_features: from ``featurize``, shape [n, d].
        fit_scores: real score of every rung in [0, 1], shape [n, k].
        calibration_features: of other samples, shape [m, d].
        calibration_scores: their real scores, shape [m, k].
        ladder: the model's scales, k of them.
        rung_costs: what the price is paid on, shape [k]; visual tokens by default.
        cost_unit: the unit of ``rung_costs``: "tokens", "flops" or "ms".
        predictor: an unfitted estimator of any family; LightGBM by default.
    """
    tokens = np.array(ladder.scales, dtype=np.float64)
    costs = tokens if rung_costs is None else np.asarray(rung_costs, dtype=np.float64)
    learner: ScoreLearner = predictor or make_estimator("lightgbm")
    learner.fit(fit_features, fit_scores)
    fitted = learner.scores_
    expected = fitted.predict(calibration_features)
    return ScorePolicy(
        ladder=ladder,
        predictor=fitted,
        rung_costs=costs,
        cost_unit=cost_unit,
        prices=named_prices(expected, calibration_scores, costs),
        table=calibrate(expected, calibration_scores, costs, tokens),
        feature_sha256=current_schema().sha256,
    )
