import json
from pathlib import Path

import pytest

from budget.config_files import read_sizes
from budget.cost import llava_cost
from experiments.scale import Constants, bill, main, sample_flops

CONFIG = str(Path(__file__).parents[2] / "docs" / "m3-7b.json")


def test_a_sample_at_every_scale_is_dearer_than_at_one_and_cheaper_than_apart():
    shape = read_sizes(CONFIG).shape
    alone = [
        llava_cost(shape, num_visual_tokens=m, text_tokens=55, new_tokens=4).flops
        for m in (1, 9, 36, 144, 576)
    ]
    together = sample_flops(CONFIG, before=35, behind=20, new_tokens=4, sharing=1)
    assert max(alone) < together < sum(alone)


def test_gpu_hours_do_not_depend_on_gpus_and_hours_never_rise_with_them():
    bills = [bill(10**6, gpus, 1.2e13, 2e14) for gpus in (1, 8, 64, 256, 4096)]
    assert len({each.gpu_hours for each in bills}) == 1
    assert [each.hours for each in bills] == sorted((b.hours for b in bills), reverse=True)
    assert [bills[0].limit, bills[-1].limit] == ["GPUs", "driver"]


def test_the_one_process_sets_the_pace_from_the_stated_number_of_gpus_on():
    known = Constants(image=0.01, check=0.0, driver=0.001)
    at_work = 1e13 / 2e14 + known.image  # of which 60 are as fast as the driver
    assert at_work / known.driver == pytest.approx(60)
    assert [bill(1000, n, 1e13, 2e14, known).limit for n in (59, 61)] == ["GPUs", "driver"]


def test_the_command_ends_in_json(capsys):
    main([CONFIG, "--tflops", "100"])
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["flops"] == pytest.approx(1.2e13, rel=0.01)
    assert [each["samples"] for each in said["bills"]] == [10**6] * 3 + [10**8] * 3
