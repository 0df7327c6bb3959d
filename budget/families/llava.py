"""LLaVA and what was made of it: M3 and MQT are trained for any scale, stock LLaVA is averaged."""

from pathlib import Path
from typing import Any

from budget.families.family import Family
from budget.families.pooling import generic_knob
from budget.json_files import read_json

# Others than CLIP's come here too and are served by what serves any model.
FAMILIES = (
    Family("M3", ("llava+matryoshka", "llava_llama"), generic_knob),
    Family("MQT", ("mqt_llava",), generic_knob),
    Family("LLaVA-1.5", ("llava",), generic_knob),
)
_CLIP = "clip_vision_model"


def is_clip_llava(folder: Path, config: dict[str, Any]) -> bool:
    """Return whether a LLaVA checkpoint is of the make that M3 is: CLIP's patches, read by its own.

    Args:
        folder: of the checkpoint.
        config: its ``config.json``, of model type ``llava``.
    """
    # What a configuration leaves out is as in LLaVA-1.5.
    tower = (config.get("vision_config") or {}).get("model_type", _CLIP)
    strategy = config.get("vision_feature_select_strategy", "default")
    reads = _image_processor(folder)
    return tower == _CLIP and strategy == "default" and (reads or "CLIP").startswith("CLIP")


def _image_processor(folder: Path) -> str | None:
    """Return what a folder calls its image processor; None if it does not say."""
    whole, apart = folder / "processor_config.json", folder / "preprocessor_config.json"
    found = read_json(whole).get("image_processor") if whole.is_file() else None
    if found is None and apart.is_file():
        found = read_json(apart)
    named = (found or {}).get("image_processor_type")
    return None if named is None else str(named)
