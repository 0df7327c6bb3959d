"""Pass on to a listener what concerns some samples of a batch, by their places in another one."""

import logging
from collections.abc import Collection, Sequence
from typing import Any

from budget.planning import Choice
from budget.sampling import Generation, Listener


class Relay:
    """A listener that speaks to another.

    Args:
        listener: who is told.
        places: per sample of the batch, its index for ``listener``.
        heard: samples of the batch whose text is passed on; all by default.
    """

    def __init__(
        self, listener: Listener, places: Sequence[int], heard: Collection[int] | None = None
    ) -> None:
        self._listener, self._places, self._heard = listener, list(places), heard

    def text(self, i: int, piece: str) -> None:
        """Pass on new text of a sample, if its text is wanted."""
        if self._heard is None or i in self._heard:
            self._listener.text(self._places[i], piece)

    def decided(self, i: int, choices: Sequence[Choice]) -> None:
        """Pass on which scales the images of a sample were given, to who wants to know."""
        if (say := getattr(self._listener, "decided", None)) is not None:
            say(self._places[i], choices)

    def cancelled(self, i: int) -> bool:
        """Return whether nobody waits for a sample any more."""
        return self._listener.cancelled(self._places[i])


def tell(
    listener: Listener | None, i: int, choices: Sequence[Choice], text: str | None = None
) -> None:
    """Tell a listener what was decided for a sample, and all of its text at once if that is known.

    If the listener raises, that goes to the log.
    """
    try:
        if (say := getattr(listener, "decided", None)) is not None:
            say(i, choices)
        if text and listener is not None:
            listener.text(i, text)
    except Exception:  # a listener's own code, which may raise anything
        logging.getLogger("budget").exception("the listener of sample %d raised", i)


def options_for(
    rows: Sequence[int],
    *,
    generation: Generation | Sequence[Generation] | None = None,
    listener: Listener | None = None,
    heard: Collection[int] | None = None,
) -> dict[str, Any]:
    """Return what the model's ``answer`` is to be given for some samples of a batch.

    Args:
        rows: the samples.
        generation: one for all, one per sample of the whole batch, or None.
        listener: told of samples by their place in the whole batch; None for nobody.
        heard: places in ``rows`` whose text the listener is told; all by default.

    Returns:
        Keywords, those alone that were given.
    """
    found: dict[str, Any] = {}
    if generation is not None:
        if isinstance(generation, Generation):
            found["generation"] = generation
        else:
            found["generation"] = [generation[i] for i in rows]
    if listener is not None:
        found["listener"] = Relay(listener, rows, heard)
    return found
