import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from budget.errors import DataError, PolicyError
from policies.colours import COLOUR_NAMES
from policies.features import FeatureSchema, current_schema, featurize
from policies.image_features import image_feature_names, image_features
from policies.joint_features import joint_feature_names, joint_features
from policies.question_features import question_features
from policies.raster import make_raster


def noise(size, seed=0):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8))


def squares(count, side, colour=(220, 40, 40), background=(128, 128, 128)):
    """A picture of ``count`` squares of ``side`` pixels on a grid of 24 pixels."""
    image = Image.new("RGB", (96, 96), background)
    draw = ImageDraw.Draw(image)
    for i in range(count):
        x, y = 24 * (i % 4) + 4, 24 * (i // 4) + 4
        draw.rectangle([x, y, x + side - 1, y + side - 1], fill=colour)
    return image


@pytest.mark.parametrize("size", [(1, 1), (96, 96), (500, 1200), (7, 3), (336, 336)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK"])
def test_any_size_and_mode_gives_the_same_finite_columns(size, mode):
    found = image_features(noise(size).convert(mode))
    assert tuple(found) == image_feature_names()
    assert np.isfinite(list(found.values())).all()
    assert (found["width"], found["height"]) == size


def test_features_are_of_the_picture_as_it_is_shown():
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = noise((40, 30))
    lying.info["exif"] = exif.tobytes()
    upright = noise((40, 30)).transpose(Image.Transpose.ROTATE_270)
    assert image_features(lying) == image_features(upright)
    with pytest.raises(DataError, match="the image has no pixels, it is 0 x 5"):
        image_features(Image.new("RGB", (0, 5)))


def test_a_flat_picture_has_nothing_to_lose():
    found = image_features(Image.new("RGB", (200, 100), (90, 140, 60)))
    for name, value in found.items():
        if name.startswith(("lost_", "edge_", "busy_", "strokes_", "peaks_")):
            assert value == pytest.approx(0.0, abs=0.1), name  # float32 rounding


def test_lost_detail_is_the_variance_inside_the_cells():
    pixels = np.asarray(noise((96, 96)), dtype=np.float64)
    found = image_features(noise((96, 96)))
    for side in (2, 6, 24):
        cell = 96 // side
        blocks = pixels.reshape(side, cell, side, cell, 3)
        inside = blocks.var(axis=(1, 3)).mean(axis=(0, 1)).sum()
        share = inside / pixels.var(axis=(0, 1)).sum()
        assert found[f"lost_colour_{side}"] == pytest.approx(share, rel=1e-3)


def test_finer_grids_never_lose_more():
    found = image_features(squares(5, 9))
    assert found["lost_colour_3"] >= found["lost_colour_6"] >= found["lost_colour_12"]
    assert found["lost_colour_12"] >= found["lost_colour_24"] >= found["lost_colour_48"]


@pytest.mark.parametrize("count", [0, 1, 5, 16])
def test_separate_squares_are_counted(count):
    found = image_features(squares(count, 10))
    assert found["red_areas"] == count
    assert found["red_share"] == pytest.approx(count * 100 / 96**2)


def test_more_small_things_look_busier():
    few, many = image_features(squares(2, 8)), image_features(squares(16, 8))
    for name in ("busy_mean", "edge_rows_96", "peaks_saturation", "lost_colour_6"):
        assert many[name] > few[name] or name == "lost_colour_6"
    assert many["crossings_rows"] > few["crossings_rows"]


@pytest.mark.parametrize(
    ("name", "rgb"),
    [("red", (220, 40, 40)), ("cyan", (60, 205, 215)), ("white", (250, 250, 250))],
)
def test_a_plain_colour_covers_everything(name, rgb):
    found = image_features(Image.new("RGB", (50, 50), rgb))
    assert {n: found[f"{n}_share"] for n in COLOUR_NAMES} == {
        n: float(n == name) for n in COLOUR_NAMES
    }


def test_the_named_colour_is_looked_up():
    raster = make_raster(squares(4, 12))
    found = joint_features(raster, "What is on the red plate?")
    assert found["named_colours"] == 1
    assert found["named_areas"] == 4
    assert found["named_area_size"] == found["named_run_rows"] * 12 == 144
    assert found["named_seen_24"] == 1.0  # 4 x 4 cells fit into the squares
    assert found["named_seen_2"] == 0.0  # a quarter of the picture is never half red


def test_without_a_named_colour_there_is_nothing_to_look_up():
    found = joint_features(make_raster(squares(4, 12)), "How many?")
    assert tuple(found) == joint_feature_names()
    assert set(found.values()) == {0.0}


def test_of_two_colours_the_rarer_counts():
    raster = make_raster(squares(4, 12))
    assert joint_features(raster, "Is red left of gray?")["named_areas"] == 4
    assert joint_features(raster, "Is gray left of red?")["named_areas"] == 4


@pytest.mark.parametrize(
    ("question", "flag"),
    [
        ("How many cats are there?", "asks_counting"),
        ("What does the sign say?", "asks_reading"),
        ("What color is the star?", "asks_colour"),
        ("Is there a dog?", "asks_existence"),
        ("Is there a dog?", "asks_yes_no"),
        ("Are there more cats than dogs?", "asks_comparison"),
        ("What is left of the box?", "asks_position"),
        ("What is the background?", "asks_background"),
    ],
)
def test_question_types_are_seen(question, flag):
    assert question_features(question)[flag] == 1.0


def test_choices_are_counted():
    assert question_features("Which?\nA. one\nB. two\nC. three")["num_options"] == 3
    assert question_features("Is it day or night?")["num_options"] == 2
    assert question_features("Is it day or night?")["asks_yes_no"] == 0


def test_features_do_not_depend_on_the_process():
    code = (
        "from policies.question_features import hash_words;"
        "print(hash_words(['what', 'color', 'is', 'it']))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_rows_do_not_depend_on_their_neighbours():
    images = [noise((96, 96)), squares(3, 8), noise((40, 60), seed=1)]
    questions = ["How many red squares?", "Is there a cat?", "Why?"]
    table = featurize(images, questions)
    assert table.shape == (3, len(current_schema()))
    alone = np.vstack([featurize([i], [q]) for i, q in zip(images, questions, strict=True)])
    assert (table == alone).all()


def test_one_question_per_image():
    with pytest.raises(ValueError, match="got 1 images and 2 questions"):
        featurize([squares(1, 8)], ["a", "b"])


def test_another_schema_is_refused():
    schema = FeatureSchema(("a", "b"))
    schema.refuse_other(FeatureSchema(("a", "b")).sha256)
    for other in (FeatureSchema(("b", "a")), FeatureSchema(("a", "b"), version=99)):
        with pytest.raises(PolicyError, match="fit it again"):
            schema.refuse_other(other.sha256)


def test_a_name_twice_is_refused():
    with pytest.raises(ValueError, match="got twice: \\['a'\\]"):
        FeatureSchema(("a", "a"))
