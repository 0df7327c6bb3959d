"""Checkpoints in the original LLaVA key layout (model type ``llava_llama``).

The original M3 and MQT code writes keys such as ``model.mm_projector.0.weight`` or
``model.query_abstractor.query``, a SentencePiece tokenizer, and keeps the vision tower apart.
"""

import re
from pathlib import Path
from typing import Any

import torch
from transformers import (
    CLIPVisionModel,
    GenerationConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from budget.errors import ModelError, one_line
from budget.json_files import read_json
from budget.mqt import MqtLlavaConfig, MqtLlavaForConditionalGeneration
from budget.towers import tower_config, tower_of
from budget.weights import Lazy, dtype_of, listed, main_dtype, open_weights, shape_of

_RENAMES = (
    (r"^model\.vision_tower\.vision_tower\.(vision_model\.)?", "model.vision_tower."),
    (r"^model\.mm_projector\.0\.", "model.multi_modal_projector.linear_1."),
    (r"^model\.mm_projector\.2\.", "model.multi_modal_projector.linear_2."),
    (r"^model\.query_abstractor\.", "model.multi_modal_projector."),
    (r"^model\.(embed_tokens|layers|norm)\.", r"model.language_model.\1."),
)
_RECOMPUTED = ("rotary_emb.inv_freq", "embeddings.position_ids")
_TEXT_KEYS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "max_position_embeddings",
    "initializer_range",
    "rms_norm_eps",
    "rope_theta",
    "rope_scaling",
    "attention_bias",
    "attention_dropout",
    "mlp_bias",
    "tie_word_embeddings",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
)
_KEPT_KEYS = (
    "image_aspect_ratio",
    "image_grid_pinpoints",
    "matryoshka_vis_token_scale",
    "matryoshka_ladder",
)
_ASPECTS = (None, "square", "pad", "anyres")
_EMBEDDINGS = "model.language_model.embed_tokens.weight"
ORIGINAL_MQT_HEADS = 16


def rename_keys(state: dict[str, Lazy]) -> dict[str, Lazy]:
    """Return the weights under the names of the transformers classes.

    Raises:
        ModelError: if two weights get the same name.

    Example:
        >>> list(rename_keys({"model.mm_projector.2.bias": torch.zeros(1)}))
        ['model.multi_modal_projector.linear_2.bias']
    """
    renamed = {}
    for key, value in state.items():
        if key.endswith(_RECOMPUTED):
            continue
        for pattern, replacement in _RENAMES:
            key, changed = re.subn(pattern, replacement, key)
            if changed:
                break
        if key in renamed:
            raise ModelError(f"two weights of the checkpoint have the name {key}")
        renamed[key] = value
    return renamed


def original_config(
    folder: Path, raw: dict[str, Any], state: dict[str, Lazy], num_heads: int | None
) -> LlavaConfig:
    """Return the transformers configuration of an original checkpoint.

    Args:
        folder: the checkpoint.
        raw: its config.json.
        state: its weights under their new names.
        num_heads: heads of an MQT resampler, which its config.json does not say.

    Raises:
        ModelError: if the checkpoint uses something that is not supported.
    """
    _check_supported(folder, raw)
    select = raw.get("mm_vision_select_feature", "patch")
    text = {k: raw[k] for k in _TEXT_KEYS if raw.get(k) is not None}
    if _EMBEDDINGS in state:
        # Tokens that were added after the configuration was written have rows here.
        text["vocab_size"] = shape_of(state[_EMBEDDINGS])[0]
    shared: dict[str, Any] = {
        "vision_config": tower_config(folder, raw),
        "text_config": _llama_config(folder, text),
        "tie_word_embeddings": bool(raw.get("tie_word_embeddings")),
        "vision_feature_layer": raw.get("mm_vision_select_layer", -2),
        "vision_feature_select_strategy": "default" if select == "patch" else "full",
        "image_token_index": raw.get("pad_token_id") or 0,
        **{key: raw[key] for key in _KEPT_KEYS if raw.get(key) is not None},
    }
    query = state.get("model.multi_modal_projector.query")
    if query is None:
        return LlavaConfig(**shared)
    queries, width = shape_of(query)
    heads = num_heads or _default_heads(folder, width)
    return MqtLlavaConfig(num_queries=queries, num_resampler_heads=heads, **shared)


def _llama_config(folder: Path, values: dict[str, Any]) -> LlamaConfig:
    try:
        return LlamaConfig(**values)
    except Exception as error:  # its own kinds of errors for each wrong type
        raise ModelError(f"{folder / 'config.json'}: {one_line(error)}") from error


