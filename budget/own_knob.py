"""What sets the visual tokens of models that take their number themselves: M3, MQT, stock LLaVA."""

from typing import Any, NamedTuple

LOSSY = (
    "not trained for fewer visual tokens and so lossy: features of the full grid are averaged to "
    "a smaller one, which the model has never seen; measure what it loses before relying on it"
)


class OwnKnob(NamedTuple):
    """A knob as ``budget.families.knob.Knob`` describes it, of a model without a processor's.

    Attributes:
        name: as users of the model know it.
        ladder: scales that the model is run at.
        note: what users must know of it; empty if nothing.
    """

    name: str
    ladder: tuple[int, ...]
    note: str = ""


def note_of(model: Any) -> str:
    """Return what users must know of a model's knob; empty if nothing, or if it has none."""
    note: str = getattr(getattr(model, "knob", None), "note", "")
    return note
