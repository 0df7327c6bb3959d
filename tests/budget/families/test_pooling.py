"""Models of one square grid of visual tokens, which is averaged: stock LLaVA, PaliGemma, others."""

import json
import logging

import pytest
import torch
from transformers import AutoModelForImageTextToText
from typer.testing import CliRunner

import budget.cli
from budget import load_model
from budget.errors import ModelError
from budget.families.processors import load_processor
from budget.families.registry import family_of
from budget.m3 import M3Model
from budget.own_knob import LOSSY
from budget.tokens import pool_tokens
from experiments.families.builders import BUILDERS
from experiments.families.checks import PICTURES, QUESTIONS
from experiments.families.tiny import gemma, llava
from experiments.families.verify import verify_folder

SCALES = (1, 4, 16)


@pytest.fixture(scope="module")
def siglip(tmp_path_factory):
    return llava.llava(tmp_path_factory.mktemp("siglip"), tower="siglip")


@pytest.fixture(scope="module")
def paligemma(tmp_path_factory):
    return gemma.paligemma(tmp_path_factory.mktemp("paligemma"))


@pytest.mark.parametrize("name", ["LLaVA-1.5", "PaliGemma"])
def test_whole_way(name, tmp_path):
    folder = BUILDERS[name](tmp_path)
    family = family_of(json.loads((folder / "config.json").read_text()))
    entry = verify_folder(folder, family)
    assert entry.verified, entry.why_not
    assert (entry.family, entry.note) == (name, LOSSY)
    assert set(map(tuple, entry.realised.values())) == {SCALES}


@pytest.mark.parametrize("build", ["siglip", "paligemma"])
def test_tokens_are_averages_of_what_transformers_gives(build, request):
    folder = request.getfixturevalue(build)
    runner = load_model(folder)
    pixels = runner.see(PICTURES[0], 1).tensors["pixel_values"]
    stock = AutoModelForImageTextToText.from_pretrained(folder).eval()
    with torch.inference_mode():
        found = stock.get_image_features(pixel_values=pixels, return_dict=True).pooler_output
    full = found[0][None]
    for scale in SCALES:
        seen = runner.see(PICTURES[0], scale)
        assert runner.tokenizer(seen.text).input_ids.count(runner.token_id) == scale
        own = runner._batches.encode(seen, scale).pooler_output[0]
        torch.testing.assert_close(own[None], pool_tokens(full, scale))


def stock_inputs(folder, runner, question, image):
    """Return what PaliGemma's own processor makes, which writes the prompt around the question."""
    processor = load_processor(folder)
    if runner.model.config.model_type == "paligemma":
        text = f"<image>{question}"
    else:
        before, behind = runner.prompt.render(question, 1)
        text = f"{before}<image>{behind}"
    found = processor(images=[image], text=[text], return_tensors="pt")
    return {name: value for name, value in found.items() if name != "labels"}


@pytest.mark.parametrize("build", ["siglip", "paligemma"])
def test_the_full_grid_answers_as_transformers(build, request):
    folder = request.getfixturevalue(build)
    runner = load_model(folder)
    stock = AutoModelForImageTextToText.from_pretrained(folder).eval()
    for image, question in zip(PICTURES, QUESTIONS, strict=True):
        inputs = stock_inputs(folder, runner, question, image)
        length = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            logits = stock(**inputs).logits[0]
            ids = stock.generate(**inputs, max_new_tokens=5, do_sample=False)[0, length:]
        own = runner.prompt_logits(image, question, num_visual_tokens=16)
        torch.testing.assert_close(own, logits, atol=1e-4, rtol=1e-4)
        (answer,) = runner.answer([image], [question], num_visual_tokens=16, max_new_tokens=5)
        assert list(answer.token_ids) == ids.tolist()


def test_numbers_between_are_refused_with_what_is_legal(siglip):
    with pytest.raises(ValueError, match=r"averaged to 1, 4, 16, got a scale of 9"):
        load_model(siglip, ladder=(1, 9))


def test_a_class_token_in_the_grid_is_refused(tmp_path):
    folder = llava.llava(tmp_path, vision_feature_select_strategy="full")
    with pytest.raises(ModelError, match="every image costs 17 visual tokens in 'llava'"):
        load_model(folder)


def test_what_is_lost_is_said_when_a_model_is_loaded(tmp_path, siglip, caplog):
    with caplog.at_level(logging.WARNING, logger="budget"):
        stock = load_model(llava.llava(tmp_path / "stock"))
        other = load_model(siglip)
    assert [record.message for record in caplog.records] == [
        f"{runner.name} is {LOSSY}" for runner in (stock, other)
    ]
    assert stock.knob.ladder == SCALES
    assert stock.knob.note == other.knob.note == LOSSY


def test_nothing_is_lost_where_the_scales_were_trained(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="budget"):
        trained = load_model(llava.llava(tmp_path, matryoshka_vis_token_scale=[1, 16]))
    assert (trained.knob.note, tuple(trained.ladder)) == ("", (1, 16))
    assert not caplog.records


def test_a_tower_read_by_another_image_processor_is_not_taken_for_llava(tmp_path):
    folder = llava.llava(tmp_path)
    assert isinstance(load_model(folder), M3Model)
    path = folder / "processor_config.json"
    config = json.loads(path.read_text())
    assert config["image_processor"]["image_processor_type"].startswith("CLIP")
    config["image_processor"]["image_processor_type"] = "ViTImageProcessor"
    path.write_text(json.dumps(config))
    assert not isinstance(load_model(folder), M3Model)


def test_what_is_lost_stands_in_the_answers_of_a_command(tmp_path, siglip):
    path = tmp_path / "wide.png"
    PICTURES[0].save(path)
    words = ["ask", str(path), QUESTIONS[0], "--tokens", "4", "--max-new-tokens", "2"]
    result = CliRunner().invoke(budget.cli.app, [*words, "--model", str(siglip)])
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert (said["num_visual_tokens"], said["scales"]) == (4, list(SCALES))
    assert said["note"] == LOSSY
