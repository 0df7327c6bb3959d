"""Gemma 3 and Gemma 4 on tiny random models."""

import pytest
from PIL import Image

from budget import load_model
from experiments.families.builders import BUILDERS
from experiments.families.verify import verify_folder

STRIPS = ((2000, 20), (20, 2000), (1, 1), (3000, 3))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: BUILDERS[name](tmp_path_factory.mktemp("gemma")) for name in NAMES}


NAMES = ("Gemma 3", "Gemma 4")


@pytest.mark.parametrize("name", NAMES)
def test_whole_way(folders, name):
    runner = load_model(folders[name])
    entry = verify_folder(folders[name], runner.family)
    assert entry.verified, entry.why_not
    assert entry.family == name
    for size in STRIPS:
        told = runner.realised(Image.new("RGB", size))
        assert told == sorted(told)
        assert all(n <= cap for n, cap in zip(told, runner.ladder, strict=True))
