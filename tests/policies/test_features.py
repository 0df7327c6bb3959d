import subprocess
import sys
import zlib
from io import BytesIO
from itertools import groupby

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from budget.errors import DataError, PolicyError
from policies.colours import COLOUR_NAMES
from policies.detail_features import SIDES
from policies.features import FeatureSchema, current_schema, featurize
from policies.heights import run_pixels
from policies.question_features import QUESTION_NAMES, hash_characters
from policies.raster import make_rasters


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


def photograph(size):
    """Smooth shades with a few shapes on them, unlike noise the same at every scale."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    image = Image.fromarray(
        np.stack([255 * x / width, 255 * y / height, 128 + 0 * x], axis=-1).astype(np.uint8)
    )
    draw = ImageDraw.Draw(image)
    draw.ellipse([width // 8, height // 8, width // 2, height // 2], fill=(220, 30, 30))
    draw.rectangle([width // 2, height // 2, width - 9, height - 9], fill=(20, 30, 120))
    return image


def as_file(image, kind="JPEG", **more):
    file = BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def features(image, question="?"):
    """The features of one picture and question, by name."""
    return dict(zip(current_schema().names, featurize([image], [question])[0], strict=True))


@pytest.mark.parametrize("size", [(1, 1), (96, 96), (500, 1200), (7, 3), (336, 336), (5000, 97)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK"])
def test_any_size_and_mode_gives_finite_columns(size, mode):
    found = features(noise(size).convert(mode))
    assert np.isfinite(list(found.values())).all()
    assert (found["width"], found["height"]) == size


def test_features_are_of_the_picture_as_it_is_shown():
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = noise((40, 30))
    lying.info["exif"] = exif.tobytes()
    assert features(lying) == features(noise((40, 30)).transpose(Image.Transpose.ROTATE_270))
    with pytest.raises(DataError, match="the image has no pixels, it is 0 x 5"):
        features(Image.new("RGB", (0, 5)))


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_bytes_are_read_like_the_image_that_they_hold(kind):
    image = noise((300, 200))
    assert features(as_file(image, kind)) == features(image)


@pytest.mark.parametrize("size", [(1920, 1080), (640, 480), (100, 90), (96, 2000)])
def test_a_jpeg_of_any_size_looks_as_if_it_were_decoded_in_full(size):
    file = as_file(photograph(size), quality=95)
    drafted, whole = make_rasters([file]), make_rasters([Image.open(BytesIO(file))])
    assert drafted.sizes.tolist() == whole.sizes.tolist() == [list(size)]
    difference = np.abs(drafted.planes.astype(int) - whole.planes.astype(int))
    assert np.median(difference) <= 2
    assert np.allclose(drafted.means, whole.means, atol=2)


def test_a_lying_jpeg_is_stood_up():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the right by a quarter
    image = photograph((1600, 800))
    file = as_file(image, quality=95, exif=exif)
    upright = as_file(image.transpose(Image.Transpose.ROTATE_270), quality=95)
    assert features(file)["width"] == 800
    assert features(file)["height"] == 1600
    turned, straight = make_rasters([file]).planes, make_rasters([upright]).planes
    assert np.abs(turned.astype(int) - straight.astype(int)).mean() < 2


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the image is empty"),
        (b"no image", "the image is no image"),
        (as_file(photograph((800, 600)))[:3000], "the image is corrupt or cut off"),
    ],
)
def test_bytes_that_are_no_image_are_refused(data, problem):
    with pytest.raises(DataError, match=problem):
        featurize([data], ["?"])


def test_the_raster_is_the_picture_where_it_fits():
    image = noise((96, 96))
    pixels = np.asarray(image)
    planes = make_rasters([squares(3, 8), image]).planes[1]
    assert (planes[:3] == pixels.transpose(2, 0, 1)).all()
    assert (planes[3] == (pixels @ np.array([77, 150, 29]) + 128) >> 8).all()
    assert (planes[4] == np.ptp(pixels, axis=2)).all()


def test_a_flat_picture_has_nothing_to_lose():
    found = features(Image.new("RGB", (200, 100), (90, 140, 60)))
    for name, value in found.items():
        if name.startswith(("lost_", "edges_", "strong_", "strokes_", "fineness_")):
            assert value == pytest.approx(0.0, abs=1e-3), name  # float32 rounding
    assert found["height_50"] == 96  # all of it is one green thing


@pytest.mark.parametrize("seed", range(3))
def test_steps_and_strokes_are_those_of_neighbours(seed):
    image = noise((96, 96), seed).filter(ImageFilter.BoxBlur(seed))
    pixels = np.asarray(image, dtype=np.int64)
    luma = (pixels @ [77, 150, 29] + 128) >> 8
    found = features(image)
    for side in (48, 24, 12):
        cells = luma.reshape(side, 96 // side, side, 96 // side).mean(axis=(1, 3))
        steps = np.abs(np.concatenate([np.diff(cells, axis=a).ravel() for a in (0, 1)]))
        assert found[f"edges_{side}"] == pytest.approx(steps.mean(), rel=1e-12)
        assert found[f"strong_edges_{side}"] == (steps > 50).mean()
    rows = np.abs(2 * luma[:, 1:-1] - luma[:, :-2] - luma[:, 2:]) > 60
    columns = np.abs(2 * luma[1:-1] - luma[:-2] - luma[2:]) > 60
    assert found["strokes_rows"] == np.count_nonzero(rows) / 94**2
    assert found["strokes_columns"] == np.count_nonzero(columns) / 94**2
    assert found["strokes_both"] == np.count_nonzero(rows[1:-1] & columns[:, 1:-1]) / 94**2


@pytest.mark.parametrize("side", SIDES[1:])
def test_lost_detail_is_the_variance_inside_the_cells(side):
    pixels = np.asarray(noise((96, 96)), dtype=np.float64)
    cell = 96 // side
    blocks = pixels.reshape(side, cell, side, cell, 3)
    inside = blocks.var(axis=(1, 3)).mean(axis=(0, 1)).sum()
    share = inside / pixels.var(axis=(0, 1)).sum()
    assert features(noise((96, 96)))[f"lost_colour_{side}"] == pytest.approx(share, abs=1e-5)


def test_finer_grids_never_lose_more():
    found = features(squares(5, 9))
    for coarse, fine in ((2, 4), (3, 6), (4, 12), (6, 24), (12, 48), (8, 48)):
        assert found[f"lost_colour_{coarse}"] >= found[f"lost_colour_{fine}"]


@pytest.mark.parametrize("count", [1, 5, 16])
def test_separate_squares_are_counted(count):
    found = features(squares(count, 10), "Is it red?")
    assert found["named_pieces"] == count
    assert found["height_0"] == found["height_100"] == found["named_height_50"] == 10
    assert found["named_share"] == found["hue_share"] == pytest.approx(count * 100 / 96**2)


def test_smaller_things_are_lower_and_finer():
    large, small = features(squares(4, 20)), features(squares(16, 5))
    assert large["height_50"] > small["height_50"]
    for name in ("fineness_colour", "fineness_saturation", "lost_saturation_6"):
        assert small[name] > large[name]


def test_heights_are_weighed_by_the_pixels_that_stand_so_high():
    image = squares(3, 8)
    ImageDraw.Draw(image).rectangle([40, 40, 69, 69], fill=(50, 80, 225))
    found = features(image)  # 3 of 64 pixels, 1 of 900
    assert [found[f"height_{percent}"] for percent in (0, 10, 25, 50, 100)] == [8, 8, 30, 30, 30]


def test_squares_of_two_colours_on_each_other_are_two_things():
    image = Image.new("RGB", (96, 96), (128, 128, 128))
    draw = ImageDraw.Draw(image)
    draw.rectangle([10, 10, 29, 29], fill=(220, 40, 40))
    draw.rectangle([10, 30, 29, 41], fill=(50, 80, 225))
    heights = run_pixels(make_rasters([image, image]).columns)
    found = {
        (int(p), COLOUR_NAMES[c], int(length)): int(heights[p, c, length])
        for p, c, length in np.argwhere(heights)
        if COLOUR_NAMES[c] != "gray"
    }
    # Ten columns of twenty are looked at.
    expected = {("red", 20): 200, ("blue", 12): 120}
    assert found == {(p, *run): pixels for p in (0, 1) for run, pixels in expected.items()}


def runs_by_hand(column):
    """Lengths of the runs of one colour in a column, by colour."""
    return [(colour, len(list(run))) for colour, run in groupby(column.tolist())]


def test_runs_end_where_columns_and_pictures_end():
    columns = np.random.default_rng(0).integers(0, 3, (4, 7, 10)).astype(np.uint8)
    columns[2] = 1  # every column is one run, the last one of the picture before likewise
    expected = np.zeros((4, 12, 11), dtype=int)
    for p, picture in enumerate(columns):
        for colour, length in (run for column in picture for run in runs_by_hand(column)):
            expected[p, colour, length] += length
    assert (run_pixels(columns) == expected).all()
    assert (run_pixels(columns[2:3]) == expected[2:3]).all()


def test_thin_lines_look_like_text_and_blocks_do_not():
    page = Image.new("RGB", (96, 96), "white")
    for y in range(4, 92, 8):
        ImageDraw.Draw(page).line([4, y, 92, y], fill="black")
    assert features(page)["strokes_columns"] > 0.1
    assert features(squares(9, 12))["strokes_columns"] == 0


@pytest.mark.parametrize(
    ("name", "rgb"),
    [("red", (220, 40, 40)), ("cyan", (60, 205, 215)), ("white", (250, 250, 250))],
)
def test_a_plain_colour_covers_everything(name, rgb):
    image = Image.new("RGB", (50, 50), rgb)
    shares = {n: features(image, f"Is it {n}?")["named_share"] for n in COLOUR_NAMES}
    assert shares == {n: float(n == name) for n in COLOUR_NAMES}


def test_the_named_colour_is_looked_up():
    found = features(squares(4, 12), "What is on the red plate?")
    assert found["named_colours"] == 1
    assert found["named_pieces"] == 4
    assert found["named_piece_size"] == 144
    assert found["named_height_50"] == 12
    assert found["named_best_24"] == 1.0  # 4 x 4 cells fit into the squares
    assert found["named_best_2"] == pytest.approx(2 * 144 / 48**2)


def test_without_a_named_colour_there_is_nothing_to_look_up():
    alone = features(squares(4, 12), "How many?")
    assert {v for n, v in alone.items() if n.startswith("named_")} == {0.0}
    table = featurize([squares(4, 12)] * 2, ["How many?", "How many are red?"])
    assert (table[0] == list(alone.values())).all()


def test_of_two_colours_the_rarer_counts():
    for question in ("Is red left of gray?", "Is gray left of red?"):
        assert features(squares(4, 12), question)["named_pieces"] == 4


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
    assert features(squares(1, 8), question)[flag] == 1.0


def test_choices_are_counted():
    image = squares(1, 8)
    assert features(image, "Which?\nA. one\nB. two\nC. three")["num_options"] == 3
    assert features(image, "Is it day or night?")["num_options"] == 2
    assert features(image, "Is it day or night?")["asks_yes_no"] == 0


@pytest.mark.parametrize(
    "words", [[], [b"a"], [b"it's"], [b"how", b"many", b"7"], [b"x" * 70] * 9], ids=len
)
def test_runs_of_characters_are_in_the_bucket_of_their_crc(words):
    text = b" " + b" ".join(words) + b" "
    expected = np.zeros(16)
    for i in range(len(text) - 3):
        expected[zlib.crc32(text[i : i + 4]) % 16] += 1
    assert hash_characters(words) == expected.tolist()


def test_letters_outside_ascii_part_words():
    plain, marked = (features(squares(1, 8), q) for q in ("na ve sign", "na\u00efve \ud800 sign"))
    hashed = [n for n in plain if n.startswith(("words_", "characters_", "num_words"))]
    assert [plain[name] for name in hashed] == [marked[name] for name in hashed]


def test_features_do_not_depend_on_the_process():
    code = (
        "from policies.question_features import question_features;"
        "print(question_features(['what color is it']).tolist())"
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
    colours = ("red", "blue", "gray", "pink")
    images = [noise((96, 96)), squares(3, 8), Image.new("L", (9, 9)), photograph((700, 400))] * 9
    questions = [f"Is number {i} {colours[i % 3]}?" for i in range(len(images))]
    questions[5] = "How many?"
    table = featurize(images, questions)
    assert table.shape == (36, len(current_schema()))
    alone = np.vstack([featurize([i], [q]) for i, q in zip(images, questions, strict=True)])
    assert (table == alone).all()


def test_nothing_gives_an_empty_table():
    assert featurize([], []).shape == (0, len(current_schema()))


def test_one_question_per_image():
    with pytest.raises(ValueError, match="got 1 images and 2 questions"):
        featurize([squares(1, 8)], ["a", "b"])


def test_another_schema_is_refused():
    schema = FeatureSchema(("a", "b"))
    schema.refuse_other(FeatureSchema(("a", "b")).sha256)
    others = (
        FeatureSchema(("b", "a")),
        FeatureSchema(("a", "b"), version=99),
        FeatureSchema(("a", "b"), parameters={"grid_sides": (1, 2)}),
    )
    for other in others:
        with pytest.raises(PolicyError, match="fit it again"):
            schema.refuse_other(other.sha256)


def test_a_name_twice_is_refused():
    with pytest.raises(ValueError, match="got twice: \\['a'\\]"):
        FeatureSchema(("a", "a"))


def test_every_question_feature_has_a_name():
    assert len(QUESTION_NAMES) == sum(n in QUESTION_NAMES for n in current_schema().names)
