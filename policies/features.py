"""The feature table of images and questions, and the fingerprint that ties a policy to it."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from budget.errors import PolicyError
from policies.colours import COLOUR_NAMES
from policies.detail_features import SIDES
from policies.heights import run_pixels
from policies.image_features import IMAGE_NAMES, image_features
from policies.joint_features import JOINT_NAMES, joint_features
from policies.question_features import (
    CHARACTER_BUCKETS,
    QUESTION_NAMES,
    WORD_BUCKETS,
    question_features,
)
from policies.raster import SIDE, make_rasters

if TYPE_CHECKING:
    from PIL.Image import Image

# Raise it whenever a feature's value changes for the same image and question.
VERSION = 2
# Pictures that are worked on together; each takes half a megabyte meanwhile.
_BATCH = 64


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """What the columns of a feature table mean.

    Attributes:
        names: one name per column, in order.
        version: of the code that computes them.
        parameters: numbers that the values depend on.

    Raises:
        ValueError: if a name occurs twice.
    """

    names: tuple[str, ...]
    version: int = VERSION
    parameters: dict[str, int | tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise ValueError(f"feature names must differ, got twice: {twice}")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sha256(self) -> str:
        """Fingerprint of names, version and parameters, 64 hexadecimal digits."""
        content = [list(self.names), self.version, self.parameters]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def refuse_other(self, sha256: str) -> None:
        """Refuse a policy that was fitted on another schema.

        Raises:
            PolicyError: if the fingerprints differ.
        """
        if sha256 != self.sha256:
            raise PolicyError(
                f"the policy was fitted on features {sha256[:12]}, this version computes "
                f"{self.sha256[:12]}; fit it again"
            )


@functools.cache
def current_schema() -> FeatureSchema:
    """Return the schema that :func:`featurize` computes."""
    names = (*IMAGE_NAMES, *QUESTION_NAMES, *JOINT_NAMES)
    parameters: dict[str, int | tuple[int, ...]] = {
        "raster_side": SIDE,
        "grid_sides": SIDES,
        "colours": len(COLOUR_NAMES),
        "word_buckets": WORD_BUCKETS,
        "character_buckets": CHARACTER_BUCKETS,
    }
    return FeatureSchema(names, VERSION, parameters)


def featurize(images: "Sequence[Image | bytes]", questions: Sequence[str]) -> NDArray[np.float64]:
    """Return the features of every image and question, in the columns of ``current_schema``.

    A row does not depend on the rows around it.

    Args:
        images: n pictures of any size and mode, or bytes of image files. Bytes of a JPEG are
            decoded no further than needed, so that their features differ a little from those of
            the same picture decoded in full.
        questions: n questions.

    Returns:
        Finite numbers, shape [n, d].

    Raises:
        DataError: if an image cannot be shown or read.
        ValueError: if there are not as many images as questions.
    """
    if len(images) != len(questions):
        raise ValueError(
            f"one question per image is needed, got {len(images)} images and "
            f"{len(questions)} questions"
        )
    table = np.empty((len(questions), len(current_schema())))
    for start in range(0, len(questions), _BATCH):
        part = slice(start, start + _BATCH)
        rasters = make_rasters(images[part])
        heights = run_pixels(rasters.columns)
        tables = [
            *image_features(rasters, heights),
            question_features(questions[part]),
            joint_features(rasters, heights, questions[part]),
        ]
        np.concatenate(tables, axis=1, out=table[part])
    return table
