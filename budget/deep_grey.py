"""Grey values of more than 8 bits, brought to the 8 bits that a screen shows."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from budget.errors import DataError

_WHITE = 65_535
# 65,535 is 255 x 257, so 8 bits are the 16 bits over 257, rounded to the nearest.
_TO_8_BITS = ((np.arange(_WHITE + 1) + 128) // 257).astype(np.uint8)


def from_deep_grey(image: Image.Image, key: int | None, name: str) -> Image.Image:
    """Return a 16-bit image as RGB.

    A 32-bit integer image (mode ``I``) is read as 16 bits, as Pillow reads and writes 16-bit PNG
    and PGM in it, and only if all values fit. Floating-point images are refused: black and white
    lie at 0 and 1 in some files, at 0 and 255 or elsewhere in others, and none says where.

    Args:
        image: an image of mode ``I``, ``F`` or one that begins with ``I;16``.
        key: the value that is transparent, and so white; None if there is none.
        name: what errors call the image.

    Raises:
        DataError: if the values do not say what is black and what is white.
    """
    if image.mode == "F":
        raise DataError(
            f"{name} has floating-point values, which do not say where black and white lie; "
            "legal are 8 and 16 bits"
        )
    values: NDArray[np.integer] = np.asarray(image)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > _WHITE:
        raise DataError(f"{name} has grey values from {low} to {high}; legal are 0 to {_WHITE}")
    grey = _TO_8_BITS[values]
    if key is not None:
        grey[values == key] = 255
    return Image.fromarray(grey).convert("RGB")
