"""Images through the vision encoder, one by one, and put together for a batch of prompts."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from budget.families.seen import Seen


@torch.inference_mode()
def encode(encoder: Any, seen: Seen, *, device: torch.device, dtype: torch.dtype) -> Any:
    """Return what ``get_image_features`` gives for one image.

    Args:
        encoder: a model with its head.
        seen: the image.
        device: of the model.
        dtype: of its weights, which pixels take on.
    """
    # The signature of the headless model names what is read; the other one takes anything.
    known = inspect.signature(encoder.base_model.get_image_features).parameters
    given = {
        name: _placed(value, device, dtype) for name, value in seen.tensors.items() if name in known
    }
    return encoder.get_image_features(**given, return_dict=True)


def merge(outputs: Sequence[Any]) -> Any:
    """Return the features of several images as if they had been encoded together.

    Args:
        outputs: what ``encode`` gave for each image.

    Returns:
        An output with ``pooler_output``; with ``deepstack_features`` and with
        ``visual_indicator_features``, which are the same for any image, if the images have any.
    """
    first = outputs[0]
    merged = type(first)() if len(outputs) else BaseModelOutputWithPooling()
    merged.pooler_output = _joined([each.pooler_output for each in outputs])
    deep = getattr(first, "deepstack_features", None)
    if deep is not None:
        layers = zip(*(each.deepstack_features for each in outputs), strict=True)
        merged.deepstack_features = [_joined(list(layer)) for layer in layers]
    marks = getattr(first, "visual_indicator_features", None)
    if marks is not None:
        merged.visual_indicator_features = marks
    return merged


def features_of(output: Any) -> torch.Tensor:
    """Return the visual tokens of one image, shape [n, d]."""
    pooled = output.pooler_output
    flat = torch.cat(list(pooled)) if isinstance(pooled, list | tuple) else pooled
    return flat.reshape(-1, flat.shape[-1])


def _joined(pooled: list[Any]) -> Any:
    if isinstance(pooled[0], list | tuple):
        return [piece for each in pooled for piece in each]
    if len({each.shape[1:] for each in pooled}) > 1:
        # Images of several numbers of tokens, [1, n, d] each; models count and read them in a row.
        return torch.cat([each.flatten(0, -2) for each in pooled])[None]
    return torch.cat(pooled)


def _placed(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    return value.to(device, dtype) if value.is_floating_point() else value.to(device)
