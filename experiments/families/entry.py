"""What the table of families says of one of them."""

from dataclasses import asdict, dataclass, field
from typing import Any

# Shapes whose costs the table shows, width by height.
SHAPES = ((640, 480), (500, 1200), (100, 80))


@dataclass(frozen=True, slots=True)
class Entry:
    """One family.

    Attributes:
        family: as people call it.
        model_types: of transformers' configurations.
        knob: what sets the visual tokens.
        ladder: caps of visual tokens per image by default, cheapest first, with the sizes of
            released checkpoints.
        realised: visual tokens at every rung that images of ``SHAPES`` cost, by "640x480".
        verified: whether a tiny random model passed every check here.
        checks: names of the checks that it passed.
        why_not: why it was not verified; empty if it was.
        note: what users must know.
        tried_ladder: of the tiny model that the checks ran, where that is another.
        seconds: that the checks took.
    """

    family: str
    model_types: tuple[str, ...]
    knob: str
    ladder: tuple[int, ...] = ()
    realised: dict[str, list[int]] = field(default_factory=dict)
    verified: bool = False
    checks: tuple[str, ...] = ()
    why_not: str = ""
    note: str = ""
    tried_ladder: tuple[int, ...] = ()
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the entry as JSON values."""
        return asdict(self)


def shape_name(size: tuple[int, int]) -> str:
    """Return a shape as the table names it.

    Example:
        >>> shape_name((640, 480))
        '640x480'
    """
    return f"{size[0]}x{size[1]}"
