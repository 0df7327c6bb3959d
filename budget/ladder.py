"""The visual-token scales a Matryoshka model can run at."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise


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
