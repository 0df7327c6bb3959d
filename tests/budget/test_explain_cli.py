"""The command, on the shipped models: what it writes, says and refuses."""

import io
import json

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from budget.explaining.cli import explain
from budget.explaining.drawing import ATTENTION_CAPTION, draw_heat_maps, heat_figure, queries_figure
from budget.explaining.maps import Box, HeatMap

app = typer.Typer()
app.command()(explain)
QUESTION = "Which shape is purple?"


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    from experiments.scenes.data import iterate_scenes

    path = tmp_path_factory.mktemp("picture") / "scene.png"
    (scene,) = iterate_scenes("calibration", 1, start=8)
    Image.fromarray(scene.pixels).resize((192, 144)).save(path)
    return path


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def map_of_one(**changes):
    ones = np.ones((1, 1))
    each = HeatMap(
        9, "star", ones, 0.5, ones / 2, -0.5, True, Box(0, 0, 8, 8), "element-wise", "vision"
    )
    return each._replace(**changes)


def words_of(figure):
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_an_mqt_is_explained_at_any_number_of_tokens(picture, tmp_path):
    out = tmp_path / "new" / "out"
    done = run(picture, QUESTION, "--model", "mqt", "--tokens", "8,16,64", "--out", out)
    assert done.exit_code == 0, done.output
    *lines, last = done.stdout.strip().splitlines()
    found = json.loads(last)
    assert [each["num_visual_tokens"] for each in found["maps"]] == [8, 16, 64]
    assert {path.name for path in out.iterdir()} == {
        "heat-maps.png",
        "heat-maps.json",
        "queries.png",
        *(f"overlay-{m}.png" for m in (8, 16, 64)),
    }
    assert {str(path) for path in out.iterdir()} == set(found["files"].values())
    for each in found["maps"]:
        with Image.open(found["files"][f"overlay-{each['num_visual_tokens']}"]) as laid:
            assert laid.size == (192, 144)
        assert any(each["answer"] in line for line in lines)
    kept = json.loads((out / "heat-maps.json").read_text())["maps"]
    for each, summary in zip(kept, found["maps"], strict=True):
        assert np.max(each["raw"]) == pytest.approx(summary["peak"])
        assert list(np.shape(each["raw"])) == summary["grid"] == [12, 12]
        row, column = summary["peak_cell"]
        assert each["raw"][row][column] == summary["peak"]


def test_an_m3_explains_a_given_answer_at_its_ladder(picture, tmp_path):
    done = run(picture, QUESTION, "--answer", "ring", "--out", tmp_path, "--dtype", "bfloat16")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert [each["num_visual_tokens"] for each in found["maps"]] == [1, 4, 9, 36, 144]
    assert {each["answer"] for each in found["maps"]} == {"ring"}
    assert (found["method"], found["layer"]) == ("element-wise", "vision")
    assert not (tmp_path / "queries.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tokens", "8,16"], "one of 1, 4, 9, 16, 36, 144, got 8"),
        (["--tokens", "16,8"], "--tokens must be rising numbers"),
        (["--model", "mqt", "--tokens", "145"], "integer from 1 to 144, got 145"),
        (["--method", "attention"], "element-wise, got 'attention'"),
        (["--layer", "last"], "vision, connector, got 'last'"),
        (["--model", "mqt", "--method", "element-wise", "--layer", "vision"], "zero everywhere"),
        (["--answer", ""], "an answer needs some text"),
    ],
)
def test_what_it_cannot_do_is_one_line(picture, tmp_path, words, message):
    done = run(picture, QUESTION, *words, "--out", tmp_path / "none")
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_other_families_are_refused_by_name(picture, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2_vl"}))
    done = run(picture, QUESTION, "--model", tmp_path)
    assert done.exit_code == 2
    assert "budget explain takes an M3 or MQT model" in done.stderr


def test_a_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("no image")
    done = run(tmp_path / "a.png", QUESTION, "--out", tmp_path / "none")
    assert done.exit_code == 2
    assert "a.png" in done.stderr


def test_a_figure_says_tokens_answers_units_and_what_has_no_heat():
    none = map_of_one(
        num_visual_tokens=1, answer="$5 a ring", heat=np.zeros((1, 1)), peak=0.0, depends=False
    )
    figure = heat_figure(Image.new("RGB", (8, 8)), "Is it $4 or $5?", [map_of_one(), none])
    words = words_of(figure).replace("\n", " ")
    for said in (
        "9 visual tokens “star”",
        "1 visual token “\\$5 a ring”",
        "peak 0.5 nats",
        "this answer does not depend on the image",
        "share of the map's own peak",
        "log-probability of the whole answer",
        "Is it \\$4 or \\$5?",
    ):
        assert said in words
    assert len([axes for axes in figure.axes if axes.images]) == 3


@pytest.mark.parametrize("size", [(8, 800), (3000, 400)])
def test_a_picture_of_any_shape_is_drawn(size):
    maps = [map_of_one(box=Box(0, 0, *size))] * 4
    png = draw_heat_maps(Image.new("RGB", size), "long " * 80, maps)
    with Image.open(io.BytesIO(png)) as drawn:
        assert drawn.format == "PNG"
        assert min(drawn.size) > 300


def test_no_maps_are_not_drawn():
    with pytest.raises(ValueError, match="at least one heat map"):
        draw_heat_maps(Image.new("RGB", (8, 8)), QUESTION, [])


def test_the_queries_are_drawn_once_each_with_the_words_that_no_image_matters():
    attention = np.eye(5 * 4).reshape(20, 5, 4)
    figure = queries_figure(attention)
    sheet = np.asarray(figure.axes[0].images[0].get_array())
    inked = sheet[np.isfinite(sheet)]
    assert (inked.size, inked.sum()) == (attention.size, attention.sum())
    for row in range(4):  # five grids of five rows and four columns a row of the sheet
        line = sheet[row * 7 + 2 : row * 7 + 7]
        for column in range(5):
            grid = line[:, column * 6 : column * 6 + 4]
            np.testing.assert_array_equal(grid, attention[row * 5 + column])
    assert {str(i) for i in range(1, 21)} <= set(words_of(figure).split())
    assert "does not depend on the image" in ATTENTION_CAPTION
    assert ATTENTION_CAPTION in words_of(figure).replace("\n", " ")
