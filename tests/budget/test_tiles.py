import pytest
import torch
from PIL import Image

from budget.adaptive import AdaptiveVLM, Budget, FullScale
from budget.errors import ModelError
from budget.pinpoints import parse_pinpoints
from budget.tiles import best_resolution, count_grids, cut_tiles

NEXT = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)]


@pytest.mark.parametrize(
    ("size", "best"),
    [
        ((336, 672), (336, 672)),
        ((1000, 1000), (672, 672)),
        ((2000, 500), (1008, 336)),
        ((500, 2000), (336, 1008)),
        ((10, 10), (336, 672)),  # all keep it whole; the first of the least wasteful is taken
        ((20000, 1), (336, 672)),  # less than one pixel high everywhere: the same
        ((9000, 90), (1008, 336)),
    ],
)
def test_the_resolution_that_keeps_most_is_taken(size, best):
    assert best_resolution(size, NEXT) == best


def test_tiles_are_the_image_cut_row_by_row_after_the_whole():
    quarters = Image.new("RGB", (672, 672))
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
    for i, colour in enumerate(colours):
        quarters.paste(
            colour, (336 * (i % 2), 336 * (i // 2), 336 * (i % 2 + 1), 336 * (i // 2 + 1))
        )
    whole, *tiles = cut_tiles(quarters, [(672, 672)], 336)
    assert [tile.getcolors() for tile in tiles] == [[(336 * 336, colour)] for colour in colours]
    assert whole.size == (336, 336)
    assert [whole.getpixel(at) for at in ((9, 9), (320, 9), (9, 320), (320, 320))] == colours


def test_an_image_is_centred_on_black():
    _, *tiles = cut_tiles(Image.new("RGB", (50, 10), "white"), [(1008, 336)], 336)
    assert len(tiles) == 3
    column = [tiles[1].getpixel((168, y))[0] for y in range(336)]
    kept = 202  # 10 * 1008 / 50, rounded up
    assert column == [0] * 67 + [255] * kept + [0] * 67


@pytest.mark.parametrize(
    ("size", "grids"), [((672, 672), 5), ((300, 900), 4), ((900, 300), 4), ((300, 600), 3)]
)
def test_grids_are_counted_without_cutting(size, grids):
    assert count_grids(size, NEXT, 336) == grids
    assert len(cut_tiles(Image.new("RGB", size), NEXT, 336)) == grids


@pytest.mark.parametrize("value", [None, [], "rm -rf", "[(336, 500)]", [[336]], [[0, 336]], 7])
def test_grids_that_cannot_be_cut_are_refused(value):
    with pytest.raises(ModelError, match="multiples of 336, got"):
        parse_pinpoints(value, 336)


def test_another_grid_of_tiles_runs(m3_next, tmp_path):
    """The number of tiles follows the image's shape, and every tile has m tokens."""
    import json
    import shutil

    from budget.models import load_model

    folder = tmp_path / "copy"
    shutil.copytree(m3_next.folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "image_grid_pinpoints": str(NEXT)}))
    model = load_model(folder)
    wide, tall, square = (
        Image.new("RGB", size, "teal") for size in ((900, 300), (300, 600), (9, 9))
    )
    answers = model.answer(
        [wide, tall, [square, wide], None], ["What?"] * 4, num_visual_tokens=9, max_new_tokens=2
    )
    assert [answer.grids for answer in answers] == [4, 3, 7, 0]
    assert [answer.num_visual_tokens for answer in answers] == [36, 27, 63, 0]
    ((adaptive,), five) = (
        AdaptiveVLM(each, FullScale(each.ladder)).answer(
            [tall], ["What?"], budget=Budget(num_visual_tokens=9), max_new_tokens=2
        )
        for each in (model, m3_next.model)
    )
    assert (adaptive.num_visual_tokens, adaptive.grids) == (27, 3)
    assert (five[0].num_visual_tokens, five[0].grids) == (45, 5)
    (alone,) = model.answer([tall], ["What?"], num_visual_tokens=9, max_new_tokens=2)
    assert alone.token_ids == answers[1].token_ids


def test_a_turned_photo_is_cut_as_it_is_shown(m3_next, tmp_path):
    """A camera's portrait: stored wide, shown tall."""
    upright = Image.effect_mandelbrot((60, 90), (-2, -1, 1, 1), 20).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "photo.png", exif=exif)
    with Image.open(tmp_path / "photo.png") as photo:
        assert photo.size == (90, 60)
        turned, straight = m3_next.model.encode([photo, upright])
    assert torch.equal(turned, straight)
