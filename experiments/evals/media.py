"""What a task shows, as pictures, be it pictures, files or frames."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from budget.errors import DataError
from budget.pictures import open_image

# Reads a video file as so many pictures.
ReadVideo = Callable[[str, int], list[Image.Image]]

_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
_SOUNDS = {".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus"}


class Media:
    """Turns visuals into pictures.

    Args:
        frames: pictures that a video is turned into, evenly spaced, the first and the last among
            them; None refuses video files and takes frames as they come.
        read_video: reads a file; None where nothing can.
    """

    def __init__(self, frames: int | None = None, read_video: ReadVideo | None = None) -> None:
        self.frames = frames
        self.read_video = read_video

    def pictures(self, visuals: Any) -> list[Image.Image]:
        """Return the pictures of a document, in order.

        Args:
            visuals: a PIL image, a path, an encoded image (bytes, or a dict with them), an array
                [h, w, 3] or of frames [n, h, w, 3], or a list of such things; None for none.

        Raises:
            DataError: for sound, a video without ``frames``, an address, or anything else.
        """
        if visuals is None:
            return []
        if isinstance(visuals, Image.Image):
            return [visuals]
        if isinstance(visuals, list | tuple):
            return [picture for each in visuals for picture in self.pictures(each)]
        if isinstance(visuals, np.ndarray):
            return self._array(visuals)
        if isinstance(visuals, bytes):
            return [open_image(visuals)]
        if isinstance(visuals, dict):
            return self._named(visuals)
        if isinstance(visuals, str | Path):
            return self._file(str(visuals))
        raise DataError(f"a visual must be a picture, frames or a path, got {type(visuals)}")

    def video(self, visual: Any) -> list[Image.Image]:
        """Return the pictures of a video: frames, or a file.

        Raises:
            DataError: as ``pictures``.
        """
        if isinstance(visual, str | Path):
            return self._video_file(str(visual))
        return self._kept(self.pictures(visual))

    def _array(self, values: np.ndarray[Any, Any]) -> list[Image.Image]:
        if values.dtype != np.uint8 or values.ndim not in (3, 4) or values.shape[-1] != 3:
            raise DataError(
                "an array must be of bytes, [h, w, 3] or [frames, h, w, 3], "
                f"got {values.dtype} {list(values.shape)}"
            )
        if values.ndim == 3:
            return [Image.fromarray(values)]
        return self._kept([Image.fromarray(frame) for frame in values])

    def _named(self, visual: dict[str, Any]) -> list[Image.Image]:
        if isinstance(visual.get("bytes"), bytes):
            return [open_image(visual["bytes"], name=str(visual.get("path") or "the image"))]
        if "array" in visual or visual.get("type") == "audio":
            raise DataError("a document has sound, which no model here hears")
        known = {"path", "bytes", "url", "type"}
        if set(visual) <= known and (place := visual.get("path") or visual.get("url")):
            is_video = visual.get("type") == "video"
            return self.video(place) if is_video else self.pictures(place)
        raise DataError(f"a visual with the fields {', '.join(map(str, visual))} is not read here")

    def _file(self, path: str) -> list[Image.Image]:
        if "://" in path or path.startswith("data:"):
            raise DataError(f"{path:.80} is an address; pictures are read from files only")
        ending = Path(path).suffix.lower()
        if ending in _SOUNDS:
            raise DataError(f"{path} is sound, which no model here hears")
        return [open_image(path)] if ending in _PICTURES else self._video_file(path)

    def _video_file(self, path: str) -> list[Image.Image]:
        if self.frames is None or self.read_video is None:
            raise DataError(
                f"{path} is a video; model_args frames=N turns a video into N pictures"
                if self.read_video
                else f"{path} is a video, which cannot be read here"
            )
        # Of a file that does not tell how many frames it has, a reader gives them all.
        return self._kept(self.read_video(path, self.frames))

    def _kept(self, pictures: list[Image.Image]) -> list[Image.Image]:
        wanted = len(pictures) if self.frames is None else self.frames
        return [pictures[i] for i in evenly(len(pictures), wanted)]


def evenly(count: int, wanted: int) -> Sequence[int]:
    """Return which of some frames are kept: evenly spaced, the first and the last among them.

    Example:
        >>> evenly(9, 3), evenly(2, 3), evenly(5, 1)
        ([0, 4, 8], [0, 1], [0])
    """
    if wanted >= count:
        return list(range(count))
    return [round(i) for i in np.linspace(0, count - 1, wanted).tolist()]
