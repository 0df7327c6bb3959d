"""What an evaluation comes to, in few numbers: the line of JSON."""

import math
from collections.abc import Mapping
from typing import Any

from policies.equal_cost import LEADS
from policies.metrics_table import Table
from policies.rules import CEILING, PER_GROUP, RANDOM_MIX

_RANGE = {
    "gap_closed_stable": "gap_closed_stable",
    "gap_closed_any": "gap_closed_any",
    "gap_closed_expected": "gap_closed_expected",
    "gap_closed_stable_over_per_group": "gap_closed_stable_over_per_group",
    "tokens_share_within_half_point": "tokens_share_half_point",
    "share_of_ceiling": "share_of_ceiling",
}


def summarise(table: Table, policy: str) -> dict[str, Any]:
    """Return the figures of one policy by name; NaN is left for JSON to call null.

    Every ``X`` of the range has its interval beside it as ``X_low`` and ``X_high``.

    Args:
        table: what was measured.
        policy: its label.
    """
    found: dict[str, Any] = {}
    for name, metric in _RANGE.items():
        value, low, high, _ = table.get(policy, metric)
        found |= {name: value, f"{name}_low": low, f"{name}_high": high}
    for baseline, key in ((PER_GROUP, "per_group"), (RANDOM_MIX, "random_mix")):
        won, significantly = budgets_won(table, policy, LEADS[baseline])
        found |= {
            f"budgets_won_against_{key}": won,
            f"budgets_won_significantly_against_{key}": significantly,
        }
    found["budgets_won_significantly"] = found["budgets_won_significantly_against_per_group"]
    for name, rule in (("ceiling", CEILING), ("per_group", PER_GROUP)):
        for oracle in ("stable", "any"):
            metric = f"gap_closed_{oracle}"
            found[f"{name}_{metric}"] = table.get(rule, metric).value
    for name, metric in (
        ("tokens_share_within_half_point_calibrated", "half_point_tokens_share"),
        ("accuracy_lost_within_half_point_calibrated", "half_point_accuracy_lost"),
    ):
        found[name] = table.get(policy, metric).value
    found["at_budgets"] = [_at(table, policy, budget) for budget in table.budgets]
    return found


def budgets_won(table: Table, policy: str, metric: str) -> tuple[int | None, int | None]:
    """Return at how many budgets a policy leads, and at how many the interval is above zero.

    ``None`` where there is no such baseline.
    """
    leads = [table.get(policy, metric, budget) for budget in table.budgets]
    if all(math.isnan(lead.value) for lead in leads):
        return None, None
    return sum(lead.value > 0 for lead in leads), sum(lead.low > 0 for lead in leads)


def _at(table: Table, policy: str, budget: float) -> Mapping[str, float]:
    names = (
        "accuracy",
        "gap_closed_stable",
        "gap_closed_any",
        *LEADS.values(),
        "over_best_baseline",
        "calibrated_tokens",
        "calibrated_accuracy",
    )
    return {"budget": budget, **{name: table.get(policy, name, budget).value for name in names}}
