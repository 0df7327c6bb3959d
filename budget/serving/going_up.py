"""A server whose policy looks at answers and goes up: what ``--escalate`` makes of the flags."""

from typing import TYPE_CHECKING, Any, cast

from budget.budgets import Budget
from budget.errors import PolicyError
from budget.escalating import EscalatingVLM
from budget.serving.governing import DefaultBudget
from budget.trust import GuardedPolicy

if TYPE_CHECKING:
    from budget.llava import LlavaRunner
    from budget.types import MatryoshkaVLM


def going_up(runner: "MatryoshkaVLM", guarded: GuardedPolicy, bound: float) -> EscalatingVLM:
    """Return the model with the guarded policy's own way of going up.

    Args:
        runner: the model.
        guarded: with the policy inside; its fallback is taken where going up fails at the start.
        bound: share of the full scale's FLOPs that a sample may take beyond them.

    Raises:
        ModelError: if the model is neither M3 nor MQT.
        PolicyError: if the policy was not fitted to look at answers.
    """
    policy: Any = guarded.policy
    if not hasattr(policy, "escalating"):
        raise PolicyError(
            "--escalate needs a policy that was fitted to look at answers; "
            "'budget policy escalate --out' fits one"
        )
    return EscalatingVLM(
        cast("LlavaRunner", runner),
        policy.escalating(),
        bound=bound,
        fallback_rung=guarded.fallback_rung,
    )


def calibrated(wanted: DefaultBudget) -> Budget | None:
    """Return the budget that stands for what is wanted where there is no governor.

    A mean is then met as on the calibration split, not adjusted over live traffic.
    """
    if wanted.mean is None:
        return wanted.budget
    unit, value = wanted.mean
    mean: dict[str, Any] = {f"mean_{unit}": value}
    return Budget(**mean)
