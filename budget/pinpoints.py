"""The resolutions that a model which cuts images into tiles may fit an image into."""

import ast
from typing import Any

from budget.errors import ModelError

Resolution = tuple[int, int]


def parse_pinpoints(value: Any, side: int) -> tuple[Resolution, ...]:
    """Return the resolutions that images may be fitted into.

    Args:
        value: ``image_grid_pinpoints`` of an original configuration: a list of [width, height],
            or the same as text.
        side: pixels a side that the vision tower reads.

    Raises:
        ModelError: if it is no such list, or a size is no multiple of ``side``.

    Example:
        >>> parse_pinpoints("[(336, 672), (672, 672)]", 336)
        ((336, 672), (672, 672))
    """
    try:
        listed = ast.literal_eval(value) if isinstance(value, str) else value
        pinpoints = tuple((int(width), int(height)) for width, height in listed)
    except (TypeError, ValueError, SyntaxError):
        pinpoints = ()
    if not pinpoints or any(x < side or x % side for pair in pinpoints for x in pair):
        raise ModelError(
            f"image_grid_pinpoints must list widths and heights that are multiples of {side}, "
            f"got {value!r}"
        )
    return pinpoints
