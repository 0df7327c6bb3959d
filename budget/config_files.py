"""A model's sizes from its config.json: no weights are loaded, and torch is not imported.

Keys that a file leaves out are filled in as the classes of transformers do for the models that
this package runs: LLaVA-1.5's vision tower and a Llama of 7B.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from budget.errors import ModelError
from budget.hub import fetch_config
from budget.json_files import read_json
from budget.ladder import ScaleLadder, exact_scales, family_ladder
from budget.pinpoints import parse_pinpoints
from budget.query_count import original_query_count
from budget.shapes import LlavaShape
from budget.shipped import SHIPPED, shipped_folder

_KINDS = ("llava", "llava_llama", "mqt_llava")
_LLAMA = {
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
}
_CLIP_BASE = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 32,
    "num_channels": 3,
}
_CLIP_LARGE_336 = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 336,
    "patch_size": 14,
    "num_channels": 3,
}
# The tower of every released LLaVA-1.5, M3 and MQT: known without asking the hub.
KNOWN_TOWERS = {"openai/clip-vit-large-patch14-336": _CLIP_LARGE_336}


@dataclass(frozen=True, slots=True)
class ModelSizes:
    """What a config.json says of a model.

    Attributes:
        name: short name for reports.
        shape: its sizes.
        ladder: the scales it is run at by default.
        grids: squares that the largest image is seen in (1, or with tiles more); None if the file
            does not say it in a way that is understood.
        config: the sizes under the names that transformers gives them.
    """

    name: str
    shape: LlavaShape
    ladder: ScaleLadder
    grids: int | None
    config: SimpleNamespace

    def check_scale(self, num_visual_tokens: int) -> int:
        """Return a number of visual tokens that the model can run at.

        Raises:
            ValueError: naming the legal numbers.
        """
        queries = self.shape.num_queries
        legal = exact_scales(self.shape.grid_tokens) if queries is None else range(1, queries + 1)
        if num_visual_tokens not in legal:
            rule = (
                f"one of {', '.join(map(str, legal))}"
                if queries is None
                else f"a whole number from 1 to {queries}"
            )
            raise ValueError(f"a scale of {self.name} must be {rule}, got {num_visual_tokens}")
        return num_visual_tokens


def read_sizes(path_or_id: str | Path) -> ModelSizes:
    """Read the sizes of a model.

    Args:
        path_or_id: a config.json, a model's folder, a hub id (its config.json is fetched, no
            weights), or the name of a shipped model.

    Raises:
        ModelError: if there is no such model, or its configuration is not understood.
    """
    path = find_config(path_or_id)
    raw = read_json(path)
    if (kind := raw.get("model_type")) not in _KINDS:
        raise ModelError(f"{path} has model_type {kind!r}; known are {', '.join(_KINDS)}")
    config = _original(path, raw) if kind == "llava_llama" else _converted(path, raw)
    shape = LlavaShape.of(config)
    named = str(path_or_id)
    return ModelSizes(
        name=named if named in SHIPPED else _name_of(named),
        shape=shape,
        ladder=_ladder(path, raw, shape),
        grids=_grids(raw, config.vision_config.image_size),
        config=config,
    )


def find_config(path_or_id: str | Path) -> Path:
    """Return the config.json of a model; that of a hub id is fetched.

    Raises:
        ModelError: if there is none.
    """
    name = str(path_or_id)
    place = shipped_folder(name) if name in SHIPPED else Path(path_or_id)
    path = place / "config.json" if place.is_dir() else place
    if path.is_file():
        return path
    if place.is_dir():
        raise ModelError(f"no config.json in {place}")
    rule = f"give a config.json, a folder, a hub id (owner/name) or one of {', '.join(SHIPPED)}"
    local = isinstance(path_or_id, Path) or name.startswith((".", "/", "~"))
    if local or name.count("/") != 1 or name.endswith(".json"):
        raise ModelError(f"no such model: {name!r}; {rule}")
    return fetch_config(name, rule)


def _name_of(name: str) -> str:
    path = Path(name).resolve()
    return path.parent.name if path.name == "config.json" else path.name.removesuffix(".json")


def _converted(path: Path, raw: Mapping[str, Any]) -> SimpleNamespace:
    """Return the sizes of a model in the layout of transformers."""
    config = SimpleNamespace(
        vision_config=_vision(path, raw.get("vision_config")),
        text_config=_text(path, raw.get("text_config") or {}),
        vision_feature_layer=raw.get("vision_feature_layer", -2),
        vision_feature_select_strategy=raw.get("vision_feature_select_strategy", "default"),
    )
    if raw["model_type"] == "mqt_llava":
        config.num_queries = _size(path, raw, "num_queries", 256)
        config.num_resampler_heads = _size(path, raw, "num_resampler_heads", 16)
    return config


def _original(path: Path, raw: Mapping[str, Any]) -> SimpleNamespace:
    """Return the sizes of a model in the original layout, whose tower lies apart."""
    select = raw.get("mm_vision_select_feature", "patch")
    config = SimpleNamespace(
        vision_config=_vision(path, _tower(path, raw.get("mm_vision_tower"))),
        text_config=_text(path, raw),
        vision_feature_layer=raw.get("mm_vision_select_layer", -2),
        vision_feature_select_strategy="default" if select == "patch" else "full",
    )
    if raw.get("query_abstractor_type") is not None:
        config.num_queries = original_query_count(path.parent)
        config.num_resampler_heads = 16 if config.vision_config.hidden_size % 16 == 0 else 1
    return config


def _tower(path: Path, name: object) -> dict[str, Any]:
    if not isinstance(name, str):
        raise ModelError(f"{path} names no mm_vision_tower, got {name!r}")
    beside = path.parent / name / "config.json"
    if not beside.is_file() and name in KNOWN_TOWERS:
        return dict(KNOWN_TOWERS[name])
    raw = read_json(beside if beside.is_file() else find_config(name))
    return dict(raw.get("vision_config") or raw)


def _vision(path: Path, raw: Mapping[str, Any] | None) -> SimpleNamespace:
    if raw is None:
        return SimpleNamespace(**_CLIP_LARGE_336)
    return SimpleNamespace(**{key: _size(path, raw, key, d) for key, d in _CLIP_BASE.items()})


def _text(path: Path, raw: Mapping[str, Any]) -> SimpleNamespace:
    sizes = {key: _size(path, raw, key, default) for key, default in _LLAMA.items()}
    heads = sizes["num_attention_heads"]
    return SimpleNamespace(
        **sizes,
        num_key_value_heads=_size(path, raw, "num_key_value_heads", heads),
        head_dim=_size(path, raw, "head_dim", sizes["hidden_size"] // heads),
        tie_word_embeddings=bool(raw.get("tie_word_embeddings", False)),
    )


def _size(path: Path, raw: Mapping[str, Any], key: str, default: int) -> int:
    value = raw.get(key)
    if value is None:
        # Another family leaves out other defaults; a guess would be a wrong number without a sound.
        if raw.get("model_type", "llama") not in (*_KINDS, "llama", "clip_vision_model"):
            raise ModelError(f"{path} does not say {key} of its {raw['model_type']}")
        return default
    if type(value) is not int or value < 1:
        raise ModelError(f"{path}: {key} must be a whole number from 1, got {value!r}")
    return value


def _ladder(path: Path, raw: Mapping[str, Any], shape: LlavaShape) -> ScaleLadder:
    key = "matryoshka_vis_token_scale" if shape.num_queries is None else "matryoshka_ladder"
    try:
        return family_ladder(raw.get(key), shape.grid_tokens, shape.num_queries)
    except ValueError as error:
        raise ModelError(f"{path}: {key}: {error}") from error


def _grids(raw: Mapping[str, Any], side: int) -> int | None:
    """Return the squares of the largest image: itself and its tiles, if there are any."""
    if raw.get("image_aspect_ratio") != "anyres":
        return 1
    try:
        pinpoints = parse_pinpoints(raw.get("image_grid_pinpoints"), side)
    except ModelError:
        return None
    return 1 + max((width // side) * (height // side) for width, height in pinpoints)
