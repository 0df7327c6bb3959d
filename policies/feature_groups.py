"""Groups of features that belong together, with the words that people know them by."""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.features import current_schema


class FeatureGroup(NamedTuple):
    """Features that say the same sort of thing.

    Attributes:
        name: in tables and JSON.
        words: what it is, to be read after "because of" or at the start of a line.
        prefixes: beginnings of the names of its features; the longest one that fits decides.
    """

    name: str
    words: str
    prefixes: tuple[str, ...]


# Colours are seen as a whole: where light and dark lie goes with how light and dark they are.
GROUPS = (
    FeatureGroup("size", "the size and shape of the image", ("width", "height", "log_a")),
    FeatureGroup(
        "colours",
        "the colours and brightness of the image",
        (
            *("red_", "green_", "blue_", "luma_", "saturation_", "saturated", "hue", "colour_"),
            "thumbnail_",
        ),
    ),
    FeatureGroup(
        "detail",
        "the fine detail of the image",
        ("lost_", "fineness_", "edges_", "strong_edges_"),
    ),
    FeatureGroup("strokes", "text-like thin strokes in the image", ("strokes_",)),
    FeatureGroup("things", "the sizes of coloured things in the image", ("height_", "run_length")),
    FeatureGroup("kind", "what the question asks for", ("asks_", "num_options")),
    FeatureGroup("wording", "the wording of the question", ("words_", "characters_")),
    FeatureGroup("length", "the length of the question", ("num_words", "num_characters")),
    FeatureGroup("named", "how the colours that the question names lie in the image", ("named_",)),
)


@functools.cache
def group_columns() -> dict[str, NDArray[np.int64]]:
    """Return the columns of ``current_schema`` that belong to each group, by its name.

    Every column belongs to exactly one group.

    Raises:
        ValueError: if a feature belongs to none.
    """
    homes = np.array([group_of(name) for name in current_schema().names])
    return {group.name: np.flatnonzero(homes == group.name) for group in GROUPS}


def group_of(feature: str) -> str:
    """Return the name of the group that a feature belongs to.

    Raises:
        ValueError: if it belongs to none.

    Example:
        >>> group_of("height"), group_of("height_50"), group_of("named_height_50")
        ('size', 'things', 'named')
    """
    fits = [
        (len(prefix), group.name)
        for group in GROUPS
        for prefix in group.prefixes
        if feature.startswith(prefix)
    ]
    if not fits:
        raise ValueError(f"the feature {feature!r} belongs to no group of policies.feature_groups")
    return max(fits)[1]


def words_of(group: str) -> str:
    """Return what a group is, in words.

    Raises:
        KeyError: if there is no such group.

    Example:
        >>> words_of("length")
        'the length of the question'
    """
    return {each.name: each.words for each in GROUPS}[group]
