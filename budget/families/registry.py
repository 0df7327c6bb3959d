"""Which family a model is of."""

from typing import Any

from budget.families import (
    gemma,
    glm_v,
    idefics3,
    internvl,
    kimi,
    llava,
    pinpoints,
    pooling,
    qwen_vl,
)
from budget.families.family import Family

FAMILIES: tuple[Family, ...] = (
    *qwen_vl.FAMILIES,
    *glm_v.FAMILIES,
    *gemma.FAMILIES,
    *kimi.FAMILIES,
    *idefics3.FAMILIES,
    *internvl.FAMILIES,
    *llava.FAMILIES,
    *pinpoints.FAMILIES,
    *pooling.FAMILIES,
)


def family_of(config: dict[str, Any]) -> Family:
    """Return the family of a model by its ``config.json``; one of its own, or the one for all."""
    kind = config.get("model_type")
    return next((each for each in FAMILIES if kind in each.model_types), pooling.ANY)
