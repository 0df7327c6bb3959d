"""LLaVA-NeXT and LLaVA-OneVision on tiny random models."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from families import tiny_llava
from families.checks import PICTURES, QUESTIONS, TALL, check_whole_way, picture
from transformers import AutoModelForImageTextToText

from budget import load_model
from budget.errors import ModelError
from budget.families.processors import load_processor

STRIPS = ((2000, 20), (20, 2000), (1, 1))


def tiles(point):
    height, width = point
    return height * width // tiny_llava.SIDE**2


def set_both(most, model, processor):
    """Give a model and a processor the pinpoints of so many tiles at most, as users have to."""
    points = [point for point in model.every_point if tiles(point) <= most]
    model.config.image_grid_pinpoints = processor.image_processor.image_grid_pinpoints = points


def count(processor, image):
    found = processor(images=[image], text=["<image>"], add_special_tokens=False)
    return len(found["input_ids"][0])


def set_pinpoints(runner, model, processor, image, scale):
    """Set the most tiles that keep a cap."""
    model.every_point = load_model_points(runner)
    for most in sorted({tiles(point) for point in model.every_point}, reverse=True):
        set_both(most, model, processor)
        if count(processor, image) <= scale:
            return {}
    raise AssertionError(f"no pinpoints keep {scale}")


def load_model_points(runner):
    return runner.model.config.image_grid_pinpoints


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    builds = (tiny_llava.llava_next, tiny_llava.llava_onevision)
    return {build.__name__: build(tmp_path_factory.mktemp(build.__name__)) for build in builds}


@pytest.mark.parametrize(("name", "rungs"), [("llava_next", (0, 1, 2)), ("llava_onevision", (0, 2, 4))])
def test_whole_way(folders, name, rungs):
    check_whole_way(folders[name], rungs=rungs, set_knob=set_pinpoints)
