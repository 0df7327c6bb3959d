"""Which ids came by so far, in eight bytes an id."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 1 << 16  # new ones that are held apart before they are sorted in


class SeenIds:
    """A set of ids as 64-bit hashes; that two of ten million share one has odds of 1 to 400,000.

    Args:
        ids: that came by before.

    Example:
        >>> seen = SeenIds(["a", "b"])
        >>> seen.repeated(["c", "b"]), seen.repeated(["d", "d"]), seen.repeated(["e", "f"])
        (1, 1, None)
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._sorted: NDArray[np.uint64] = np.array([], dtype=np.uint64)
        self._new: set[int] = set()
        for name in ids:
            self._add(_hashed(name))

    def repeated(self, ids: Iterable[str]) -> int | None:
        """Take some ids; return the place of the first that came by before, or ``None``."""
        for place, name in enumerate(ids):
            number = _hashed(name)
            if number in self._new or self._is_old(number):
                return place
            self._add(number)
        return None

    def _add(self, number: int) -> None:
        self._new.add(number)
        if len(self._new) >= _AT_ONCE:
            new = np.fromiter(self._new, dtype=np.uint64, count=len(self._new))
            self._sorted = np.sort(np.concatenate([self._sorted, new]))
            self._new.clear()

    def _is_old(self, number: int) -> bool:
        wanted = np.uint64(number)
        place = int(np.searchsorted(self._sorted, wanted))
        return place < len(self._sorted) and bool(self._sorted[place] == wanted)


def _hashed(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())
