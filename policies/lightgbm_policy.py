"""The policy that runs: features, expected scores, and a choice at a price."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from budget.budgets import Budget, Decision
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies.allocation import IntArray, relative_costs
from policies.budget_solver import PriceMix, choose_mixed, hash_draws
from policies.calibration import CalibrationTable
from policies.features import current_schema, featurize
from policies.hull import FloatArray
from policies.predictor_state import StoredPredictor
from policies.risk_table import RiskTable
from policies.rung_means import RungMeans
from policies.stream_reference import StreamReference

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from policies.escalation import ScoreEscalationPolicy
    from policies.extras import StoredExtra
    from policies.shift import StreamMonitor

CostUnit = Literal["tokens", "flops", "ms"]

DEFAULT_PRICE = "no-loss"
_DEFAULT = Budget()


class ScorePolicy:
    """Predict the score at every rung and take the one that is worth its cost.

    Of tier pre: it sees pictures and questions before anything else does.

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

    tier = "pre"

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
        budget = budget or _DEFAULT
        # The same image and question are drawn alike, whatever else is in the batch.
        rungs = self._choose(scores, budget, lambda: hash_draws(features))
        return Decision(rungs, scores, self.note(budget), self.outliers(features))

    def outliers(self, features: FloatArray) -> NDArray[np.bool_] | None:
        """Say which rows of features [n, d] are unlike all of the calibration split, shape [n].

        None if the policy was fitted without a reference of the stream.
        """
        reference = self.extras.get("stream")
        return reference.outliers(features) if isinstance(reference, StreamReference) else None

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
        return self._choose(scores, budget or _DEFAULT, lambda: draws)

    def _choose(
        self, scores: FloatArray, budget: Budget, draw: Callable[[], FloatArray | None]
    ) -> IntArray:
        """Choose from scores; ``draw`` is asked only where two prices are mixed."""
        if budget.num_visual_tokens is not None:
            rung = self.ladder.rung_of(budget.num_visual_tokens)
            return np.full(len(scores), rung, dtype=np.int64)
        mix = self.mix_of(budget)
        return choose_mixed(scores, self._relative_costs, mix, draw() if mix.share else None)

    @property
    def risks(self) -> RiskTable:
        """The promises that it was calibrated for."""
        found = self.extras.get("risks")
        return found if isinstance(found, RiskTable) else RiskTable()

    @property
    def rung_tokens(self) -> FloatArray | None:
        """Mean visual tokens of every rung, rising, shape [k]; None where scales say them."""
        found = self.extras.get("rungs")
        return found.tokens if isinstance(found, RungMeans) else None

    @property
    def rung_flops(self) -> FloatArray | None:
        """Mean FLOPs of every rung, likewise; None where a formula gives them."""
        found = self.extras.get("rungs")
        return found.flops if isinstance(found, RungMeans) and found.flops.size else None

    def watch(self, rng: np.random.Generator, *, alpha: float = 0.05) -> "StreamMonitor":
        """Return a monitor that says when requests have left the calibration's range.

        Args:
            rng: breaks ties, which the exactness of the alarm rests on.
            alpha: probability of an alarm, ever, while nothing has changed.

        Raises:
            PolicyError: if the policy was fitted without a reference of the stream.
        """
        from policies.shift import StreamMonitor

        reference = self.extras.get("stream")
        if not isinstance(reference, StreamReference):
            raise PolicyError("the policy knows no range of its calibration split; fit it again")
        return StreamMonitor(reference, rng, alpha=alpha)

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
        if budget.total_visual_tokens is not None:
            raise PolicyError(
                "a policy chooses for one image at a time; a total of visual tokens is split over "
                "a prompt's images by AdaptiveVLM"
            )
        try:
            if budget.risk is not None:
                return PriceMix.single(self.risks.find(budget.risk).price)
            for unit in ("tokens", "flops", "ms"):
                if (mean := getattr(budget, f"mean_{unit}")) is not None:
                    return self.table.mix_for(unit, mean)
        except ValueError as error:
            raise PolicyError(str(error)) from error
        return PriceMix.single(self.prices[DEFAULT_PRICE])

    def note(self, budget: Budget) -> str:
        """Return what the price of a risk does not tell: whose promise it is, or that none held."""
        if budget.risk is None:
            return ""
        found = self.risks.find(budget.risk)
        if found.is_full_scale:
            return f"full scale for all, as no cheaper choice was shown to keep {found.risk}"
        return "" if found.risk == budget.risk else f"as calibrated for {found.risk}"


def _refuse_misfit(predictor: StoredPredictor, num_rungs: int) -> None:
    """Try the predictor on one row: it must have a number for every rung."""
    scores = predictor.predict(np.zeros((1, len(current_schema()))))
    if scores.shape != (1, num_rungs) or not np.isfinite(scores).all():
        raise PolicyError(
            f"a ladder of {num_rungs} rungs needs as many predicted scores, "
            f"got {scores.ravel()[:10].tolist()}"
        )
