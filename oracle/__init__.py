"""What the best choice of scale would have been: sweeps, scorers, curves, labels, reports."""

from importlib import import_module
from typing import Any

_HOMES = {
    "Closed": "oracle.closed",
    "Curves": "oracle.curves",
    "Drawn": "oracle.drawn",
    "GreedySplit": "oracle.greedy_split",
    "Labels": "oracle.labels",
    "OracleAccount": "oracle.accounting",
    "SCORERS": "oracle.scoring",
    "account": "oracle.accounting",
    "compare": "oracle.comparison",
    "get_scorer": "oracle.scoring",
    "label": "oracle.labels",
    "load_dataset_columns": "oracle.data",
    "open_samples": "oracle.data",
    "read_curves": "oracle.curves",
    "read_draw_scores": "oracle.draw_scores",
    "read_image_splits": "oracle.image_splits",
    "read_errors": "oracle.run_folder.reading",
    "register_source": "oracle.data",
    "stable_scores": "budget.stable",
    "summarise": "oracle.report",
    "sweep": "oracle.sweeping",
    "sweep_to": "oracle.run_folder.runner",
    "write_curves": "oracle.curves",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import ``name`` from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'oracle' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
