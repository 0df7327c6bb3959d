"""Ways up that a stopping rule takes through samples that were answered at every rung."""

import numpy as np
from numpy.typing import NDArray

from budget.escalation import STOP
from policies.after_answers import AfterAnswers
from policies.answer_features import AnswerSigns
from policies.hull import FloatArray
from policies.stopping import StoppingRule
from policies.tried_rungs import Tries


class Walks:
    """Samples with all their answers, of which a rule sees those it asked for.

    Args:
        after: expected scores once a sample was answered.
        features: shape [n, d].
        before: expected scores before any answer, shape [n, k].
        answers: at every rung.
    """

    def __init__(
        self, after: AfterAnswers, features: FloatArray, before: FloatArray, answers: AnswerSigns
    ) -> None:
        self._after, self._features, self._before = after, features, before
        self._answers = answers
        self._found: dict[int, FloatArray] = {}

    def expected(self, tried: Tries) -> FloatArray:
        """Return expected scores of all samples from the last tried rung up, [n, k - last]."""
        if not tried:
            return self._before
        rung = tried[-1]
        if rung not in self._found:
            answers = self._answers.at(rung)
            self._found[rung] = self._after.predict(self._features, self._before, answers, rung)
        return self._found[rung]

    def take(self, rule: StoppingRule, price: float) -> NDArray[np.bool_]:
        """Return which rungs each sample is answered at, shape [n, k]; the last one stands."""
        visited = np.zeros(self._before.shape, dtype=bool)
        waiting: dict[Tries, NDArray[np.int64]] = {(): np.arange(len(visited))}
        while waiting:
            tried, rows = waiting.popitem()
            if not rule.spending.next_rungs(tried):
                continue
            chosen = rule.choose(self.expected(tried)[rows], tried, price)
            for rung in np.unique(chosen[chosen != STOP]).tolist():
                waiting[(*tried, rung)] = rows[chosen == rung]
                visited[rows[chosen == rung], rung] = True
        return visited
