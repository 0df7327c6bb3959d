"""The vision tower that an original checkpoint names: a folder beside it, or a hub id."""

from pathlib import Path
from typing import Any

from transformers import CLIPImageProcessorPil, CLIPVisionConfig

from budget.config_files import KNOWN_TOWERS
from budget.errors import ModelError, one_line


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
    if tower in KNOWN_TOWERS:
        return CLIPVisionConfig(**KNOWN_TOWERS[tower])
    try:
        return CLIPVisionConfig.from_pretrained(tower)
    except Exception as error:  # the hub's client and wrong types have dozens of kinds
        raise ModelError(f"cannot read the vision tower {tower}: {one_line(error)}") from error


def tower_processor(folder: Path, raw: dict[str, Any]) -> CLIPImageProcessorPil:
    """Return the image processor of an original checkpoint's vision tower."""
    tower = tower_of(folder, raw)
    if tower in KNOWN_TOWERS:
        side = KNOWN_TOWERS[tower]["image_size"]
        return CLIPImageProcessorPil(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        )
    return CLIPImageProcessorPil.from_pretrained(tower)
