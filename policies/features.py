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
from policies.image_features import image_feature_names, raster_features
from policies.joint_features import joint_feature_names, joint_features
from policies.question_features import HASH_SIZE, question_feature_names, question_features
from policies.raster import SIDE, make_raster

if TYPE_CHECKING:
    from PIL.Image import Image

# Raise it whenever a feature's value changes for the same image and question.
VERSION = 1


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
    parameters: dict[str, int] = field(default_factory=dict)

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
    names = (*image_feature_names(), *question_feature_names(), *joint_feature_names())
    return FeatureSchema(names, VERSION, {"hash_size": HASH_SIZE, "raster_side": SIDE})


def featurize(images: "Sequence[Image]", questions: Sequence[str]) -> NDArray[np.float64]:
    """Return the features of every image and question, in the columns of ``current_schema``.

    Args:
        images: n pictures of any size and mode.
        questions: n questions.

    Returns:
        Finite numbers, shape [n, d].

    Raises:
        ValueError: if there are not as many images as questions.
    """
    if len(images) != len(questions):
        raise ValueError(
            f"one question per image is needed, got {len(images)} images and "
            f"{len(questions)} questions"
        )
    table = np.empty((len(questions), len(current_schema())))
    for row, image, question in zip(table, images, questions, strict=True):
        raster = make_raster(image)
        found = raster_features(raster)
        found |= question_features(question)
        found |= joint_features(raster, question)
        row[:] = list(found.values())
    return table
