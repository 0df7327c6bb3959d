"""LFM2-VL: an image of any shape is one grid of squares, or is cut into tiles.

The processor has two regimes, and its knobs mean other things in each. Without splitting, an image
costs between ``min_image_tokens`` and ``max_image_tokens``. With splitting, which is its default,
an image too large for twice ``max_image_tokens`` is cut into up to ``max_tiles`` tiles of one size,
and is seen whole once more: a lower ``max_image_tokens`` then costs more. So a cap up to the
checkpoint's own ``max_image_tokens`` splits nothing, and one above bounds the tiles alone.
"""

from dataclasses import dataclass
from typing import Any

from PIL.Image import Image

from budget.families.family import Family, image_token_id
from budget.families.qwen_vl import pixels_knob
from budget.families.seen import Seen
from budget.families.squares import SquaresKnob

_SHARES = (4, 2, 1)
_TILES = (2, 4, 6, 10)


@dataclass(frozen=True, slots=True)
class Unpadded:
    """A knob whose images are padded to what the cap allows; here they lose the padding again.

    What is padded costs the vision encoder as much as an image does, and keeps rungs apart that
    are the same but for it.

    Attributes:
        knob: that pads.
    """

    knob: SquaresKnob

    @property
    def name(self) -> str:
        """As users of the model know it."""
        return self.knob.name

    @property
    def ladder(self) -> tuple[int, ...]:
        """Default caps."""
        return self.knob.ladder

    @property
    def note(self) -> str:
        """What users must know of it."""
        return self.knob.note

    def check(self, scale: int) -> None:
        """Refuse a cap that cannot be kept."""
        self.knob.check(scale)

    def sized_kwargs(self, cap: int, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the image processor is given for a cap and an image's size."""
        return self.knob.sized_kwargs(cap, size)

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap."""
        seen = self.knob.see(image, scale)
        mask = seen.tensors["pixel_attention_mask"]
        longest = int(mask.sum(dim=1).max())
        cut = {name: seen.tensors[name][:, :longest] for name in _PADDED}
        return seen._replace(tensors={**seen.tensors, **cut})

    def encoder(self, model: Any, scale: int) -> Any:
        """Return the model."""
        return model


_PADDED = ("pixel_values", "pixel_attention_mask")


def tokens_knob(processor: Any, config: Any) -> Unpadded:
    """Return the knob that bounds an image's tokens, or its tiles."""
    images = processor.image_processor
    side = images.encoder_patch_size * images.downsample_factor
    tile, whole = (images.tile_size // side) ** 2, images.max_image_tokens
    seen_again = whole if images.use_thumbnail else 0
    splits = images.do_image_splitting

    def kwargs(cap: int, size: tuple[int, int]) -> dict[str, Any]:
        tiles = min((cap - seen_again) // tile, images.max_tiles)
        if splits and cap > whole and tiles >= images.min_tiles and _fits(images, size):
            return {"do_image_splitting": True, "max_tiles": tiles}
        most = min(cap, whole)
        # A small image is enlarged to the least number, and rounded up: half leaves room for that.
        least = min(images.min_image_tokens, max(most // 2, 1))
        return {"do_image_splitting": False, "min_image_tokens": least, "max_image_tokens": most}

    return Unpadded(
        SquaresKnob(
            name="max_image_tokens, max_tiles",
            ladder=_caps(images, tile, seen_again),
            processor=processor,
            token_id=image_token_id(config),
            side=side,
            sized_kwargs=kwargs,
        )
    )


def _fits(images: Any, size: tuple[int, int]) -> bool:
    """Return whether the whole image, beside its tiles, has no more squares than it may.

    Of a strip it has more, for which the processor fails.
    """
    width, height = images.smart_resize(
        width=size[0],
        height=size[1],
        downsample_factor=images.downsample_factor,
        min_image_tokens=images.min_image_tokens,
        max_image_tokens=images.max_image_tokens,
        encoder_patch_size=images.encoder_patch_size,
    )
    side = images.encoder_patch_size * images.downsample_factor
    return bool(width * height <= images.max_image_tokens * side * side)


def _caps(images: Any, tile: int, seen_again: int) -> tuple[int, ...]:
    """Return shares of what an image costs unsplit, then what the numbers of tiles cost."""
    caps = {max(images.max_image_tokens // share, 1) for share in _SHARES}
    if images.do_image_splitting:
        counts = {n for n in _TILES if images.min_tiles <= n < images.max_tiles} | {
            images.max_tiles
        }
        caps |= {n * tile + seen_again for n in counts}
    return tuple(sorted(caps))


FAMILIES = (
    Family("LFM2-VL", ("lfm2_vl",), tokens_knob, needs_torchvision=True),
    # Images as Qwen-VL's.
    Family("LFM3-VL", ("lfm3_vl",), pixels_knob),
)
