import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import budget.cost_cli
from budget.options import scaled

NEXT = str(Path(__file__).parents[1] / "fixtures" / "m3_next_original")


def cost(*words):
    return CliRunner().invoke(budget.cost_cli.app, [str(word) for word in words])


def said(*words):
    result = cost(*words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def test_it_says_what_the_loaded_model_says(m3):
    told = said(m3.folder, "--text-tokens", 30, "--new-tokens", 4, "--dtype", "float32")
    assert [rung["num_visual_tokens"] for rung in told["rungs"]] == list(m3.model.ladder)
    for rung in told["rungs"]:
        expected = m3.model.cost(rung["num_visual_tokens"], 30, 4)
        assert rung["flops"] == expected.flops
        assert rung["kv_bytes"] == expected.kv_bytes
        assert rung["activation_bytes"] == expected.activation_bytes
    assert told["rungs"][-1]["share_of_full"] == 1.0


def test_a_ladder_is_compared_with_the_models_full_scale():
    told = said("m3", "--ladder", "1,36")
    assert [rung["num_visual_tokens"] for rung in told["rungs"]] == [1, 36]
    assert told["full_tokens"] == 144
    assert told["rungs"][1]["share_of_full"] < 0.6


def test_the_table_has_a_row_per_rung_and_fits_a_terminal():
    lines = cost("m3", "--ladder", "1,36").stdout.splitlines()
    assert lines[0].startswith("m3: 3.48 million weights, 6.97 MB in bfloat16")
    assert "vision tower 278 MFLOPs" in lines[1]
    assert lines[2].split()[:3] == ["tokens", "prefill", "decode"]
    assert [line.split()[0] for line in lines[3:-1]] == ["1", "36"]
    # Boxed, every column is one character wider, and the frame takes one more.
    assert max(len(line) for line in lines[2:-1]) <= 80 - 7 - 1


def test_tiles_are_read_from_the_config_or_given():
    five, one = said(NEXT), said(NEXT, "--grids", 1)
    assert (five["grids"], one["grids"]) == (5, 1)
    assert five["rungs"][0]["vision_flops"] == 5 * one["rungs"][0]["vision_flops"]
    assert "5 x 36" in cost(NEXT).stdout


def test_text_alone_is_one_row():
    told = said("mqt", "--grids", 0)
    (rung,) = told["rungs"]
    assert (rung["num_visual_tokens"], rung["vision_flops"]) == (0, 0)
    assert "no image" in cost("mqt", "--grids", 0).stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("m3", "--ladder", "1,5"), "a scale of m3 must be one of 1, 4, 9, 16, 36, 144, got 5"),
        (("m3", "--ladder", "9,1"), "--ladder must be rising numbers from 1 such as 1,9,36"),
        (("m3", "--ladder", "0,1"), "got '0,1'"),
        (("m3", "--ladder", "x"), "got 'x'"),
        (("m3", "--dtype", "int4"), "--dtype must be one of bfloat16, float16, float32"),
        (("absent",), "no such model: 'absent'"),
    ],
)
def test_bad_options_are_one_line(words, line):
    result = cost(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("budget: ")
    assert result.stderr.count("\n") == 1
    assert line in result.stderr


def test_units_are_never_a_thousand():
    assert scaled([999.6e6, 1e6], "B") == (["1", "0.001"], "GB")
    assert scaled([999.4e6], "B") == (["999"], "MB")
    assert scaled([], "B") == ([], "B")
