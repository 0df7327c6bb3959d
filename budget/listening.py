"""What happens beside the decoding of a row: stop texts are looked for, a listener is told."""

import logging
from collections.abc import Sequence
from typing import Protocol

from budget.prompt import Prompt
from budget.sampling import Generation, Listener
from budget.text_stream import TextStream

_log = logging.getLogger("budget")


class Reader(Protocol):
    """Reads one row's tokens as they come."""

    def cancelled(self) -> bool:
        """Return whether the row is no longer wanted."""
        ...

    def take(self, token: int) -> bool:
        """Read a token; return whether a stop text was found."""
        ...

    def end(self) -> bool:
        """Hear that no token comes any more; return whether a stop text was found."""
        ...

    def text(self, token_ids: Sequence[int]) -> str:
        """Return the answer's text, from all tokens that were taken."""
        ...


class PlainReader:
    """A row without a stop text that nobody listens to: its text is decoded at the end.

    Args:
        prompt: decodes tokens.
    """

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    def cancelled(self) -> bool:
        """Return False."""
        return False

    def take(self, token: int) -> bool:
        """Return False."""
        return False

    def end(self) -> bool:
        """Return False."""
        return False

    def text(self, token_ids: Sequence[int]) -> str:
        """Decode all tokens."""
        return self._prompt.decode(list(token_ids))


class StreamReader:
    """A row with stop texts, with a listener, or with both.

    Args:
        stream: the row's text.
        listener: who is told; may be None.
        i: the row's number for the listener.
    """

    def __init__(self, stream: TextStream, listener: Listener | None, i: int) -> None:
        self._stream, self._listener, self._i = stream, listener, i
        self._failed = False

    def cancelled(self) -> bool:
        """Return whether the listener says so, or has raised."""
        if self._listener is None or self._failed:
            return self._failed
        try:
            return bool(self._listener.cancelled(self._i))
        except Exception:
            return self._fail()

    def take(self, token: int) -> bool:
        """Read a token and pass on what text it made certain."""
        self._tell(self._stream.add(token))
        return self._stream.stopped

    def end(self) -> bool:
        """Pass on the rest of the text."""
        self._tell(self._stream.finish()[0])
        return self._stream.stopped

    def text(self, token_ids: Sequence[int]) -> str:
        """Return all of the text."""
        return self._stream.finish()[1]

    def _tell(self, piece: str) -> None:
        if piece and self._listener is not None and not self._failed:
            try:
                self._listener.text(self._i, piece)
            except Exception:
                self._fail()

    def _fail(self) -> bool:
        """Note that nobody follows this row any more; other rows must not suffer from that."""
        _log.exception("the listener raised; sample %d is cancelled", self._i)
        self._failed = True
        return True


def make_readers(
    prompt: Prompt, generations: Sequence[Generation], listener: Listener | None
) -> list[Reader]:
    """Return a reader per sample, the plain one where nothing is to be read on the way."""
    plain = PlainReader(prompt)
    return [
        plain
        if listener is None and not each.stop
        else StreamReader(TextStream(prompt.tokenizer, prompt.open_ids, each.stop), listener, i)
        for i, each in enumerate(generations)
    ]
