from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from budget.errors import DataError
from experiments.evals.media import Media

RED, BLUE = Image.new("RGB", (4, 3), "red"), Image.new("RGB", (4, 3), "blue")


def encoded(image):
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def colours(images):
    return [image.convert("RGB").getpixel((0, 0)) for image in images]


@pytest.fixture
def path(tmp_path):
    RED.save(tmp_path / "red.PNG")
    return tmp_path / "red.PNG"


def test_pictures_of_every_kind_come_out_in_order(path):
    visuals = [
        BLUE,
        str(path),
        path,
        [RED, BLUE],
        encoded(BLUE),
        {"bytes": encoded(RED), "path": "x.png"},
        {"bytes": None, "path": str(path)},
        {"type": "image", "url": str(path)},
        np.asarray(BLUE),
        None,
    ]
    blue, red = (0, 0, 255), (255, 0, 0)
    assert colours(Media().pictures(visuals)) == [
        blue, red, red, red, blue, blue, red, red, red, blue,
    ]  # fmt: skip


def test_a_file_of_frames_is_read_as_many_as_asked_for():
    asked = []

    def read(path, frames):
        asked.append((path, frames))
        return [Image.new("L", (2, 2), i) for i in range(9)]  # more than asked for, as some are

    for visual in ("a.mp4", {"type": "video", "path": "a.mp4"}):
        found = Media(3, read).pictures(visual)
        assert [image.getpixel((0, 0)) for image in found] == [0, 4, 8]
    assert asked == [("a.mp4", 3)] * 2


def test_frames_are_pictures_like_any_other():
    frames = [Image.new("RGB", (2, 2), (i, 0, 0)) for i in range(5)]
    assert colours(Media().video(frames)) == colours(frames)
    assert colours(Media(2).video(frames)) == [(0, 0, 0), (4, 0, 0)]
    assert colours(Media(9).video(frames)) == colours(frames)
    stacked = np.stack([np.asarray(frame) for frame in frames])
    assert colours(Media(2).pictures([stacked])) == [(0, 0, 0), (4, 0, 0)]
    assert len(Media(2).pictures(frames)) == 5  # as a list of pictures they are no video


@pytest.mark.parametrize(
    ("visual", "line"),
    [
        ("film.mp4", "film.mp4 is a video, which cannot be read here"),
        ("a.wav", "a.wav is sound"),
        ({"array": np.zeros(3), "sampling_rate": 16000}, "a document has sound"),
        ({"type": "audio", "url": "x"}, "a document has sound"),
        ({"video": "x.mp4", "video_start": 3}, "fields video, video_start is not read here"),
        ("https://example.com/a.png", "is an address; pictures are read from files only"),
        ("data:image/png;base64,AAAA", "is an address"),
        ("nowhere.png", "nowhere.png"),
        (np.zeros((2, 2)), r"an array must be of bytes, .* got float64 \[2, 2\]"),
        (3, "a visual must be a picture, frames or a path, got <class 'int'>"),
    ],
)
def test_what_cannot_be_seen_is_refused(visual, line):
    with pytest.raises(DataError, match=line):
        Media(4).pictures([visual])


def test_a_video_without_frames_says_how_to_ask_for_them():
    with pytest.raises(DataError, match=r"film.mp4 is a video; model_args frames=N turns"):
        Media(None, lambda path, frames: []).pictures("film.mp4")
