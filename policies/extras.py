"""What a policy may carry beside its predictor, by name, and which module restores it."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from budget.errors import PolicyError

if TYPE_CHECKING:
    from policies.predictor_state import PredictorState

# Name -> the module whose ``restore(state, num_features, num_rungs)`` puts it together. The state's
# kind is the name.
EXTRAS: Mapping[str, str] = {
    "background": "policies.background",
    "escalation": "policies.escalation_state",
    "risks": "policies.risk_table",
    "rungs": "policies.rung_means",
    "stream": "policies.stream_reference",
    "vision": "policies.post_vision",
}


class StoredExtra(Protocol):
    """Something that is saved with a policy; nothing inherits from this."""

    def state(self) -> "PredictorState":
        """Return what it is made of."""
        ...


def restore_extra(state: "PredictorState", num_features: int, num_rungs: int) -> StoredExtra:
    """Return what a state was taken from, after checking the state.

    Raises:
        PolicyError: if no module restores it, or the state is not well formed.
    """
    if state.kind not in EXTRAS:
        raise PolicyError(f"a policy carries no {state.kind!r}; legal are {sorted(EXTRAS)}")
    restored: StoredExtra = import_module(EXTRAS[state.kind]).restore(
        state, num_features, num_rungs
    )
    return restored
