"""The policy that runs: features, expected scores, and a choice at a price."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from budget.adaptive import Budget, Decision
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from budget.risk import Risk
from policies.allocation import IntArray, relative_costs
from policies.budget_solver import PriceMix, choose_mixed, hash_draws
from policies.calibration import CalibrationTable, calibrate, named_prices
from policies.features import current_schema, featurize
from policies.hull import FloatArray
from policies.risk_control import DEFAULT_RISKS, RiskPrice, calibrate_risks, price_of_risk
from policies.scores import BoosterScores, LightGBMScores

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

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
        risks: promises, and the price that keeps each.

    Raises:
        PolicyError: if the features are of another schema than this version computes, a rung has
            no cost, or there is no default price.
    """

    def __init__(
        self,
        *,
        ladder: ScaleLadder,
        predictor: BoosterScores,
        rung_costs: FloatArray,
        cost_unit: CostUnit,
        prices: Mapping[str, float],
        table: CalibrationTable,
        feature_sha256: str,
        risks: Sequence[RiskPrice] = (),
    ) -> None:
        current_schema().refuse_other(feature_sha256)
        if len(rung_costs) != len(ladder) or len(predictor.models) != len(ladder):
            raise PolicyError(
                f"a ladder of {len(ladder)} rungs needs as many costs and models, "
                f"got {len(rung_costs)} and {len(predictor.models)}"
            )
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
        self.risks = tuple(risks)

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
            budget: a scale for all, a price, a mean cost, which is met with the prices that met
                it on the calibration split, or a risk that the policy was calibrated for.

        Raises:
            PolicyError: if a mean is below the cheapest scale, or the policy was not calibrated
                for the budget.
            ValueError: if a scale is not on the ladder or there is not one question per image.
        """
        if not len(questions):
            return Decision(np.zeros(0, dtype=np.int64), np.zeros((0, len(self.ladder))))
        features = featurize(images, questions)
        scores = self.predictor.predict(features)
        budget = budget or Budget()
        # The same image and question are drawn alike, whatever else is in the batch.
        rungs = self.choose_from(scores, budget=budget, draws=hash_draws(features))
        return Decision(rungs, scores, self._note(budget))

    def predict_scores(
        self, images: "Sequence[Image | bytes]", questions: Sequence[str]
    ) -> FloatArray:
        """Return the expected score of every rung, shape [n, k]."""
        if not len(questions):
            return np.zeros((0, len(self.ladder)))
        return self.predictor.predict(featurize(images, questions))

    def choose_from(
        self,
        scores: FloatArray,
        *,
        budget: Budget | None = None,
        draws: FloatArray | None = None,
    ) -> IntArray:
        """Return the rungs for expected scores [n, k] that were predicted before.

        Args:
            scores: expected score of every rung.
            budget: as in :meth:`choose`.
            draws: in [0, 1), shape [n]: which rows pay the lower of two prices that meet a mean
                cost together; by default they are spread evenly over the rows.
        """
        budget = budget or Budget()
        if budget.num_visual_tokens is not None:
            rung = self.ladder.rung_of(budget.num_visual_tokens)
            return np.full(len(scores), rung, dtype=np.int64)
        return choose_mixed(scores, self._relative_costs, self.mix_of(budget), draws)

    def save(self, folder: "str | Path") -> None:
        """Write the policy as a folder; :func:`policies.policy_files.load_policy` reads it.

        Raises:
            PolicyError: if the folder cannot be written.
        """
        from policies.policy_files import save_policy

        save_policy(self, folder)

    def price_of(self, budget: Budget) -> float:
        """Return the price that a budget comes to, the higher one of two.

        Raises:
            PolicyError: if its mean is below the cheapest scale, or the policy was not calibrated
                for it.
        """
        return self.mix_of(budget).price

    def mix_of(self, budget: Budget) -> PriceMix:
        """Return the prices that a budget comes to, and which share pays which.

        Raises:
            PolicyError: if its mean is below the cheapest scale, or the policy was not calibrated
                for it.
        """
        if budget.price is not None:
            return PriceMix.single(budget.price)
        try:
            if budget.risk is not None:
                return PriceMix.single(price_of_risk(self.risks, budget.risk).price)
            for unit in ("tokens", "flops", "ms"):
                if (mean := getattr(budget, f"mean_{unit}")) is not None:
                    return self.table.mix_for(unit, mean)
        except ValueError as error:
            raise PolicyError(str(error)) from error
        return PriceMix.single(self.prices[DEFAULT_PRICE])

    def _note(self, budget: Budget) -> str:
        if budget.risk is None or not price_of_risk(self.risks, budget.risk).is_full_scale:
            return ""
        return f"full scale for all, as no cheaper choice was shown to keep {budget.risk}"


def fit_score_policy(
    *,
    fit_features: FloatArray,
    fit_scores: FloatArray,
    calibration_features: FloatArray,
    calibration_scores: FloatArray,
    ladder: ScaleLadder,
    rung_costs: FloatArray | None = None,
    cost_unit: CostUnit = "tokens",
    predictor: LightGBMScores | None = None,
    calibration_flops: FloatArray | None = None,
    risks: Sequence[Risk] = DEFAULT_RISKS,
    seed: int = 0,
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
        predictor: an unfitted predictor with other settings than the default ones.
        calibration_flops: FLOPs of every rung, shape [k] or [m, k], for budgets in FLOPs; None
            where they are not known.
        risks: promises to find prices for; scores outside [0, 1] have none.
        seed: of the order in which promises are tested.
    """
    tokens = np.array(ladder.scales, dtype=np.float64)
    costs = tokens if rung_costs is None else np.asarray(rung_costs, dtype=np.float64)
    fitted = (predictor or LightGBMScores()).fit(fit_features, fit_scores).scores_
    expected = fitted.predict(calibration_features)
    known = {"flops": calibration_flops, cost_unit: costs}
    bounded = bool(((calibration_scores >= 0) & (calibration_scores <= 1)).all())
    order = np.random.default_rng(seed)
    return ScorePolicy(
        ladder=ladder,
        predictor=fitted,
        rung_costs=costs,
        cost_unit=cost_unit,
        prices=named_prices(expected, calibration_scores, costs),
        table=calibrate(
            expected,
            calibration_scores,
            costs,
            tokens,
            flops=known["flops"],
            ms=known.get("ms"),
        ),
        feature_sha256=current_schema().sha256,
        risks=calibrate_risks(expected, calibration_scores, costs, tokens, risks=risks, rng=order)
        if bounded
        else (),
    )
