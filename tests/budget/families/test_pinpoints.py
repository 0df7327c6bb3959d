"""LLaVA-NeXT and LLaVA-OneVision on tiny random models."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText

from budget import load_model
from budget.errors import ModelError
from budget.families.processors import load_processor
from experiments.families.builders import BUILDERS
from experiments.families.checks import PICTURES, QUESTIONS, picture
from experiments.families.tiny import llava
from experiments.families.verify import verify_folder

NAMES = ("LLaVA-NeXT", "LLaVA-OneVision")
STRIPS = ((2000, 20), (20, 2000), (1, 1), (2000, 1))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: BUILDERS[name](tmp_path_factory.mktemp("pinpoints")) for name in NAMES}


@pytest.fixture(scope="module")
def runners(folders):
    return {name: load_model(folder) for name, folder in folders.items()}


def encoded(runner, image, scale):
    (features,) = runner._batches.encode(runner.see(image, scale), scale).pooler_output
    return features


def tiles(point):
    return point[0] * point[1] // llava.SIDE**2


class Stock:
    """Transformers' own model and processor, with the same pinpoints set on both."""

    def __init__(self, folder):
        self.model = AutoModelForImageTextToText.from_pretrained(folder).eval()
        self.processor = load_processor(folder)
        self.points = self.model.config.image_grid_pinpoints

    def inputs(self, images, texts):
        return self.processor(images=images, text=texts, return_tensors="pt")

    def set_most(self, most):
        points = [point for point in self.points if tiles(point) <= most]
        self.model.config.image_grid_pinpoints = points
        self.processor.image_processor.image_grid_pinpoints = points

    def keep(self, image, cap):
        """Set the most tiles whose tokens stay below a cap; return whether there are any."""
        for most in sorted({tiles(point) for point in self.points}, reverse=True):
            self.set_most(most)
            ids = self.inputs([image], ["<image>"])["input_ids"]
            if int((ids == self.processor.image_token_id).sum()) <= cap:
                return True
        return False

    @torch.inference_mode()
    def features(self, inputs):
        known = ("pixel_values", "image_sizes", "batch_num_images")
        given = {name: inputs[name] for name in known if name in inputs}
        return self.model.get_image_features(**given, return_dict=True).pooler_output

    @torch.inference_mode()
    def logits(self, inputs):
        return self.model(**inputs).logits[0]


@pytest.fixture(scope="module")
def stocks(folders):
    return {name: Stock(folder) for name, folder in folders.items()}


@pytest.mark.parametrize("name", NAMES)
def test_whole_way(folders, runners, name):
    entry = verify_folder(folders[name], runners[name].family)
    assert entry.verified, entry.why_not
    assert entry.family == name


@pytest.mark.parametrize("name", NAMES)
def test_every_rung_answers_as_transformers_with_both_pinpoints_set(runners, stocks, name):
    runner, stock = runners[name], stocks[name]
    compared = 0
    for image, question in zip(PICTURES, QUESTIONS, strict=True):
        for scale in runner.ladder:
            if not stock.keep(image, scale):
                continue
            text = "".join(runner.prompt.render(question, 1)[:1])
            text += "<image>" + runner.prompt.render(question, 1)[1]
            wanted = stock.logits(stock.inputs([image], [text]))
            own = runner.prompt_logits(image, question, num_visual_tokens=scale)
            torch.testing.assert_close(own, wanted, atol=1e-4, rtol=1e-4)
            compared += 1
    assert compared == len(PICTURES) * (len(runner.ladder) - 1)


@pytest.mark.parametrize("name", NAMES)
def test_features_are_as_many_as_placeholders_whatever_the_shape(runners, name):
    runner = runners[name]
    for size in STRIPS:
        image = Image.new("RGB", size)
        told = runner.realised(image)
        made = [
            len(runner._batches.encode(runner.see(image, m), m).pooler_output[0])
            for m in runner.ladder
        ]
        assert told == made == sorted(told)
        assert all(n <= cap for n, cap in zip(told, runner.ladder, strict=True))


def test_the_top_rung_is_the_checkpoint_as_it_is(runners, stocks):
    for name, runner in runners.items():
        stock = stocks[name]
        stock.set_most(10**6)
        for seed in range(20):
            size = tuple(int(n) for n in np.random.default_rng(seed).integers(1, 300, 2))
            image = picture(size, seed)
            ids = stock.inputs([image], ["<image>"])["input_ids"]
            count = int((ids == stock.processor.image_token_id).sum())
            assert runner.realised(image)[-1] == count <= runner.ladder[-1]


def test_tokens_grow_with_the_cap_where_tiles_would_not(runners):
    """Beyond nine tiles OneVision shrinks features: 15 tiles cost fewer tokens than 12 here."""
    knob, size = runners["LLaVA-OneVision"].knob, (231, 242)
    by_tiles = [knob._count(each, size) for each in knob._layouts]
    assert by_tiles != sorted(by_tiles)
    image = Image.new("RGB", size)
    found = [knob.see(image, cap).num_visual_tokens for cap in range(17, 215, 3)]
    assert found == sorted(found)


def test_the_smallest_rung_of_onevision_is_what_it_sees_of_several_images(runners, stocks):
    runner, stock = runners["LLaVA-OneVision"], stocks["LLaVA-OneVision"]
    before, between, after = runner.prompt.render(QUESTIONS[0], 2)
    text = f"{before}<image>{between}<image>{after}"
    images = list(PICTURES[:2])
    wanted = stock.logits(stock.inputs([images], [text]))
    least = [runner.ladder[0]] * 2
    own = runner.prompt_logits(images, QUESTIONS[0], num_visual_tokens=least)
    torch.testing.assert_close(own, wanted, atol=1e-4, rtol=1e-4)


def test_the_smallest_rung_of_next_is_the_first_tile_and_a_mark(runners, stocks):
    runner, stock = runners["LLaVA-NeXT"], stocks["LLaVA-NeXT"]
    stock.set_most(2)
    (whole,) = stock.features(stock.inputs([PICTURES[0]], ["<image>"]))
    scale = runner.ladder[0]
    own = encoded(runner, PICTURES[0], scale)
    torch.testing.assert_close(own[:-1], whole[: llava.GRID**2], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(own[-1], stock.model.model.image_newline.detach())


def test_nothing_of_the_model_or_the_processor_is_changed(runners):
    for runner in runners.values():
        config, images = runner.model.config, runner.processor.image_processor
        before = json.dumps([config.to_dict(), images.to_dict()], default=str)
        parameters = [id(each) for each in runner.model.parameters()]

        def ask(scale, runner=runner):
            return runner.answer(PICTURES, QUESTIONS, num_visual_tokens=scale, max_new_tokens=2)

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(ask, runner.ladder))
        assert json.dumps([config.to_dict(), images.to_dict()], default=str) == before
        assert [id(each) for each in runner.model.parameters()] == parameters


def test_caps_between_the_rungs_are_kept(folders):
    runner = load_model(folders["LLaVA-NeXT"], ladder=(20, 60, 75))
    assert runner.realised(PICTURES[1]) == [17, 56, 66]
    with pytest.raises(ValueError, match="less than 17 visual tokens here, got a scale of 16"):
        runner.check_tokens(16)


def test_pinpoints_that_are_no_whole_tiles_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"multiples of the side 32, got \[\[48, 64\]\]"):
        load_model(llava.llava_next(tmp_path, tiles=[[1.5, 2]]))
