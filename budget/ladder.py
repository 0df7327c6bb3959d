"""The visual-token scales a Matryoshka model can run at."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_M3_SCALES = (1, 9, 36, 144, 576)  # arXiv 2405.17430
_MQT_SCALES = (2, 4, 8, 16, 36, 64, 144, 256)  # arXiv 2405.19315


@dataclass(frozen=True, slots=True)
class ScaleLadder:
    """Visual-token counts a model is run at, cheapest first.

    Attributes:
        scales: strictly increasing token counts per image, e.g. ``(1, 9, 36, 144, 576)``.

    Raises:
        ValueError: if ``scales`` is empty, not positive, or not strictly increasing.

    Example:
        >>> ladder = ScaleLadder((1, 9, 36, 144, 576))
        >>> ladder.at_least(10), ladder.rung_of(36), ladder[-1], len(ladder)
        (36, 2, 576, 5)
    """

    scales: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.scales:
            raise ValueError("a ladder needs at least one scale, got ()")
        if self.scales[0] < 1 or any(a >= b for a, b in pairwise(self.scales)):
            raise ValueError(f"scales must be positive and strictly increasing, got {self.scales}")

    def __len__(self) -> int:
        return len(self.scales)

    def __iter__(self) -> Iterator[int]:
        return iter(self.scales)

    def __getitem__(self, rung: int) -> int:
        return self.scales[rung]

    def rung_of(self, num_tokens: int) -> int:
        """Return the rung whose scale is exactly ``num_tokens``.

        Raises:
            ValueError: if ``num_tokens`` is not a scale of this ladder.
        """
        try:
            return self.scales.index(num_tokens)
        except ValueError:
            legal = ", ".join(map(str, self.scales))
            raise ValueError(f"{num_tokens} is no scale of this ladder; it has {legal}") from None

    def at_least(self, num_tokens: int) -> int:
        """Return the cheapest scale that holds ``num_tokens`` tokens.

        Raises:
            ValueError: if the largest scale holds fewer.
        """
        rung = bisect_left(self.scales, num_tokens)
        if rung == len(self.scales):
            raise ValueError(
                f"no scale holds {num_tokens} tokens; the largest is {self.scales[-1]}"
            )
        return self.scales[rung]


def exact_scales(grid_tokens: int) -> tuple[int, ...]:
    """Return every token count that a square grid pools to exactly, cheapest first.

    Args:
        grid_tokens: tokens of the full grid; a square number.

    Raises:
        ValueError: if ``grid_tokens`` is not a square number.

    Example:
        >>> exact_scales(576)
        (1, 4, 9, 16, 36, 64, 144, 576)
    """
    side = math.isqrt(grid_tokens)
    if side * side != grid_tokens or side < 1:
        raise ValueError(f"a grid must be square, got {grid_tokens} tokens")
    return tuple(k * k for k in range(1, side + 1) if side % k == 0)


def usual_m3_scales(grid_tokens: int) -> tuple[int, ...]:
    """Return the paper's scales on the paper's grid, and every exact one on another."""
    return _M3_SCALES if grid_tokens == _M3_SCALES[-1] else exact_scales(grid_tokens)


def usual_mqt_scales(num_queries: int) -> tuple[int, ...]:
    """Return the paper's scales as far as the queries reach, and all queries.

    Example:
        >>> usual_mqt_scales(49)
        (2, 4, 8, 16, 36, 49)
    """
    return tuple(sorted({*(m for m in _MQT_SCALES if m <= num_queries), num_queries}))


def family_ladder(own: object, grid_tokens: int, num_queries: int | None) -> ScaleLadder:
    """Return the ladder of an M3 or MQT model.

    Args:
        own: what the model's configuration says: a list of scales, or something else for the
            family's usual ones.
        grid_tokens: patches of the full grid.
        num_queries: queries of an MQT model; None for M3.

    Raises:
        ValueError: if the list holds anything but rising whole numbers.
    """
    if isinstance(own, list | tuple) and own:
        if not all(type(scale) is int for scale in own):
            raise ValueError(f"scales must be whole numbers, got {own}")
        return ScaleLadder(tuple(own))
    if num_queries is not None:
        return ScaleLadder(usual_mqt_scales(num_queries))
    return ScaleLadder(usual_m3_scales(grid_tokens))
