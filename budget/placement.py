"""Where and how a model's weights are kept: devices, quantised matrices, attention kernels."""

from importlib.util import find_spec
from typing import Any

import torch

from budget.errors import ModelError

ATTENTIONS = ("sdpa", "eager", "flash_attention_2")
# What the language model's answers hang on most and what is small beside it stays as it is.
# These are matched from the start of a module's name.
_UNQUANTISED = ("model.vision_tower", "model.multi_modal_projector", "lm_head")


def placement_of(
    device: str | torch.device | None = None,
    device_map: str | dict[str, Any] | None = None,
    quantize: int | None = None,
    attention: str | None = None,
) -> dict[str, Any]:
    """Return the arguments of ``from_pretrained`` for the given wishes.

    Args:
        device: one device that the model is moved to after loading.
        device_map: spread the model over devices instead.
        quantize: bits of the language model's matrices, 8 or 4.
        attention: one of ``ATTENTIONS``.

    Raises:
        ModelError: naming the package that is missing.
        ValueError: if a value is not legal, or if settings contradict.

    Example:
        >>> placement_of(attention="eager")
        {'attn_implementation': 'eager'}
    """
    arguments: dict[str, Any] = {}
    if device is not None and device_map is not None:
        raise ValueError(f"give device or device_map, not both: {device!r} and {device_map!r}")
    if device_map is not None:
        _need("accelerate", "device_map")
        arguments["device_map"] = device_map
    if quantize is not None:
        arguments["quantization_config"] = _quantization(quantize)
        # Quantised matrices cannot be moved any more, so they are loaded where they will stay.
        arguments.setdefault("device_map", {"": device or "cpu"})
    if attention is not None:
        if attention not in ATTENTIONS:
            raise ValueError(f"attention must be one of {', '.join(ATTENTIONS)}, got {attention!r}")
        if attention == "flash_attention_2":
            _need("flash_attn", "attention='flash_attention_2'")
        arguments["attn_implementation"] = attention
    return arguments


def check_device(name: str | torch.device) -> torch.device:
    """Return a device that can be used here.

    Raises:
        ValueError: if there is no such device.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"device {str(name)!r} cannot be used here: {reason}") from error
    return device


def _quantization(bits: int) -> Any:
    if bits not in (4, 8):
        raise ValueError(f"quantize must be 8 or 4 (bits), got {bits!r}")
    _need("bitsandbytes", "quantize")
    _need("accelerate", "quantize")
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_8bit=bits == 8,
        load_in_4bit=bits == 4,
        llm_int8_skip_modules=list(_UNQUANTISED),
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _need(package: str, setting: str) -> None:
    if find_spec(package) is None:
        raise ModelError(f"{setting} needs the package {package}, which is not installed")
