"""Estimators that guess which scale an image and a question need, and how they are judged."""

from importlib import import_module
from typing import Any

_HOMES = {
    "FAMILIES": "policies.families",
    "Escalation": "policies.escalation",
    "FeatureSchema": "policies.features",
    "FixedPolicy": "policies.fixed",
    "Frontier": "policies.hull",
    "GapMeter": "policies.gaps",
    "GeometryScores": "policies.geometry",
    "LightGBMScores": "policies.scores",
    "OptionPolicy": "policies.option_policy",
    "OptionTable": "policies.option_table",
    "LogisticScores": "policies.logistic",
    "MeanScores": "policies.mean_scores",
    "NeighboursScores": "policies.neighbours",
    "OrdinalScores": "policies.ordinal",
    "PerGroupScores": "policies.per_group",
    "PriceMix": "policies.budget_solver",
    "RandomMixPolicy": "policies.random_mix",
    "RiskTable": "policies.risk_table",
    "ScoreEscalationPolicy": "policies.escalation",
    "ScorePolicy": "policies.lightgbm_policy",
    "ScorePredictor": "policies.scores",
    "StreamMonitor": "policies.shift",
    "StreamReference": "policies.stream_reference",
    "bet_mean_at_most": "policies.bounded_mean",
    "calibrate_risks": "policies.risk_control",
    "choose_rungs": "policies.allocation",
    "evaluate": "policies.evaluation",
    "featurize": "policies.features",
    "fit_score_policy": "policies.pricing",
    "fit_option_policy": "policies.option_policy",
    "fixed_hull": "policies.hull",
    "gap_closed_area": "policies.frontier",
    "gap_closed_at": "policies.frontier",
    "load_option_policy": "policies.option_policy_files",
    "load_policy": "policies.policy_files",
    "meet_budgets": "policies.budget_solver",
    "mix_weights": "policies.group_mix",
    "make_estimator": "policies.families",
    "policy_frontier": "policies.frontier",
    "price_for_accuracy": "policies.allocation",
    "read_option_table": "policies.option_files",
    "save_policy": "policies.policy_files",
    "solve_mix": "policies.budget_solver",
    "solve_price": "policies.allocation",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'policies' has no attribute {name!r}")
