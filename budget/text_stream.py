"""The text of an answer while its tokens come in: what is certain already, and where it ends."""

import re
from typing import Any

_UNREADABLE = "\ufffd"
# Tokens that are decoded anew with every one that comes: decoding takes its time from call to call,
# hardly from token to token.
_WINDOW = 8
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class TextStream:
    """One answer's text, token by token.

    Text is certain when no later token can change it: whole characters, no beginning of a stop
    text, no white space that may be the last. Certain pieces together are what decoding all
    tokens at once gives, without special tokens, stripped, cut before the first stop text.

    Args:
        tokenizer: a transformers tokenizer whose text grows token by token (BPE; not WordPiece
            that tidies spaces).
        open_ids: of tokens behind which text is not certain; see :func:`open_ids`.
        stop: texts that end the answer.

    Attributes:
        ids: the tokens so far.
        stopped: whether a stop text was found.
    """

    def __init__(
        self, tokenizer: Any, open_ids: frozenset[int], stop: tuple[str, ...] = ()
    ) -> None:
        self.tokenizer, self.open_ids, self.stop = tokenizer, open_ids, stop
        self.ids: list[int] = []
        self.stopped = False
        self._raw = ""  # what the tokens before `_settled` say, neither stripped nor cut
        self._sent = 0
        self._visible = ""
        # Only the tokens behind `_window` are decoded; those before `_settled` make up `_before`.
        self._window = self._settled = 0
        self._before = ""

    def add(self, token: int) -> str:
        """Take a token; return the text that has become certain, often none."""
        self.ids.append(token)
        if token in self.open_ids:
            return ""
        text = self._decode(self.ids[self._window :])
        if text.endswith(_UNREADABLE):
            return ""
        self._settle(text)
        return self._piece(self._raw, final=False)

    def finish(self) -> tuple[str, str]:
        """Return the rest of the text, and all of it; no token comes any more."""
        if not self.stopped:
            self._raw = self._decode(self.ids)
        piece = self._piece(self._raw, final=True)
        return piece, self._visible

    def _settle(self, text: str) -> None:
        """Take over the text of the window, and move a long window behind what was settled."""
        self._raw += text[len(self._before) :]
        self._before = text
        if len(self.ids) - self._window >= _WINDOW:
            # A window begins with tokens that have text: how the text's beginning is decoded (some
            # tokenizers drop a space there) must not befall the tokens that are new.
            own = self._decode(self.ids[self._settled :])
            if own:
                self._window, self._before = self._settled, own
        self._settled = len(self.ids)

    def _piece(self, raw: str, *, final: bool) -> str:
        found = [place for text in self.stop if (place := raw.find(text)) >= 0]
        self.stopped = bool(found)
        end = len(raw) - (0 if final else held_back(raw, self.stop))
        self._visible = raw[: min(found, default=end)].strip()
        piece = self._visible[self._sent :]
        self._sent += len(piece)
        return piece

    def _decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text


def open_ids(tokenizer: Any) -> frozenset[int]:
    """Return ids of tokens behind which a text may still change, whatever it looks like.

    Bytes of characters that have no token of their own: a run of them that is no character becomes
    unreadable as a whole. Special tokens: they are skipped, so that a run goes on behind them.
    """
    special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    bytes_ = {i for token, i in tokenizer.get_vocab().items() if _BYTE.fullmatch(token)}
    return frozenset(special | bytes_ | set(tokenizer.all_special_ids))


def held_back(text: str, stop: tuple[str, ...]) -> int:
    """Return how many characters at the end of a text may be the beginning of a stop text.

    Example:
        >>> held_back("so far. EN", ("END", "fare"))
        2
    """
    longest = 0
    for each in stop:
        start = text.find(each[0], max(len(text) - len(each) + 1, 0))
        while 0 <= start < len(text) - longest:
            if each.startswith(text[start:]):
                longest = len(text) - start
            start = text.find(each[0], start + 1)
    return longest
