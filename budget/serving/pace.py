"""How fast requests have lately been answered, to say when it is worth to try again."""

import math
import time
from collections import deque

_REMEMBERED = 64
_LONGEST_S = 60


class Pace:
    """The times at which the last requests were done."""

    def __init__(self) -> None:
        self._done: deque[float] = deque(maxlen=_REMEMBERED)

    def note(self, now: float | None = None) -> None:
        """Note that a request is done.

        Args:
            now: seconds on any steady clock; by default ``time.monotonic``.
        """
        self._done.append(time.monotonic() if now is None else now)

    def seconds_for(self, count: int, now: float | None = None) -> int:
        """Return in how many whole seconds so many requests will be done, 1 to 60.

        Example:
            >>> pace = Pace()
            >>> for second in range(11):
            ...     pace.note(second / 2)
            >>> pace.seconds_for(10, now=5.0), pace.seconds_for(1000, now=5.0)
            (5, 60)
        """
        now = time.monotonic() if now is None else now
        if len(self._done) < 2:
            return 1
        each = (now - self._done[0]) / (len(self._done) - 1)
        return max(1, min(_LONGEST_S, math.ceil(count * each)))
