"""Estimators that guess which scale an image and a question need, and how they are judged."""

from importlib import import_module
from typing import Any

_HOMES = {
    "Escalation": "policies.escalation",
    "FeatureSchema": "policies.features",
    "FixedPolicy": "policies.fixed",
    "Frontier": "policies.hull",
    "GapMeter": "policies.gaps",
    "LightGBMScores": "policies.scores",
    "PerGroupScores": "policies.per_group",
    "RandomMixPolicy": "policies.random_mix",
    "ScoreEscalationPolicy": "policies.escalation",
    "ScorePolicy": "policies.lightgbm_policy",
    "ScorePredictor": "policies.scores",
    "choose_rungs": "policies.allocation",
    "evaluate": "policies.evaluation",
    "featurize": "policies.features",
    "fit_score_policy": "policies.lightgbm_policy",
    "fixed_hull": "policies.hull",
    "gap_closed_area": "policies.frontier",
    "gap_closed_at": "policies.frontier",
    "load_policy": "policies.policy_files",
    "policy_frontier": "policies.frontier",
    "price_for_accuracy": "policies.allocation",
    "save_policy": "policies.policy_files",
    "solve_price": "policies.allocation",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'policies' has no attribute {name!r}")
