"""A family of models: which they are and how their knob is found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from budget.families.knob import Knob


@dataclass(frozen=True, slots=True)
class Family:
    """Models that share a knob.

    Attributes:
        name: as people call it, e.g. "Qwen2.5-VL".
        model_types: of transformers' configurations.
        knob: returns the knob of a model, from its processor and its configuration.
        needs_torchvision: whether images cannot be read without it.
    """

    name: str
    model_types: tuple[str, ...]
    knob: Callable[[Any, Any], Knob]
    needs_torchvision: bool = False


def image_token_id(config: Any) -> int:
    """Return the id of the placeholder, whatever a configuration calls it."""
    found = getattr(config, "image_token_id", None)
    return int(config.image_token_index if found is None else found)
