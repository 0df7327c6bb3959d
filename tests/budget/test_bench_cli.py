import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import budget.bench_cli
from budget.bench_cli import one_line_memory
from budget.cost_calibration import read_calibration

FIXTURES = Path(__file__).parents[1] / "fixtures"
TOWER = FIXTURES / "m3_next_original" / "vision_tower"
FEW = ("--repeats", 2, "--text-tokens", 8, "--new-tokens", 2)


def bench(*words):
    return CliRunner().invoke(budget.bench_cli.app, ["model", *map(str, words), *map(str, FEW)])


def test_it_measures_prints_and_writes(tmp_path):
    out = tmp_path / "new" / "calibration.json"
    result = bench("m3", "--ladder", "1,36", "--out", out)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout.splitlines()[-1])
    written = read_calibration(out)
    assert [rung["num_visual_tokens"] for rung in said["rungs"]] == list(written.ladder) == [1, 36]
    assert (written.model, written.random_weights, said["written"]) == ("m3", False, str(out))
    for told, rung in zip(said["rungs"], written.rungs, strict=True):
        assert told["total_ms"] == round(rung.total_ms.median, 4)
        speed = rung.flops / rung.total_ms.median / 1e6
        assert told["gflops_per_second"] == pytest.approx(speed, abs=1e-3)
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[-3:-1]] == ["1", "36"]
    assert max(map(len, lines[:-1])) <= 80 - 8 - 1  # boxed, each of 8 columns is one wider


def test_a_config_alone_is_enough_for_random_weights(tmp_path):
    config = FIXTURES / "m3_next_original" / "config.json"
    result = bench(config, "--random-weights", "--ladder", "1", "--dtype", "bfloat16")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout.splitlines()[-1])
    assert (said["model"], said["grids"], said["dtype"]) == ("m3_next_original", 5, "bfloat16")
    assert "(random weights)" in result.stdout
    assert "5 grids" in result.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("m3", "--ladder", "5"), "a scale of m3 must be one of 1, 4, 9, 16, 36, 144, got 5"),
        (("m3", "--dtype", "int8"), "--dtype must be one of"),
        (("m3", "--device", "abacus"), "device 'abacus' cannot be used here"),
        (("nope",), "no such model: 'nope'"),
        ((FIXTURES / "m3_original" / "config.json",), "holds no weights; add --random-weights"),
    ],
)
def test_bad_options_are_one_line(words, line):
    result = bench(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert line in result.stderr


def test_too_little_memory_is_one_line():
    with (
        pytest.raises(ValueError, match="the memory of cuda:1 does not suffice"),
        one_line_memory(torch.device("cuda:1")),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")


def test_tiles_of_unknown_number_must_be_given(tmp_path):
    raw = json.loads((FIXTURES / "m3_next_original" / "config.json").read_text())
    raw |= {"image_grid_pinpoints": "(1x1),...,(6x6)", "mm_vision_tower": str(TOWER)}
    (tmp_path / "config.json").write_text(json.dumps(raw))
    words = (tmp_path / "config.json", "--random-weights", "--ladder", "1")
    result = bench(*words)
    assert result.exit_code == 2
    assert "tiles of unknown number; give --grids" in result.stderr
    assert json.loads(bench(*words, "--grids", 3).stdout.splitlines()[-1])["grids"] == 3


@pytest.mark.slow
def test_a_compiled_language_model_is_measured(tmp_path):
    out = tmp_path / "compiled.json"
    result = bench("m3", "--ladder", "1", "--compile", "--out", out)
    assert result.exit_code == 0, result.output
    assert ", compiled" in result.stdout
    assert read_calibration(out).compiled
    assert not read_calibration(out).random_weights


def test_both_forms_of_a_resampler_are_measured():
    run = CliRunner().invoke(budget.bench_cli.app, ["resampler", "mqt", "--repeats", "5"])
    assert run.exit_code == 0, run.output
    said = json.loads(run.stdout.splitlines()[-1])
    assert 0 < said["largest_difference"] < 1e-5
    assert min(said["plain_ms"], said["fixed_ms"]) > 0
    assert [line.split()[0] for line in run.stdout.splitlines()[-3:-1]] == ["plain", "fixed"]
    run = CliRunner().invoke(budget.bench_cli.app, ["resampler", "m3"])
    assert run.exit_code == 2
    assert run.stderr.strip() == "budget: m3 has a projector, only MQT models have a resampler"
