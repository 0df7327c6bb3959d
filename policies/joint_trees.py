"""One LightGBM model over (features, rung), asked for all rungs at once."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from policies.hull import FloatArray
from policies.lightgbm_text import Model, Tree, format_model
from policies.packed_trees import PackedTrees, can_pack

if TYPE_CHECKING:
    import lightgbm

_ROWS = 64  # that are worked on together


class JointTrees:
    """Sums of the trees of a model whose last column is the rung.

    The tests on features are the same for all rungs and those on the rung the same for all
    samples: each is made once, and the leaves that both leave over are looked up. Trees of more
    than 16 leaves are left to LightGBM, one row per sample and rung.

    Args:
        model: checked, for d + 1 columns.
        num_rungs: k; the rung's column holds 0 to k - 1.
    """

    def __init__(self, model: Model, num_rungs: int) -> None:
        self.model = model
        self.num_rungs = num_rungs
        self._packed = PackedTrees([_always_left(model, rung=True)]) if can_pack([model]) else None
        table = np.zeros((num_rungs, model.num_features))
        table[:, -1] = np.arange(num_rungs)
        if self._packed is not None:
            self._rung_leaves = PackedTrees([_always_left(model, rung=False)]).left_over(table)

    def sums(self, X: FloatArray) -> FloatArray:
        """Return the sum of the trees at every rung, shape [n, k], of features [n, d]."""
        if self._packed is None or not np.isfinite(X).all():
            return self._sums_by_lightgbm(X)
        parts = [self._sums(self._packed, X[i : i + _ROWS]) for i in range(0, len(X), _ROWS)]
        return np.concatenate([np.zeros((0, self.num_rungs)), *parts])

    def _sums(self, packed: PackedTrees, X: FloatArray) -> FloatArray:
        # No test looks at the rung's column here, and X has none: column 0 stands in for it.
        leaves = packed.left_over(X)[:, None, :] & self._rung_leaves
        return packed.leaf_sums(leaves)[..., 0]

    def _sums_by_lightgbm(self, X: FloatArray) -> FloatArray:
        sums = self._booster.predict(with_rungs(X, self.num_rungs), raw_score=True, num_threads=1)
        return np.asarray(sums, dtype=np.float64).reshape(len(X), self.num_rungs)

    @cached_property
    def _booster(self) -> "lightgbm.Booster":
        import lightgbm

        return lightgbm.Booster(model_str=format_model(self.model))


def with_rungs(X: FloatArray, num_rungs: int) -> FloatArray:
    """Return a row per sample and rung, the rung in the last column, shape [n * k, d + 1].

    Example:
        >>> with_rungs(np.array([[7.0]]), 2).tolist()
        [[7.0, 0.0], [7.0, 1.0]]
    """
    rungs = np.tile(np.arange(num_rungs, dtype=np.float64), len(X))
    return np.column_stack([np.repeat(X, num_rungs, axis=0), rungs])


def _always_left(model: Model, *, rung: bool) -> Model:
    """Return the model with all tests on the rung (or all others) made to pass."""
    column = str(model.num_features - 1)
    return model._replace(trees=tuple(_passing(tree, column, rung) for tree in model.trees))


def _passing(tree: Tree, column: str, rung: bool) -> Tree:
    tests = zip(tree.split_feature.split(), tree.threshold.split(), strict=True)
    kept = [("0", "inf") if (split == column) == rung else (split, at) for split, at in tests]
    columns, thresholds = zip(*kept, strict=True) if kept else ((), ())
    return tree._replace(split_feature=" ".join(columns), threshold=" ".join(thresholds))
