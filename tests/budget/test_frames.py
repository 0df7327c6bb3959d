"""Frames of animations and files in a row: the right ones, as a viewer shows them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from budget.errors import DataError
from budget.frames import count_frames, evenly, read_frames

LOSSLESS = {"webp": {"lossless": True}, "png": {}, "gif": {}, "tiff": {}}


def stills(count):
    return [Image.new("RGB", (8, 6), (20 * i, 255 - 20 * i, 40)) for i in range(count)]


def animation(path, count, **how):
    first, *rest = stills(count)
    first.save(path, save_all=True, append_images=rest, **how)
    return path


def reds(frames):
    return [round(frame.getpixel((3, 3))[0] / 20) for frame in frames]


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize(("wanted", "places"), [(3, [2, 6, 10]), (1, [6]), (99, list(range(12)))])
def test_frames_are_the_middles_of_equal_stretches(tmp_path, kind, wanted, places):
    file = animation(tmp_path / f"clip.{kind}", 12, **LOSSLESS[kind])
    assert count_frames(file) == 12
    frames = read_frames([file], wanted)
    assert reds(frames) == places
    assert {(frame.mode, frame.size) for frame in frames} == {("RGB", (8, 6))}


def test_files_in_a_row_are_one_video(tmp_path):
    names = [tmp_path / f"{i}.png" for i in range(4)]
    for name, still in zip(names, stills(4), strict=True):
        still.save(name)
    assert reds(read_frames(names, 2)) == [1, 3]
    clip = animation(tmp_path / "clip.gif", 8)
    assert reds(read_frames([names[3], clip, names[0].read_bytes()], 5)) == [0, 2, 4, 6, 0]


def test_frames_do_not_change_while_others_are_read(tmp_path):
    first, *rest = read_frames([animation(tmp_path / "a.webp", 5, lossless=True)], 5)
    assert reds([first, *rest]) == list(range(5))
    first.paste((0, 0, 0), (0, 0, 8, 6))
    assert reds(rest) == [1, 2, 3, 4]


def test_what_is_transparent_lies_on_white_in_every_frame(tmp_path):
    frames = [Image.new("RGBA", (4, 4), (i, 0, 0, 0 if i % 2 else 255)) for i in range(4)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], disposal=1, blend=0)
    shown = [frame.getpixel((0, 0)) for frame in read_frames([tmp_path / "a.png"], 4)]
    assert shown == [(0, 0, 0), (255, 255, 255), (2, 0, 0), (255, 255, 255)]


def test_a_grey_key_stays_what_it_was_from_frame_to_frame(tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (0, 60, 120)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], transparency=120)
    assert [f.getpixel((0, 0))[0] for f in read_frames([tmp_path / "a.png"], 3)] == [0, 60, 255]


def test_what_is_broken_is_one_line_that_names_it(tmp_path):
    file = animation(tmp_path / "clip.gif", 12)
    file.write_bytes(file.read_bytes()[:-200])
    (tmp_path / "empty.gif").touch()
    with pytest.raises(DataError, match=r"clip\.gif is corrupt or cut off"):
        read_frames([file], 12)
    with pytest.raises(DataError, match=r"empty\.gif is empty"):
        read_frames([tmp_path / "empty.gif"], 2)
    with pytest.raises(ValueError, match="at least 1 frame must be wanted, got 0"):
        read_frames([animation(tmp_path / "b.gif", 2)], 0)


@given(st.integers(1, 200), st.integers(1, 200))
def test_places_rise_and_lie_evenly(count, wanted):
    places = evenly(count, wanted)
    assert len(places) == min(count, wanted)
    assert places == sorted(set(places))
    assert 0 <= places[0] <= places[-1] < count
    gaps = [b - a for a, b in pairwise(places)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert abs(places[0] - (count - 1 - places[-1])) <= 1
