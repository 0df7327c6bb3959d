"""Where the cells of a heat map lie in the image: padded, cropped, cut into tiles."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from budget.explaining.grids import Places, lay_together, places_of, share_out
from budget.explaining.heat import heat_maps
from budget.explaining.maps import Box, HeatMap, normalised
from budget.explaining.overlay import overlay
from budget.images import to_pixels
from budget.tiles import cut_tiles

SIDE = 32


def seen_by(*, aspect=None, pinpoints=(), crop=SIDE, shortest=SIDE):
    """What of a model decides where its grid lies."""
    processor = SimpleNamespace(
        size=SimpleNamespace(shortest_edge=shortest),
        crop_size=SimpleNamespace(height=crop, width=crop),
        do_center_crop=True,
        do_resize=True,
    )
    return SimpleNamespace(aspect=aspect, pinpoints=pinpoints, side=SIDE, image_processor=processor)


def spot_picture(size, at):
    """A black picture with a bright square of 8 pixels a side around a place."""
    picture = Image.new("RGB", size)
    x, y = at
    picture.paste((255, 255, 255), (x - 4, y - 4, x + 4, y + 4))
    return picture


def brightness(square):
    """The mean of 8x8 cells of a picture of SIDE a side."""
    grey = np.asarray(square.convert("L"), dtype=np.float64)
    return grey.reshape(SIDE // 8, 8, SIDE // 8, 8).mean(axis=(1, 3))


def map_on(raw, box, **changes):
    heat, peak = normalised(np.asarray(raw, dtype=np.float64))
    given = HeatMap(1, "yes", heat, peak, raw, -1.0, True, box, "element-wise", "vision")
    return given._replace(**changes)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 32), (0, -16, 64, 48)), ((32, 65), (-16, 0, 49, 65)), ((20, 20), (0, 0, 20, 20))],
)
def test_a_padded_grid_reaches_beyond_the_image(size, expected):
    places = places_of(seen_by(aspect="pad"), Image.new("RGB", size))
    assert places.whole == expected


@pytest.mark.parametrize(
    ("size", "crop", "expected"),
    [
        ((64, 32), 32, (16, 0, 48, 32)),
        ((32, 64), 32, (0, 16, 32, 48)),
        ((64, 64), 24, (8, 8, 56, 56)),
    ],
)
def test_a_cropped_grid_is_the_middle_of_the_image(size, crop, expected):
    assert places_of(seen_by(crop=crop), Image.new("RGB", size)).whole == expected


@pytest.mark.parametrize("pad", [True, False])
@pytest.mark.parametrize(("size", "at"), [((96, 64), (60, 20)), ((48, 120), (20, 70))])
def test_a_place_is_where_the_pixels_of_its_cell_come_from(m3, pad, size, at):
    """The truth is the model's own image processor, run on a picture with one bright spot."""
    processor = m3.model.image_processor
    pixels = to_pixels([spot_picture(size, at)], processor, pad=pad)[0].mean(0).numpy()
    row, column = np.unravel_index(int(pixels.argmax()), pixels.shape)
    runner = SimpleNamespace(
        aspect="pad" if pad else None, pinpoints=(), side=336, image_processor=processor
    )
    left, top, right, bottom = places_of(runner, Image.new("RGB", size)).whole
    x = left + (column + 0.5) * (right - left) / pixels.shape[1]
    y = top + (row + 0.5) * (bottom - top) / pixels.shape[0]
    assert abs(x - at[0]) <= 4.5
    assert abs(y - at[1]) <= 4.5


@pytest.mark.parametrize(
    ("size", "pinpoints", "at"),
    [
        ((64, 64), [(64, 64)], (52, 12)),
        ((96, 48), [(64, 64), (96, 32)], (76, 30)),
        ((40, 100), [(32, 96)], (10, 88)),
    ],
)
def test_tiles_and_the_whole_image_show_a_spot_at_one_place(size, pinpoints, at):
    runner = seen_by(aspect="anyres", pinpoints=pinpoints)
    picture = spot_picture(size, at)
    maps = [brightness(square) for square in cut_tiles(picture, pinpoints, SIDE)]
    places = places_of(runner, picture)
    for chosen in ([maps[0], *(0 * each for each in maps[1:])], [0 * maps[0], *maps[1:]], maps):
        raw, box = lay_together(chosen, places)
        x, y = map_on(raw, box).peak_pixel
        cell = (box.right - box.left) / raw.shape[1]
        reach = max(cell, size[0] / 4 / 2, size[1] / 4 / 2)
        assert abs(x - at[0]) <= reach
        assert abs(y - at[1]) <= reach
        assert raw.sum() == pytest.approx(sum(each.sum() for each in chosen))


def test_sharing_out_keeps_what_is_covered_and_cuts_what_is_not():
    values = np.random.default_rng(0).random((5, 7))
    finer = share_out(values, Box(0, 0, 70, 50), Box(-3, -9, 80, 61), (11, 13))
    assert finer.sum() == pytest.approx(values.sum())
    same = share_out(values, Box(0, 0, 7, 5), Box(0, 0, 7, 5), (5, 7))
    np.testing.assert_allclose(same, values, atol=1e-12)
    half = share_out(np.ones((2, 2)), Box(0, 0, 2, 2), Box(0, 0, 1, 2), (1, 1))
    assert half.tolist() == [[2.0]]


def test_a_map_without_tiles_is_left_as_it_is():
    raw, box = lay_together([np.ones((2, 2))], Places(Box(0, 0, 4, 4)))
    assert (raw.tolist(), box) == ([[1, 1], [1, 1]], (0, 0, 4, 4))


def test_a_model_with_tiles_has_one_map_of_all_of_them(m3_next):
    model, image = m3_next.model, m3_next.images[0]
    (each,) = heat_maps(model, image, m3_next.questions[0], (9,), max_new_tokens=2)
    (grids,) = (len(features) for features in model.encode([image]))
    side = model.shape.grid_tokens**0.5
    assert each.heat.size == (grids - 1) * side**2
    assert each.heat.max() == 1.0
    x, y = each.peak_pixel
    assert 0 <= x <= image.width
    assert 0 <= y <= image.height


def test_an_overlay_colours_the_hottest_cell_and_keeps_the_size():
    picture = Image.new("RGB", (40, 20), (100, 100, 100))
    heat = map_on([[0, 0], [0, 1.0]], Box(0, -10, 40, 30))
    laid = np.asarray(overlay(picture, heat)).astype(int)
    assert laid.shape == (20, 40, 3)
    hot, cold = laid[15, 30], laid[5, 5]
    assert hot[0] - hot[2] > 60  # the top of the colours is a light yellow
    assert abs(cold[0] - cold[2]) < 20
    assert (laid[10:, 20:] == hot).all()
    assert (laid[:10] == cold).all()


def test_what_a_model_does_not_see_is_dark_and_bears_no_colour():
    picture = Image.new("RGB", (40, 20), (200, 100, 50))
    laid = np.asarray(overlay(picture, map_on([[1.0]], Box(10, 0, 30, 20)))).astype(int)
    outside, inside = laid[5, 3], laid[5, 20]
    assert outside.max() == outside.min() < 60
    assert inside.max() > 150
    assert (laid[:, 10:30] == inside).all()


def test_an_overlay_takes_images_of_any_mode():
    heat = map_on([[1.0, 0.0]], Box(0, 0, 8, 8))
    for mode in ("L", "RGBA", "P", "1"):
        assert overlay(Image.new(mode, (8, 8)), heat).mode == "RGB"
