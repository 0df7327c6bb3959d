"""What a caller asks of a model, sample by sample: images, scales and the prompt's length."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from PIL.Image import Image

from budget.prompt import PromptIds
from budget.tokens import one_per_image

# One image, several in one prompt, or none: a question without a picture.
SampleImages = Image | Sequence[Image] | None
SampleScales = int | Sequence[int]
SampleFeatures = torch.Tensor | Sequence[torch.Tensor] | None


class Sample(NamedTuple):
    """One question with its images.

    Attributes:
        prompt: ids around the images.
        scales: visual tokens per grid, one number per image.
        grids: squares that each image is seen in, one number per image: 1, or with tiles more.
    """

    prompt: PromptIds
    scales: list[int]
    grids: list[int]

    @property
    def visual_tokens(self) -> int:
        """Visual tokens in the prompt."""
        return sum(m * grids for m, grids in zip(self.scales, self.grids, strict=True))

    @property
    def length(self) -> int:
        """Tokens of the prompt."""
        return self.prompt.text_tokens + self.visual_tokens


def images_of(given: SampleImages) -> list[Image]:
    """Return a sample's images as a list.

    Example:
        >>> images_of(None)
        []
    """
    if given is None:
        return []
    return [given] if isinstance(given, Image) else list(given)


def features_of(given: SampleFeatures) -> list[torch.Tensor]:
    """Return a sample's features as a list, one per image."""
    if given is None:
        return []
    return [given] if isinstance(given, torch.Tensor) else list(given)


def check_features(features: Sequence[SampleFeatures], grids: Sequence[Sequence[int]]) -> None:
    """Refuse features that cannot be those of the images.

    Args:
        features: per sample, what ``encode`` gave for its images.
        grids: per sample, the squares of each of its images.

    Raises:
        ValueError: if a sample has not one feature per image, or one has other squares.
    """
    for i, (given, squares) in enumerate(zip(features, grids, strict=True)):
        found = [len(each) if each.dim() == 3 else 1 for each in features_of(given)]
        if len(found) != len(squares):
            raise ValueError(f"sample {i} has {len(squares)} images, but features of {len(found)}")
        if found != list(squares):
            raise ValueError(
                f"the images of sample {i} are seen in {list(squares)} squares, "
                f"but their features are of {found}"
            )


def scales_of(
    num_visual_tokens: int | Sequence[SampleScales], counts: Sequence[int]
) -> list[list[int]]:
    """Return the visual tokens per grid of every image of every sample.

    Args:
        num_visual_tokens: one number for all, or for each sample one number or one per image.
        counts: how many images each sample has.

    Raises:
        ValueError: if there is not one number per sample, or per image of a sample.

    Example:
        >>> scales_of([9, [1, 36], 4], [1, 2, 0])
        [[9], [1, 36], []]
    """
    if not isinstance(num_visual_tokens, Iterable):
        return [one_per_image(num_visual_tokens, count) for count in counts]
    wanted = list(num_visual_tokens)
    if len(wanted) != len(counts):
        raise ValueError(f"got {len(wanted)} numbers of visual tokens for {len(counts)} samples")
    return [one_per_image(m, count) for m, count in zip(wanted, counts, strict=True)]
