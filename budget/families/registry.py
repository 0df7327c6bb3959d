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
    *llava.FAMILIES,
    *qwen_vl.FAMILIES,
    *glm_v.FAMILIES,
    *gemma.FAMILIES,
    *kimi.FAMILIES,
    *idefics3.FAMILIES,
    *internvl.FAMILIES,
    *pixtral.FAMILIES,
    *lfm_vl.FAMILIES,
    *ovis2.FAMILIES,
    *pinpoints.FAMILIES,
    *pooling.FAMILIES,
    *minicpm_v.FAMILIES,
    *cohere_vision.FAMILIES,
)


def family_of(config: dict[str, Any]) -> Family:
    """Return the family of a model by its ``config.json``; one of its own, or the one for all.

    A family may be one of a model type with a certain vision tower, as ``llava+pixtral``, or one
    that was trained for several scales, ``llava+matryoshka``.
    """
    kind = config.get("model_type")
    tower = (config.get("vision_config") or {}).get("model_type")
    trained = "matryoshka" if config.get("matryoshka_vis_token_scale") else None
    kinds = (f"{kind}+{trained}", f"{kind}+{tower}", kind)
    found = (each for kind in kinds for each in FAMILIES if kind in each.model_types)
    return next(found, pooling.ANY)
