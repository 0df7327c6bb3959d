"""Tensor operations on visual tokens."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from budget.ladder import exact_scales

__all__ = ["exact_scales", "one_per_image", "pool_tokens"]


def pool_tokens(tokens: torch.Tensor, num_tokens: int) -> torch.Tensor:
    """Average-pool a square grid of visual tokens down to ``num_tokens``.

    Args:
        tokens: patch features with shape [b, n, d]; ``n`` is a square number.
        num_tokens: tokens to keep per image; a square number whose side divides the grid side.

    Returns:
        Pooled features with shape [b, num_tokens, d] and the dtype of ``tokens``.

    Shape notation:
        - b = images, n = tokens per image, d = feature width

    Raises:
        ValueError: if the grid cannot be pooled to exactly ``num_tokens``.

    Example:
        >>> grid = torch.arange(16.0).reshape(1, 16, 1)
        >>> pool_tokens(grid, 4).flatten().tolist()
        [2.5, 4.5, 10.5, 12.5]
    """
    b, n, d = tokens.shape
    legal = exact_scales(n)
    if num_tokens not in legal:
        raise ValueError(
            f"cannot pool {n} tokens to exactly {num_tokens}; legal are {_listed(legal)}"
        )
    if num_tokens == n:
        return tokens
    side, kept = math.isqrt(n), math.isqrt(num_tokens)
    grid = tokens.transpose(1, 2).reshape(b, d, side, side)
    return F.avg_pool2d(grid, kernel_size=side // kept).flatten(2).transpose(1, 2)


def one_per_image(num_tokens: int | Sequence[int], images: int) -> list[int]:
    """Return a number of tokens for every image.

    Args:
        num_tokens: one number for all images or one per image.
        images: how many images there are.

    Raises:
        ValueError: if there is not one per image or one is no whole number.

    Example:
        >>> one_per_image(9, 2), one_per_image([1, 9], 2)
        ([9, 9], [1, 9])
    """
    numbers = list(num_tokens) if isinstance(num_tokens, Iterable) else [num_tokens] * images
    if len(numbers) != images:
        raise ValueError(f"got {len(numbers)} numbers of visual tokens for {images} images")
    for number in numbers:
        if not isinstance(number, int | np.integer):
            raise ValueError(f"num_visual_tokens must be whole numbers, got {number!r}")
    return [int(number) for number in numbers]


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
