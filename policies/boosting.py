"""What the estimators that boost trees have in common: LightGBM's settings, and when to stop."""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import lightgbm

_TREES_UNTESTED = 50  # at most, of a table too small to hold samples out


class BoostingSettings(Protocol):
    """The settings of an estimator that boosts trees; nothing inherits from this."""

    objective: str
    learning_rate: float
    num_leaves: int
    min_data_in_leaf: int
    feature_fraction: float
    lambda_l2: float
    max_trees: int
    patience: int
    num_threads: int
    random_state: int


def lightgbm_parameters(settings: BoostingSettings) -> dict[str, Any]:
    """Return LightGBM's parameters, such that the same data and seed give the same trees."""
    return {
        "objective": settings.objective,
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves,
        "min_data_in_leaf": settings.min_data_in_leaf,
        "feature_fraction": settings.feature_fraction,
        "lambda_l2": settings.lambda_l2,
        "seed": settings.random_state,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": settings.num_threads,
        "verbosity": -1,
    }


def untested_num_trees(settings: BoostingSettings) -> int:
    """Return how many trees there are where no samples are held out to find it."""
    return min(settings.max_trees, _TREES_UNTESTED)


def best_num_trees(
    settings: BoostingSettings,
    parameters: dict[str, Any],
    train: "lightgbm.Dataset",
    held_out: "lightgbm.Dataset",
) -> int:
    """Return the number of trees, at least 1, with the least loss on samples held out.

    Args:
        settings: the most trees, and the patience.
        parameters: LightGBM's.
        train: what is fitted on.
        held_out: what the loss is of.
    """
    import lightgbm

    stop = lightgbm.early_stopping(settings.patience, verbose=False)
    booster = lightgbm.train(
        parameters, train, settings.max_trees, valid_sets=[held_out], callbacks=[stop]
    )
    return max(1, booster.best_iteration)
