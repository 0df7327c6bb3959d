"""Load a model of any family that transformers knows, with its knob."""

from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    AutoModelForImageTextToText,
    __version__,
)

from budget.checkpoints import load_checked
from budget.errors import ModelError
from budget.families.processors import load_processor
from budget.families.registry import family_of
from budget.families.runner import KnobRunner
from budget.ladder import ScaleLadder


def load_family(
    folder: Path,
    raw: dict[str, Any],
    *,
    name: str,
    ladder: Sequence[int] | ScaleLadder | None,
    device: str | torch.device | None,
    dtype: torch.dtype | str,
    placement: Mapping[str, Any],
) -> KnobRunner:
    """Load a model from a folder.

    Args:
        folder: of the model.
        raw: its ``config.json``.
        name: for reports.
        ladder: caps to run at; the family's by default.
        device: where it runs; the CPU by default.
        dtype: of the weights.
        placement: further arguments of ``from_pretrained``.

    Raises:
        ModelError: if transformers does not know the model, its weights do not fit, its processor
            needs what is missing, or nothing sets its visual tokens.
        ValueError: if a cap of ``ladder`` cannot be kept.
    """
    check_kind(folder, raw.get("model_type"))
    processor = load_processor(folder)
    model = load_checked(AutoModelForImageTextToText, folder, folder, dtype=dtype, **placement)
    if not hasattr(model.base_model, "get_image_features"):
        raise ModelError(f"{type(model).__name__} of {folder} gives no image features")
    if "mm_encoder_outputs" not in signature(model.forward).parameters:
        raise ModelError(f"{type(model).__name__} of {folder} takes no image features")
    return KnobRunner(
        model if placement.get("device_map") else model.to(device or "cpu"),
        processor,
        family_of(raw),
        name=name,
        ladder=None if ladder is None else ScaleLadder(tuple(ladder)),
    )


def check_kind(folder: Path, kind: Any) -> None:
    """Refuse what is no vision-language model, or none that this transformers knows.

    Args:
        folder: of the model.
        kind: its ``model_type``.

    Raises:
        ModelError: if it is not.
    """
    if not isinstance(kind, str):
        raise ModelError(f"{folder / 'config.json'} names no model_type, got {kind!r}")
    if kind not in CONFIG_MAPPING:
        raise ModelError(
            f"transformers {__version__} does not know the model type {kind!r} of {folder}; "
            "a newer one may"
        )
    if CONFIG_MAPPING[kind] not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise ModelError(f"{folder} is no vision-language model: its model type is {kind!r}")
