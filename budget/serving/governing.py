"""What ``--budget`` means for requests that name none: a budget, or a mean over live traffic."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.budgets import Budget
from budget.errors import one_line
from budget.governor import Governor
from budget.governor_state import read_state, write_state
from budget.risk import parse_risk
from budget.rung_tokens import FloatArray, planned_tokens, told_apart

if TYPE_CHECKING:
    from budget.types import MatryoshkaVLM

POLICY = "policy"
_BUDGETS = {"price": "price", "mean-ms": "mean_ms"}
_MEANS = {"mean-tokens": "tokens", "mean-flops": "flops"}
# A short question and a short answer, to plan with; what answers really cost is settled after.
_QUESTION, _NEW_TOKENS = "What is shown here?", 4


class DefaultBudget(NamedTuple):
    """What a request that says nothing may spend.

    Attributes:
        budget: given to every such request; None is the policy's default, or the governor's price.
        mean: unit ("tokens" or "flops") and value of a mean that a governor holds, or None.
    """

    budget: Budget | None = None
    mean: tuple[Any, float] | None = None


def parse_default(text: str) -> DefaultBudget:
    """Return what ``--budget`` allows.

    Raises:
        ValueError: if it is none of the forms.

    Example:
        >>> parse_default("tokens=36").budget.given, parse_default("mean-tokens=64").mean
        (('num_visual_tokens', 36), ('tokens', 64.0))
    """
    name, _, value = text.partition("=")
    try:
        if text == POLICY:
            return DefaultBudget()
        if name == "risk":
            return DefaultBudget(Budget(risk=parse_risk(value)))
        if name == "tokens":
            return DefaultBudget(Budget(num_visual_tokens=int(value)))
        if name in _MEANS:
            return DefaultBudget(mean=(_MEANS[name], float(value)))
        if name in _BUDGETS:
            number: dict[str, Any] = {_BUDGETS[name]: float(value)}
            return DefaultBudget(Budget(**number))
    except ValueError as problem:
        raise ValueError(f"--budget {text}: {one_line(problem)}") from None
    raise ValueError(
        "--budget must be policy, or one of price=, mean-tokens=, mean-flops=, mean-ms=, risk= and "
        f"tokens= with a value, got {text!r}"
    )


def governor_of(
    wanted: DefaultBudget,
    runner: "MatryoshkaVLM",
    state: Path | None = None,
    *,
    policy: Any = None,
) -> Governor | None:
    """Return what holds the mean that is wanted, None where no mean is.

    Args:
        wanted: what requests that say nothing may spend.
        runner: the model.
        state: file of what an earlier governor remembered; where there is none yet it begins anew.
        policy: that is governed; may know what rungs cost on its calibration split. Costs are
            planned with these means, and settled by what answers really cost.

    Raises:
        ValueError: if no choice of scales can have that mean, or a state is given without one.
        DataError: if the state cannot be read or is of another ladder.
    """
    if wanted.mean is None and state is not None:
        raise ValueError("--governor-state goes with --budget mean-tokens= or mean-flops=")
    if wanted.mean is None:
        return None
    unit, mean = wanted.mean
    costs = planned_tokens(runner, policy) if unit == "tokens" else _planned_flops(runner, policy)
    governor = Governor(costs, mean=mean, unit=unit)
    if state is not None and state.exists():
        governor.restore(read_state(state))
    return governor


def _planned_flops(runner: "MatryoshkaVLM", policy: Any) -> FloatArray:
    known = getattr(policy, "rung_flops", None)
    if known is not None:
        return told_apart(known)
    text = runner.count_text_tokens(_QUESTION)
    return told_apart([runner.cost(m, text, _NEW_TOKENS).flops for m in runner.ladder])


def remember(governor: Governor | None, state: Path | None) -> None:
    """Write what a governor remembers, if there is one and it is to be kept."""
    if governor is not None and state is not None:
        write_state(state, governor.state())
