"""Sizes read from a config.json against those that transformers reads."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

from budget.config_files import read_sizes
from budget.errors import ModelError
from budget.models import load_model
from budget.mqt import MqtLlavaConfig
from budget.shapes import LlavaShape

FIXTURES = Path(__file__).parents[1] / "fixtures"
SMALL = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}


def write(folder, **values):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_a_shipped_model(name):
    model, sizes = load_model(name), read_sizes(name)
    assert (sizes.name, sizes.shape, sizes.ladder) == (name, model.shape, model.ladder)


def test_an_original_checkpoint(original):
    sizes = read_sizes(original.folder)
    expected = original.model.shape
    assert sizes.ladder == original.model.ladder
    # The heads of an original resampler are written nowhere; they cost no FLOPs.
    assert (sizes.shape.num_queries, sizes.shape.text) == (expected.num_queries, expected.text)
    assert (sizes.shape.vision, sizes.shape.vision_tokens) == (
        expected.vision,
        expected.vision_tokens,
    )
    assert read_sizes(original.folder / "config.json") == sizes


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"text_config": {"model_type": "llama", "hidden_size": 128}},
        {"vision_config": {"model_type": "clip_vision_model"}, "text_config": {}},
        {"vision_config": {**SMALL, "num_attention_heads": 4, "image_size": 64, "patch_size": 16}},
        {"text_config": {**SMALL, "num_attention_heads": 4, "num_key_value_heads": 2}},
        {"text_config": {**SMALL, "num_attention_heads": 4, "head_dim": 32}},
        {"vision_feature_layer": [-2, -1], "vision_feature_select_strategy": "full"},
    ],
)
@pytest.mark.parametrize("kind", ["llava", "mqt_llava"])
def test_what_a_file_leaves_out_is_what_transformers_fills_in(tmp_path, kind, values):
    read = read_sizes(write(tmp_path / "model", model_type=kind, **values)).shape
    full = {
        name: maker(**{key: v for key, v in values[name].items() if key != "model_type"})
        for name, maker in (("vision_config", CLIPVisionConfig), ("text_config", LlamaConfig))
        if name in values
    }
    config = (LlavaConfig if kind == "llava" else MqtLlavaConfig)(**{**values, **full})
    assert read == LlavaShape.of(config)


def test_the_released_tower_needs_no_hub(tmp_path):
    folder = write(
        tmp_path / "llava-7b-m3",
        model_type="llava_llama",
        mm_vision_tower="openai/clip-vit-large-patch14-336",
    )
    sizes = read_sizes(str(folder))
    assert (sizes.name, sizes.grids) == ("llava-7b-m3", 1)
    assert (sizes.shape.vision.layers, sizes.shape.grid_tokens) == (24, 576)
    assert sizes.shape.text.mlp_width == 11008
    assert tuple(sizes.ladder) == (1, 9, 36, 144, 576)


def mqt_folder(tmp_path):
    tower = "openai/clip-vit-large-patch14-336"
    about = {"model_type": "llava_llama", "query_abstractor_type": "matry_query"}
    return write(tmp_path / "mqt", mm_vision_tower=tower, **about)


def test_queries_are_counted_in_the_header_of_the_weights(tmp_path):
    folder = mqt_folder(tmp_path)
    assert read_sizes(folder).shape.num_queries == 256
    query = {"model.query_abstractor.query": torch.zeros(49, 8)}
    save_file(query, folder / "model.safetensors")
    assert tuple(read_sizes(folder).ladder) == (2, 4, 8, 16, 36, 49)
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    index = {"weight_map": dict.fromkeys(query, "part.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert read_sizes(folder).shape.num_queries == 49


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_weights_that_are_none_are_refused(tmp_path, name):
    folder = mqt_folder(tmp_path)
    (folder / name).write_bytes(b"\xff" * 64)
    with pytest.raises(ModelError, match=r"cannot read the shape of model\.query_abstractor") as e:
        read_sizes(folder)
    assert "\n" not in str(e.value)
    (folder / name).unlink()
    (folder / f"{name}.index.json").write_text("{}")
    with pytest.raises(ModelError, match="does not say where"):
        read_sizes(folder)


def test_tiles_are_counted_with_the_whole_image(tmp_path):
    assert read_sizes(FIXTURES / "m3_next_original").grids == 5
    raw = json.loads((FIXTURES / "m3_next_original" / "config.json").read_text())
    folder = shutil.copytree(FIXTURES / "m3_next_original", tmp_path / "next")
    write(folder, **{**raw, "image_grid_pinpoints": [[336, 672], [1008, 672]]})
    assert read_sizes(folder).grids == 7
    write(folder, **{**raw, "image_grid_pinpoints": "(1x1),...,(6x6)"})
    assert read_sizes(folder).grids is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model_type": "qwen2_vl"}, "model_type 'qwen2_vl'; known are llava, llava_llama"),
        ({"model_type": "llava_llama"}, "names no mm_vision_tower, got None"),
        (
            {"model_type": "llava", "text_config": {"hidden_size": "big"}},
            "hidden_size must be a whole number from 1, got 'big'",
        ),
        (
            {"model_type": "llava", "text_config": {"model_type": "mistral"}},
            "does not say hidden_size of its mistral",
        ),
        ({"model_type": "llava", "matryoshka_vis_token_scale": [9, 1]}, "strictly increasing"),
    ],
)
def test_a_config_that_is_not_understood_is_refused(tmp_path, values, message):
    with pytest.raises(ModelError, match=message.replace("(", r"\(")):
        read_sizes(write(tmp_path / "odd", **values))


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "a/b.json", "/no/such/config.json"])
def test_what_is_no_model_is_refused_without_asking_the_hub(name):
    with pytest.raises(ModelError, match=r"no such model: .* give a config\.json, a folder"):
        read_sizes(name)


def test_files_that_hold_no_object_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json in"):
        read_sizes(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ModelError, match="must hold a JSON object, got list"):
        read_sizes(tmp_path)


def test_scales_that_cannot_be_met_are_refused():
    with pytest.raises(ValueError, match="one of 1, 4, 9, 16, 36, 144, got 10"):
        read_sizes("m3").check_scale(10)
    with pytest.raises(ValueError, match="a whole number from 1 to 144, got 145"):
        read_sizes("mqt").check_scale(145)
    assert read_sizes("mqt").check_scale(7) == 7


def test_torch_is_not_imported():
    code = (
        "import sys, budget.cost; from budget.config_files import read_sizes; "
        "read_sizes('m3'); print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
