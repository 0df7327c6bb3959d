"""The way of one request through the intake: it waits, it runs, it is gone."""

from collections.abc import Callable


class Ticket:
    """Counts one request as waiting until it runs, and as inside until it leaves.

    Args:
        count: called with changes of (waiting, inside).
    """

    def __init__(self, count: Callable[[int, int], None]) -> None:
        self._count = count
        self._at_end: list[Callable[[], None]] = []
        self._waiting = self._inside = True
        count(1, 1)

    def at_end(self, act: Callable[[], None]) -> None:
        """Call ``act`` when the request leaves."""
        self._at_end.append(act)

    def run(self) -> None:
        """The request waits no longer; the first call counts."""
        if self._waiting:
            self._waiting = False
            self._count(-1, 0)

    def leave(self) -> None:
        """The request is done or refused; the first call counts."""
        self.run()
        if self._inside:
            self._inside = False
            for act in self._at_end:
                act()
            self._count(0, -1)