def _check_supported(folder: Path, raw: dict[str, Any]) -> None:
    aspect = raw.get("image_aspect_ratio")
    if aspect not in _ASPECTS:
        known = ", ".join(repr(each) for each in _ASPECTS if each)
        raise ModelError(f"{folder} has image_aspect_ratio {aspect!r}; known are {known}")
    if raw.get("mm_use_im_start_end"):
        raise ModelError(f"{folder} marks where images start and end (mm_use_im_start_end)")
    merge = raw.get("mm_patch_merge_type", "flat")
    if raw.get("image_aspect_ratio") == "anyres" and merge != "flat":
        raise ModelError(
            f"{folder} merges the tiles of an image by {merge!r} (mm_patch_merge_type); "
            "only 'flat' can be pooled"
        )
    if raw.get("query_abstractor_type") is None and raw.get("mm_projector_type") != "mlp2x_gelu":
        raise ModelError(
            f"{folder} has mm_projector_type {raw.get('mm_projector_type')!r}; "
            "only 'mlp2x_gelu' is supported"
        )


def _default_heads(folder: Path, width: int) -> int:
    """Return the released model's heads, if they make sense for this width."""
    if width % ORIGINAL_MQT_HEADS or width // ORIGINAL_MQT_HEADS < 32:
        raise ModelError(
            f"{folder} does not say how many heads its resampler of width {width} has; "
            "pass num_heads"
        )
    return ORIGINAL_MQT_HEADS


def load_original(
    folder: Path,
    *,
    num_heads: int | None = None,
    dtype: torch.dtype | str | None = None,
    **placement: Any,
) -> Any:
    """Return the transformers model of an original checkpoint.

    Args:
        folder: the checkpoint.
        num_heads: heads of an MQT resampler; the released model's 16 by default.
        dtype: type of the weights; ``"auto"`` keeps the checkpoint's own, float32 by default.
        placement: further arguments of ``from_pretrained``, e.g. ``device_map``.

    Raises:
        ModelError: if a weight is missing, left over or of another shape than configured.
    """
    raw = read_json(folder / "config.json")
    _check_supported(folder, raw)
    state = rename_keys(open_weights(folder))
    wanted = main_dtype(state) if dtype == "auto" else dtype or torch.float32
    if not any(key.startswith("model.vision_tower.") for key in state):
        state.update(_tower_weights(tower_of(folder, raw), wanted))
    config = original_config(folder, raw, state, num_heads)
    mqt = isinstance(config, MqtLlavaConfig)
    model_class = MqtLlavaForConditionalGeneration if mqt else LlavaForConditionalGeneration
    model = load_checked(
        model_class, None, folder, config=config, state_dict=state, dtype=wanted, **placement
    )
    if (folder / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder)
    return model


@torch.no_grad()
def keep_stored_types(model: Any, folder: Path) -> None:
    """Give every parameter of a loaded original the type, and so the bits, it is stored in.

    A model is loaded in one type; a vision tower beside a half-precision language model is often
    stored in float32.

    Args:
        model: what ``load_original`` made of ``folder``; it is changed.
        folder: the checkpoint.
    """
    state = rename_keys(open_weights(folder))
    if not any(key.startswith("model.vision_tower.") for key in state):
        raw = read_json(folder / "config.json")
        state.update(_tower_weights(tower_of(folder, raw), "auto"))
    for name, parameter in model.named_parameters():
        stored = state.get(name)
        if stored is not None and dtype_of(stored) not in (None, parameter.dtype):
            parameter.data = stored[...].clone()


def _tower_weights(tower: str, dtype: Any) -> dict[str, Lazy]:
    # CLIP's text half lies in the same files; it is not needed.
    model = load_checked(
        CLIPVisionModel, tower, f"the vision tower {tower}", leftovers=True, dtype=dtype
    )
    return {f"model.vision_tower.{key}": value for key, value in model.state_dict().items()}


def load_checked(
    model_class: Any, source: Any, name: object, *, leftovers: bool = False, **kwargs: Any
) -> Any:
    """Call ``from_pretrained`` and refuse a model that was not loaded whole.

    Args:
        model_class: a transformers class.
        source: folder or hub id; None if ``state_dict`` is among the arguments.
        name: what errors call it.
        leftovers: whether weights that the model has no place for are legal.
        kwargs: further arguments of ``from_pretrained``.

    Raises:
        ModelError: listing the missing, unexpected and misshapen weights.
    """
    try:
        model, info = model_class.from_pretrained(
            source, output_loading_info=True, ignore_mismatched_sizes=True, **kwargs
        )
    except Exception as error:  # safetensors, configurations, kernels: each raises its own kinds
        raise ModelError(f"cannot load {name}: {one_line(error)}") from error
    misshapen = [
        f"{name} is {_shape(found)} instead of {_shape(wanted)}"
        for name, found, wanted in info["mismatched_keys"]
    ]
    found = {
        "missing": info["missing_keys"],
        "unexpected": () if leftovers else info["unexpected_keys"],
        "misshapen": misshapen,
    }
    problems = [f"{kind}: {listed(map(str, names))}" for kind, names in found.items() if names]
    if problems:
        raise ModelError(f"{name} does not fit {model_class.__name__}; " + "; ".join(problems))
    return model


def _shape(sizes: Any) -> str:
    return "x".join(map(str, sizes))
