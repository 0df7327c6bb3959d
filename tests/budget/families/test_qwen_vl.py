"""The Qwen-VL families on tiny random models."""

import pytest
from families.checks import TALL, WIDE, check_whole_way, picture

from budget import load_model
from experiments.families.tiny import qwen as tiny_qwen


@pytest.mark.parametrize("build", [tiny_qwen.qwen2_vl], ids=lambda build: build.__name__)
def test_whole_way(build, tmp_path):
    runner = check_whole_way(build(tmp_path), rungs=(0, 2, 4))
    assert runner.family.name.lower().replace("-", "_").replace(".", "_") == build.__name__


def test_a_cap_is_met_whatever_the_least_of_the_checkpoint(tmp_path):
    runner = load_model(tiny_qwen.qwen2_vl(tmp_path), ladder=(16, 64))
    assert runner.realised(picture(WIDE)) == [12, 54]
    assert runner.realised(picture(TALL)) == [12, 60]
