"""What is no model of any family is refused in one line that says why."""

import json

import pytest

from budget import load_model
from budget.errors import ModelError
from experiments.families.tiny import others


@pytest.fixture
def folder(tmp_path):
    return others.lighton_ocr(tmp_path)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"model_type": "llama"}, "is no vision-language model: its model type is 'llama'"),
        ({"model_type": "whisper"}, "is no vision-language model: its model type is 'whisper'"),
        ({"model_type": "frob_vl"}, "does not know the model type 'frob_vl'.*; a newer one may"),
        ({}, "names no model_type, got None"),
        ({"model_type": 3}, "names no model_type, got 3"),
    ],
)
def test_model_types_that_are_none_of_ours(tmp_path, config, problem):
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=problem) as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("missing", "problem"),
    [
        ("processor_config.json", "cannot load the processor of"),
        ("tokenizer.json", "cannot load the processor of"),
        ("model.safetensors", "no file named model.safetensors"),
        ("config.json", "No such file or directory"),
    ],
)
def test_folders_that_lack_a_part(folder, missing, problem):
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=problem) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def test_a_processor_whose_tokenizer_names_no_image_token(folder):
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in said.items() if k != "image_token"}))
    with pytest.raises(ModelError, match="image_token"):
        load_model(folder)


def test_a_model_that_takes_no_features_from_outside(folder, monkeypatch):
    from transformers import LightOnOcrForConditionalGeneration

    def forward(self, input_ids=None):
        raise AssertionError("must not be run")

    monkeypatch.setattr(LightOnOcrForConditionalGeneration, "forward", forward)
    with pytest.raises(ModelError, match=r"LightOnOcrForConditionalGeneration.* takes no image"):
        load_model(folder)
