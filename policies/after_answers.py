"""Expected scores once a sample was answered: of the answer in hand and of every rung above it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from budget.errors import PolicyError
from policies.answer_features import ANSWER_NAMES, AnswerSigns, answer_features
from policies.families import restore_predictor
from policies.hull import FloatArray
from policies.predictor_state import PredictorState, StoredPredictor
from policies.state_checks import Settings, refuse_other_names, settings_of

if TYPE_CHECKING:
    from policies.predictor_state import ScoreLearner

_KIND = "after_answers"
_ODDS_LIMIT = 1e-4  # probabilities are cut there, so that their log odds stay numbers


class _Settings(Settings):
    columns: list[int]


class AfterAnswers:
    """One predictor per rung that a sample can be at: scores of that rung and of all above.

    It sees the log odds that were expected before any answer, a few columns of the features, and
    what the answer says about itself.

    Args:
        predictors: for each rung but the last, expected scores at that rung and above.
        columns: which columns of the features are seen.
    """

    def __init__(self, predictors: Sequence[StoredPredictor], columns: Sequence[int]) -> None:
        self.predictors = tuple(predictors)
        self.columns = [int(column) for column in columns]

    def predict(
        self, features: FloatArray, before: FloatArray, answers: AnswerSigns, rung: int
    ) -> FloatArray:
        """Return expected scores from a rung up, shape [n, k - rung].

        Args:
            features: shape [n, d].
            before: scores that were expected before any answer, shape [n, k].
            answers: at that rung, shape [n].
            rung: any but the last.
        """
        table = _table(features[:, self.columns], before, answers)
        return self.predictors[rung].predict(table)

    def state(self) -> PredictorState:
        """Return what it is made of: a part per rung."""
        parts = {f"rung_{i}": each.state() for i, each in enumerate(self.predictors)}
        return PredictorState(_KIND, {"columns": self.columns}, parts=parts)


def _table(features: FloatArray, before: FloatArray, answers: AnswerSigns) -> FloatArray:
    share = np.clip(before, _ODDS_LIMIT, 1 - _ODDS_LIMIT)
    return np.hstack([np.log(share / (1 - share)), features, answer_features(answers)])


def fit_after_answers(
    estimator: "ScoreLearner",
    features: FloatArray,
    before: FloatArray,
    answers: AnswerSigns,
    scores: FloatArray,
    columns: Sequence[int],
) -> AfterAnswers:
    """Fit the predictors on samples that were answered at every rung.

    Args:
        estimator: of a family; a clone of it is fitted per rung.
        features: shape [n, d].
        before: scores expected of each sample by a predictor that was not fitted on it, [n, k].
        answers: at every rung, shape [n, k].
        scores: real scores in [0, 1], shape [n, k].
        columns: which columns of the features are seen.
    """
    from sklearn.base import clone

    picked = features[:, list(columns)]
    predictors = []
    for rung in range(scores.shape[1] - 1):
        table = _table(picked, before, answers.at(rung))
        predictors.append(clone(estimator).fit(table, scores[:, rung:]).scores_)
    return AfterAnswers(predictors, columns)


def out_of_fold(
    estimator: "ScoreLearner", X: FloatArray, y: FloatArray, *, folds: int = 5, seed: int = 0
) -> FloatArray:
    """Return scores that are expected of each sample by models fitted on the others, [n, k].

    Args:
        estimator: of a family; clones of it are fitted.
        X: features, shape [n, d].
        y: real scores, shape [n, k].
        folds: parts that the samples are split into, at least 2 and at most n.
        seed: of the split.
    """
    from sklearn.base import clone

    if not 2 <= folds <= len(X):
        raise ValueError(f"folds must be from 2 to {len(X)}, the samples; got {folds}")
    fold = np.random.default_rng(seed).permutation(len(X)) % folds
    expected = np.empty(y.shape)
    for part in range(folds):
        held_out = fold == part
        fitted = clone(estimator).fit(X[~held_out], y[~held_out]).scores_
        expected[held_out] = fitted.predict(X[held_out])
    return expected


def restore(state: PredictorState, num_features: int, num_rungs: int) -> AfterAnswers:
    """Return what a state was taken from that :meth:`AfterAnswers.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    if state.kind != _KIND:
        raise PolicyError(f"what follows an answer must be {_KIND!r}, got {state.kind!r}")
    columns = settings_of(state, _Settings).columns
    names = [f"rung_{i}" for i in range(num_rungs - 1)]
    refuse_other_names(state, parts=names)
    if any(not 0 <= column < num_features for column in columns):
        raise PolicyError(f"{_KIND}: columns must be of {num_features} features, got {columns}")
    width = num_rungs + len(columns) + len(ANSWER_NAMES)
    parts = [state.parts[name] for name in names]
    return AfterAnswers(
        [restore_predictor(part, width, num_rungs - i) for i, part in enumerate(parts)], columns
    )
