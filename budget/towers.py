"""The vision tower that an original checkpoint names: a folder beside it, or a hub id."""

from pathlib import Path
from typing import Any

from transformers import CLIPImageProcessorPil, CLIPVisionConfig

from budget.errors import ModelError

# The tower of the released M3 and MQT models, whose M3 checkpoints hold its weights: with its
# sizes known, nothing of it needs to be fetched. From the model's own configuration files.
_KNOWN: dict[str, dict[str, int]] = {
    "openai/clip-vit-large-patch14-336": {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "projection_dim": 768,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 336,
        "patch_size": 14,
    }
}


def tower_of(folder: Path, raw: dict[str, Any]) -> str:
    """Return where the vision tower of an original checkpoint lies: a folder or a hub id.

    Raises:
        ModelError: if the configuration names none.
    """
    name = raw.get("mm_vision_tower")
    if not isinstance(name, str):
        raise ModelError(f"{folder / 'config.json'} names no mm_vision_tower, got {name!r}")
    inside = folder / name
    return str(inside) if inside.is_dir() else name


def tower_config(folder: Path, raw: dict[str, Any]) -> CLIPVisionConfig:
    """Return the configuration of an original checkpoint's vision tower.

    Raises:
        ModelError: if it cannot be read.
    """
    tower = tower_of(folder, raw)
    if tower in _KNOWN:
        return CLIPVisionConfig(**_KNOWN[tower])
    try:
        return CLIPVisionConfig.from_pretrained(tower)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"cannot read the vision tower {tower}: {reason}") from error


def tower_processor(folder: Path, raw: dict[str, Any]) -> CLIPImageProcessorPil:
    """Return the image processor of an original checkpoint's vision tower."""
    tower = tower_of(folder, raw)
    if tower in _KNOWN:
        side = _KNOWN[tower]["image_size"]
        return CLIPImageProcessorPil(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        )
    return CLIPImageProcessorPil.from_pretrained(tower)
