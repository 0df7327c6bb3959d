"""MiniCPM-V: an image is seen whole and, if it is large, as slices of a size of their own beside.

Two settings of the image processor make it cheaper: fewer slices, and below one slice a smaller
resolution of the whole. A third, which merges patches four instead of sixteen to a token, makes it
dearer; it is taken for caps above what all slices cost at sixteen, and the model is told as well.

What a setting costs depends on the image's shape: sides are rounded to whole squares of patches,
so that a part of 64 tokens has up to 72 and a strip many more. The setting is therefore chosen
for each image: of those that keep the cap the one that gives most tokens. Only strips of more
than a thousand to one may cost more than the smallest caps, and it is counted.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from PIL.Image import Image

from budget.families.family import Family, image_token_id
from budget.families.seen import Seen, see
from budget.pictures import as_shown

_COARSE, _FINE = "16x", "4x"
_MERGED = {_COARSE: 16, _FINE: 4}
_SHARES = (7, 6, 5, 4, 3, 2, 1)  # eighths of a resolution's side, for less than one whole image
_LEAST = 1  # pixels a side of a resolution that brings an image to one token


class Setting(NamedTuple):
    """How the image processor treats an image.

    Attributes:
        slices: at most.
        resolution: side of a square that has as many pixels as a slice.
        mode: how many patches become one token.
    """

    slices: int
    resolution: int
    mode: str

    @property
    def kwargs(self) -> dict[str, Any]:
        """Keyword arguments of the image processor."""
        return {
            "max_slice_nums": self.slices,
            "scale_resolution": self.resolution,
            "downsample_mode": self.mode,
        }


class SlicesKnob:
    """Chooses slices, resolution and mode for a cap and an image's shape.

    Args:
        processor: of the model.
        config: of the model.

    Attributes:
        name: as users read it.
        ladder: from half a resolution's side to all slices that the checkpoint allows.
        note: what users must know.
    """

    name = "max_slice_nums, scale_resolution, downsample_mode"
    note = "caps above the default ladder's are met with downsample_mode '4x'"

    def __init__(self, processor: Any, config: Any) -> None:
        self._processor, self._token_id = processor, image_token_id(config)
        images = processor.image_processor
        self._patch = images.patch_size
        each = images.scale_resolution**2 // (self._patch**2 * _MERGED[_COARSE])
        each += each // 8  # what rounding to whole squares may add
        self._usual = each * (1 + images.max_slice_nums)
        parts = [1 + n for n in (2, 4, 9) if n <= images.max_slice_nums]
        self.ladder = tuple(sorted({max(each // 4, 1), each, *(each * n for n in parts)}))
        self._settings = _settings(images.max_slice_nums, images.scale_resolution)
        self._setting_for = lru_cache(maxsize=4096)(self._find_setting)

    def check(self, scale: int) -> None:
        """Refuse a cap of no tokens; any other can be kept."""
        if scale < 1:
            raise ValueError(f"no image costs less than 1 visual token, got a scale of {scale}")

    def sized_kwargs(self, scale: int, size: tuple[int, int]) -> dict[str, Any]:
        """Return the keyword arguments of the image processor for a size under a cap."""
        return self._setting_for(size, scale).kwargs

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap."""
        kwargs = self.sized_kwargs(scale, as_shown(image).size)
        mode = kwargs["downsample_mode"]
        seen = see(self._processor, image, kwargs, self._token_id, downsample_mode=mode)
        start, end = self._processor.image_id_start_token, self._processor.image_id_end_token
        # Images are numbered where they stand in a prompt; here each is the first.
        first = f"{start}0{end}"
        if not seen.text.startswith(first):
            return seen
        return seen._replace(text=seen.text.removeprefix(first), number=(start, end))

    def encoder(self, model: Any, scale: int) -> Any:
        """Return the model."""
        return model

    def _find_setting(self, size: tuple[int, int], cap: int) -> Setting:
        costs = [
            (self._tokens(size, each), i)
            for i, each in enumerate(self._settings)
            if each.mode == _COARSE or cap > self._usual
        ]
        kept = [pair for pair in costs if pair[0] <= cap]
        # Of settings that cost the same, the later one has more slices.
        return self._settings[max(kept)[1] if kept else min(costs)[1]]

    def _tokens(self, size: tuple[int, int], setting: Setting) -> int:
        """Return what the image processor's own rules of sizes come to."""
        images, shape = self._processor.image_processor, (size[1], size[0])
        grid = None
        if images.slice_mode:
            grid = images.get_sliced_grid(shape, setting.slices, setting.resolution)
        whole = images.find_best_resize(
            shape, setting.resolution, self._patch, setting.mode, allow_upscale=grid is None
        )
        patches = _patches(whole, self._patch)
        if grid is not None:
            height, width = images.get_refine_size(
                shape, grid, setting.resolution, self._patch, setting.mode, allow_upscale=True
            )
            rows, columns = grid
            each = _patches((height // rows, width // columns), self._patch)
            patches += rows * columns * each
        return patches // _MERGED[setting.mode]


def _patches(size: Sequence[int], side: int) -> int:
    return (size[0] // side) * (size[1] // side)


def _settings(slices: int, resolution: int) -> tuple[Setting, ...]:
    """Return all settings, about from cheap to dear."""
    small = [Setting(1, resolution * share // 8, _COARSE) for share in reversed(_SHARES)]
    return (
        Setting(1, _LEAST, _COARSE),
        *small,
        *(Setting(n, resolution, _COARSE) for n in range(1, slices + 1)),
        *(Setting(n, resolution, _FINE) for n in range(1, slices + 1)),
    )


FAMILIES = (Family("MiniCPM-V", ("minicpmv4_6", "minicpmv4_7"), SlicesKnob),)
