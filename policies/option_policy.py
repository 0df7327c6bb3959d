"""The policy that picks one of several named options for a prompt."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budget.errors import PolicyError
from policies.allocation import IntArray, choose_rungs, price_for_accuracy
from policies.calibration import ALLOWED_DROPS, CalibrationTable, calibrate
from policies.families import make_estimator
from policies.hull import FloatArray
from policies.option_table import OptionTable, mean_costs
from policies.predictor_state import StoredPredictor
from policies.shares import Shares, SplitTable
from policies.text_features import featurize_texts, text_schema

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_PRICE = "no-loss"
_MAX_ROWS = 1_000  # of the calibration table


class OptionDecision(NamedTuple):
    """What was chosen for n prompts.

    Attributes:
        options: name of the chosen option of each prompt, n of them.
        numbers: their places in ``OptionPolicy.options``, shape [n].
        scores: expected score of every option, shape [n, k].
    """

    options: tuple[str, ...]
    numbers: IntArray
    scores: FloatArray


class OptionPolicy:
    """Predict what every option will score and take the one that is worth its mean cost.

    Args:
        options: k names, cheapest on average first.
        predictor: expected scores from the features of ``text_schema(groups)``.
        option_costs: mean cost of every option, rising, shape [k], in the table's unit.
        prices: prices by name, in score per cost of the dearest option; "no-loss" is the default.
        table: what prices led to on the calibration share, in mean real costs.
        feature_sha256: schema that the predictor was fitted on.
        shares: how the table that it was fitted on is divided.
        groups: groups that are features; none by default.

    Raises:
        PolicyError: if the features are of another schema than this version computes, as those of
            images are, an option has no cost or no predicted score, or there is no default price.
    """

    def __init__(
        self,
        *,
        options: Sequence[str],
        predictor: StoredPredictor,
        option_costs: FloatArray,
        prices: Mapping[str, float],
        table: CalibrationTable,
        feature_sha256: str,
        shares: Shares,
        groups: Sequence[str] = (),
    ) -> None:
        schema = text_schema(groups)
        schema.refuse_other(feature_sha256)
        expected = predictor.predict(np.zeros((1, len(schema))))
        if not len(options) == len(option_costs) == expected.shape[1]:
            raise PolicyError(
                f"{len(options)} options need as many costs and predicted scores, "
                f"got {len(option_costs)} and {expected.shape[1]}"
            )
        if DEFAULT_PRICE not in prices:
            raise PolicyError(f"a policy needs a price {DEFAULT_PRICE!r}, got {sorted(prices)}")
        self.options = tuple(options)
        self.predictor = predictor
        self.option_costs = np.asarray(option_costs, dtype=np.float64)
        self.prices = dict(prices)
        self.table = table
        self.feature_sha256 = feature_sha256
        self.groups = tuple(groups)
        self.shares = shares

    def choose(
        self,
        prompts: Sequence[str],
        *,
        groups: Sequence[str] = (),
        price: float | None = None,
        mean_cost: float | None = None,
    ) -> OptionDecision:
        """Choose an option per prompt; without price and budget, at the price named "no-loss".

        Args:
            prompts: n texts.
            groups: n groups, where groups are features.
            price: score per cost of the dearest option, at least 0.
            mean_cost: what a prompt may cost on average, met with the price that met it on the
                calibration share.

        Raises:
            PolicyError: if both a price and a mean are given, or the mean is below what the
                cheapest choices cost.
            ValueError: if the price is negative, or groups are features and are not given.
        """
        scores = self.predict_scores(prompts, groups=groups)
        numbers = choose_rungs(scores, self.option_costs, self.price_of(price, mean_cost))
        return OptionDecision(tuple(self.options[i] for i in numbers), numbers, scores)

    def predict_scores(self, prompts: Sequence[str], *, groups: Sequence[str] = ()) -> FloatArray:
        """Return the expected score of every option, shape [n, k]."""
        if not len(prompts):
            return np.zeros((0, len(self.options)))
        return self.predictor.predict(featurize_texts(prompts, groups=groups, known=self.groups))

    def price_of(self, price: float | None = None, mean_cost: float | None = None) -> float:
        """Return the price that a price, a mean cost or neither comes to.

        Raises:
            PolicyError: if both are given, or the mean is below what the cheapest choices cost.
        """
        if price is not None and mean_cost is not None:
            raise PolicyError(f"give a price or a mean cost, not both: {price:g}, {mean_cost:g}")
        if mean_cost is None:
            return self.prices[DEFAULT_PRICE] if price is None else price
        if mean_cost < self.table.mean_tokens[0] * (1 - 1e-12):
            raise PolicyError(
                f"the mean cost must be at least {self.table.mean_tokens[0]:g}, got {mean_cost:g}"
            )
        return self.table.mix_for("tokens", mean_cost).price

    def save(self, folder: "str | Path") -> None:
        """Write the policy as a folder; ``load_option_policy`` reads it.

        Raises:
            PolicyError: if the folder cannot be written.
        """
        from policies.option_policy_files import save_option_policy

        save_option_policy(self, folder)


def fit_option_policy(
    parts: SplitTable,
    *,
    shares: Shares,
    group_feature: bool = False,
    predictor: Any = None,
) -> OptionPolicy:
    """Fit the predictor on one share of a table, and its prices on another.

    Args:
        parts: the shares; that for tests is not looked at.
        shares: how they came about.
        group_feature: make the groups of the fit share features.
        predictor: an unfitted estimator of ``policies.families``; by default options learn from
            one another (``policies.shared_scores``).
    """
    known = sorted(set(parts.fit.groups)) if group_feature else []
    learner = make_estimator("shared") if predictor is None else predictor
    fitted = learner.fit(_features(parts.fit, known), parts.fit.scores).scores_
    held_out, costs = parts.calibration, mean_costs(parts.fit)
    expected = fitted.predict(_features(held_out, known))
    return OptionPolicy(
        options=parts.fit.options,
        predictor=fitted,
        option_costs=costs,
        prices=prices_against_best(expected, held_out.scores, costs),
        table=_thinned(calibrate(expected, held_out.scores, costs, held_out.costs)),
        feature_sha256=text_schema(known).sha256,
        groups=known,
        shares=shares,
    )


def _features(table: OptionTable, known: Sequence[str]) -> FloatArray:
    return featurize_texts(table.prompts, groups=table.groups, known=known)


def prices_against_best(
    expected: FloatArray, scores: FloatArray, costs: FloatArray
) -> dict[str, float]:
    """Return the price of every allowed drop against the best single option.

    A ladder's full scale is its best; of language models the dearest may not be.

    Args:
        expected: predicted score of every option on a calibration share, shape [n, k].
        scores: real scores there, shape [n, k].
        costs: mean cost of every option, rising, shape [k].
    """
    means = scores.mean(axis=0)
    ahead_of_last = float(means.max() - means[-1])
    return {
        name: price_for_accuracy(expected, scores, costs, drop - ahead_of_last)
        for name, drop in ALLOWED_DROPS.items()
    }


def _thinned(table: CalibrationTable) -> CalibrationTable:
    """Return at most so many rows of a table as are kept in JSON, spread evenly."""
    rows = np.unique(np.linspace(0, len(table.prices) - 1, _MAX_ROWS).astype(np.int64))
    return CalibrationTable(table.prices[rows], table.mean_tokens[rows], table.scores[rows])
