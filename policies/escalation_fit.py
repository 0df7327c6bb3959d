"""Fit a policy that looks at answers and goes up: predictors on one split, the rule on another."""

from typing import NamedTuple

import numpy as np

from budget.ladder import ScaleLadder
from policies.after_answers import AfterAnswers, fit_after_answers, out_of_fold
from policies.answer_features import AnswerSigns
from policies.calibration import calibrate, named_prices
from policies.escalation import KIND, Escalation
from policies.features import current_schema
from policies.hull import FloatArray
from policies.lightgbm_policy import CostUnit, ScorePolicy
from policies.predictor_state import ScoreLearner, StoredPredictor
from policies.rung_means import means_extra
from policies.tried_rungs import Spending
from policies.walk_calibration import calibrate_walks
from policies.walks import Walks


class Answered(NamedTuple):
    """Samples that were answered at every rung.

    Attributes:
        features: shape [n, d].
        answers: at every rung, shape [n, k] each.
        scores: real scores in [0, 1], shape [n, k].
        before: scores that a policy expects before any answer, which was not fitted on these
            samples, shape [n, k]; ``None`` where it is yet to be fitted.
        tokens: visual tokens that they took at every rung, shape [n, k]; ``None`` where they are
            those that are planned.
    """

    features: FloatArray
    answers: AnswerSigns
    scores: FloatArray
    before: FloatArray | None = None
    tokens: FloatArray | None = None

    def paid(self, planned: FloatArray) -> FloatArray:
        """Return the visual tokens of every sample and rung, shape [n, k].

        Args:
            planned: of every rung, shape [k].
        """
        return np.broadcast_to(planned if self.tokens is None else self.tokens, self.scores.shape)


class Predictors(NamedTuple):
    """What is expected before and after answers.

    Attributes:
        before: from the features alone.
        after: once a sample was answered.
    """

    before: StoredPredictor
    after: AfterAnswers

    def walks(self, samples: Answered) -> Walks:
        """Return samples as a rule sees them."""
        before = samples.before
        if before is None:
            before = self.before.predict(samples.features)
        return Walks(self.after, samples.features, before, samples.answers)


def question_columns() -> list[int]:
    """Return the columns of the features that say what a question asks for."""
    names = current_schema().names
    return [i for i, name in enumerate(names) if name.startswith("asks_") or name == "num_options"]


def after_estimator(*, seed: int = 0, num_threads: int = 1) -> ScoreLearner:
    """Return an unfitted predictor for after an answer: few columns, so small trees and few."""
    from policies.scores import LightGBMScores

    return LightGBMScores(
        learning_rate=0.08,
        num_leaves=8,
        min_data_in_leaf=60,
        feature_fraction=0.7,
        max_trees=80,
        patience=80,
        random_state=seed,
        num_threads=num_threads,
    )


def fit_predictors(
    estimator: ScoreLearner,
    samples: Answered,
    *,
    after: ScoreLearner | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Predictors:
    """Fit what is expected before and after answers.

    Args:
        estimator: of a family; clones of it are fitted, on all samples and on all but each fold.
        samples: to learn from.
        after: of a family, for what is expected after an answer; :func:`after_estimator` by
            default.
        folds: parts of the samples, so that models after an answer learn from expectations as
            good as they will be of new samples.
        seed: of the folds.
    """
    from sklearn.base import clone

    before = out_of_fold(estimator, samples.features, samples.scores, folds=folds, seed=seed)
    looking = fit_looking(samples._replace(before=before), after or after_estimator(seed=seed))
    return Predictors(clone(estimator).fit(samples.features, samples.scores).scores_, looking)


def fit_looking(samples: Answered, estimator: ScoreLearner) -> AfterAnswers:
    """Fit what is expected after answers, on samples whose ``before`` is known.

    Raises:
        ValueError: if it is not.
    """
    if samples.before is None:
        raise ValueError("what is expected before answers must be known, it is None")
    return fit_after_answers(
        estimator,
        samples.features,
        samples.before,
        samples.answers,
        samples.scores,
        question_columns(),
    )


def fit_escalation(
    predictors: Predictors, samples: Answered, spending: Spending, tokens: FloatArray
) -> Escalation:
    """Learn when to stop, and what each price leads to.

    Args:
        predictors: fitted on other samples.
        samples: of the calibration split.
        spending: what tries cost and which may follow.
        tokens: planned visual tokens of every rung, shape [k].
    """
    walks = predictors.walks(samples)
    found = calibrate_walks(walks, samples.scores, samples.paid(tokens), spending)
    return Escalation(
        after=predictors.after, rule=found.rule, prices=found.prices, table=found.table
    )


def policy_with(
    predictors: Predictors,
    escalation: Escalation,
    samples: Answered,
    ladder: ScaleLadder,
    *,
    costs: FloatArray,
    cost_unit: CostUnit,
) -> ScorePolicy:
    """Return a policy that chooses before any answer, and carries what it takes to go up after.

    Args:
        predictors: fitted on other samples.
        escalation: what is carried.
        samples: of the calibration split.
        ladder: the model's scales.
        costs: of an answer at every rung, shape [k].
        cost_unit: of the costs.
    """
    expected = samples.before
    if expected is None:
        expected = predictors.before.predict(samples.features)
    tokens = samples.paid(np.array(ladder.scales, dtype=np.float64))
    return ScorePolicy(
        ladder=ladder,
        predictor=predictors.before,
        rung_costs=costs,
        cost_unit=cost_unit,
        prices=named_prices(expected, samples.scores, costs),
        table=calibrate(expected, samples.scores, costs, tokens),
        feature_sha256=current_schema().sha256,
        extras={KIND: escalation, **means_extra(ladder.scales, tokens)},
    )
