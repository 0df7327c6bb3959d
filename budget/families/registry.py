"""Which family a model is of."""

from typing import Any

from budget.families import (
    cohere_vision,
    gemma,
    glm_v,
    idefics3,
    internvl,
    kimi,
    lfm_vl,
    llava,
    minicpm_v,
    ovis2,
    pinpoints,
    pixtral,
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
    *pixtral.FAMILIES,
    *lfm_vl.FAMILIES,
    *ovis2.FAMILIES,
    *llava.FAMILIES,
    *pinpoints.FAMILIES,
    *pooling.FAMILIES,
    *minicpm_v.FAMILIES,
    *cohere_vision.FAMILIES,
)


def family_of(config: dict[str, Any]) -> Family:
    """Return the family of a model by its ``config.json``; one of its own, or the one for all.

    A family may be one of a model type with a certain vision tower, as ``llava+pixtral``.
    """
    kind = config.get("model_type")
    tower = (config.get("vision_config") or {}).get("model_type")
    kinds = (f"{kind}+{tower}", kind)
    found = (each for kind in kinds for each in FAMILIES if kind in each.model_types)
    return next(found, pooling.ANY)
