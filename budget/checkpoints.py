"""Checkpoints in the original LLaVA key layout (model type ``llava_llama``).

The original M3 and MQT code writes keys such as ``model.mm_projector.0.weight`` or
``model.query_abstractor.query``, a SentencePiece tokenizer, and keeps the vision tower apart.
"""

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    GenerationConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from budget.errors import ModelError
from budget.mqt import MqtLlavaConfig, MqtLlavaForConditionalGeneration

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
_KEPT_KEYS = ("image_aspect_ratio", "matryoshka_vis_token_scale", "matryoshka_ladder")
ORIGINAL_MQT_HEADS = 16


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelError: if the file is missing or no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} must hold a JSON object, got {type(value).__name__}")
    return value


def read_state(folder: Path) -> dict[str, torch.Tensor]:
    """Read all weights of a folder, in one file or in shards; nothing is unpickled freely.

    Raises:
        ModelError: if there are no weights or a file cannot be read.
    """
    state: dict[str, torch.Tensor] = {}
    for path in _weight_files(folder):
        try:
            if path.suffix == ".safetensors":
                state.update(load_file(path))
            else:
                state.update(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:
            raise ModelError(f"cannot read the weights in {path}: {error}") from error
    return state


def _weight_files(folder: Path) -> list[Path]:
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            return [folder / shard for shard in sorted(set(_shards(index).values()))]
    raise ModelError(f"no weights in {folder}: neither model.safetensors nor pytorch_model.bin")


def _shards(index: Path) -> dict[str, str]:
    shards = read_json(index).get("weight_map")
    if not isinstance(shards, dict) or any(Path(s).name != s for s in shards.values()):
        raise ModelError(f"{index} must map weights to file names of its own folder")
    return shards


def rename_keys(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights under the names of the transformers classes.

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
        renamed[key] = value
    return renamed


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


def original_config(
    folder: Path, raw: dict[str, Any], state: dict[str, torch.Tensor], num_heads: int | None
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
    shared: dict[str, Any] = {
        "vision_config": CLIPVisionConfig.from_pretrained(tower_of(folder, raw)),
        "text_config": LlamaConfig(**{k: raw[k] for k in _TEXT_KEYS if raw.get(k) is not None}),
        "vision_feature_layer": raw.get("mm_vision_select_layer", -2),
        "vision_feature_select_strategy": "default" if select == "patch" else "full",
        "image_token_index": raw.get("pad_token_id") or 0,
        **{key: raw[key] for key in _KEPT_KEYS if raw.get(key) is not None},
    }
    query = state.get("model.multi_modal_projector.query")
    if query is None:
        return LlavaConfig(**shared)
    heads = num_heads or _default_heads(folder, query.shape[1])
    return MqtLlavaConfig(num_queries=query.shape[0], num_resampler_heads=heads, **shared)


def _check_supported(folder: Path, raw: dict[str, Any]) -> None:
    if raw.get("image_aspect_ratio") == "anyres" or raw.get("image_grid_pinpoints"):
        raise ModelError(f"{folder} cuts images into tiles (LLaVA-NeXT), which is not supported")
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
    folder: Path, *, num_heads: int | None = None, dtype: torch.dtype | None = None
) -> Any:
    """Return the transformers model of an original checkpoint.

    Args:
        folder: the checkpoint.
        num_heads: heads of an MQT resampler; the released model's 16 by default.
        dtype: type of the weights; float32 by default.

    Raises:
        ModelError: if a weight is missing, left over or of another shape than configured.
    """
    raw = read_json(folder / "config.json")
    _check_supported(folder, raw)
    state = rename_keys(read_state(folder))
    if not any(key.startswith("model.vision_tower.") for key in state):
        tower = CLIPVisionModel.from_pretrained(tower_of(folder, raw), dtype=torch.float32)
        state.update({f"model.vision_tower.{k}": v for k, v in tower.state_dict().items()})
    config = original_config(folder, raw, state, num_heads)
    mqt = isinstance(config, MqtLlavaConfig)
    model_class = MqtLlavaForConditionalGeneration if mqt else LlavaForConditionalGeneration
    model = load_checked(
        model_class, None, folder, config=config, state_dict=state, dtype=dtype or torch.float32
    )
    if (folder / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder)
    return model


def load_checked(model_class: Any, source: Any, folder: Path, **kwargs: Any) -> Any:
    """Call ``from_pretrained`` and refuse a model that was not loaded whole.

    Raises:
        ModelError: listing the missing, unexpected and mismatched weights.
    """
    try:
        model, info = model_class.from_pretrained(source, output_loading_info=True, **kwargs)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"cannot load {folder}: {' '.join(str(error).split())}") from error
    problems = [
        f"{kind.removesuffix('_keys')}: {', '.join(sorted(map(str, info[kind])))}"
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
        if info[kind]
    ]
    if problems:
        raise ModelError(f"{folder} does not fit {model_class.__name__}; " + "; ".join(problems))
    return model
