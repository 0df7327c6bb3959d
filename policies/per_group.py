"""The per-group baseline: one fixed scale per dataset or question group."""

from collections.abc import Sequence

import numpy as np

from policies.hull import FloatArray


class PerGroupScores:
    """Expects of every sample its group's mean score; an unknown group gets the mean of all.

    Choosing by these scores at a price gives every group the fixed scale that is best for it, so
    the baseline's frontier is that of any other predictor. The group must be known in advance.

    Attributes:
        means: mean score of each group, each [k].
        overall: mean score over all samples, [k].
    """

    def __init__(self) -> None:
        self.means: dict[str, FloatArray] = {}
        self.overall: FloatArray = np.zeros(0)

    def fit(self, groups: Sequence[str], scores: FloatArray) -> "PerGroupScores":
        """Learn the mean scores.

        Args:
            groups: group of each sample, shape [n].
            scores: scores of every rung, shape [n, k].

        Raises:
            ValueError: if there are no samples or not one group per row of scores.
        """
        names, scores = np.asarray(groups).astype(str), np.asarray(scores, dtype=np.float64)
        if scores.ndim != 2 or len(names) != len(scores) or not len(scores):
            raise ValueError(
                f"scores [n, k] and groups [n] are needed, got {scores.shape} and {names.shape}"
            )
        self.overall = scores.mean(axis=0)
        self.means = {str(g): scores[names == g].mean(axis=0) for g in np.unique(names)}
        return self

    def predict(self, groups: Sequence[str]) -> FloatArray:
        """Return the expected score of every rung, shape [n, k].

        Raises:
            ValueError: if it was not fitted.
        """
        if not self.overall.size:
            raise ValueError("per-group scores must be fitted before they predict")
        rows = [self.means.get(str(group), self.overall) for group in groups]
        return np.array(rows).reshape(len(rows), len(self.overall))
