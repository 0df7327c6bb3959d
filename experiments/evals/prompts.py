"""A document as this package asks it: pictures, and a question or a conversation about them.

Pictures stand before the text of their turn. A text that says where they are to stand (lmms-eval's
``<image>``, a message of texts and pictures in turns) keeps their order, not their places.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from PIL.Image import Image

from budget.chat import Chat, Question, Role, Turn
from budget.errors import DataError
from experiments.evals.media import Media

IMAGE = "<image>"
_MARK = re.compile(rf"[ \t]*{IMAGE}[ \t]*\n?")
_FIRST = re.compile(rf"(?:\s*{IMAGE})*")


class Prompted(NamedTuple):
    """What a model is shown.

    Attributes:
        images: pictures, in order.
        question: what is asked about them.
    """

    images: list[Image]
    question: Question


class PromptReader:
    """Reads documents as tasks give them.

    Args:
        media: turns visuals into pictures.
        warn: takes a line of text; what is lost is said once.
    """

    def __init__(self, media: Media, warn: Callable[[str], None]) -> None:
        self.media = media
        self._warn: Callable[[str], None] | None = warn

    def text(self, text: str, visuals: Any) -> Prompted:
        """Return a text about some visuals.

        ``<image>``, as often as there are pictures, stands for them and is taken out.
        """
        images = self.media.pictures(visuals)
        return Prompted(images, self._told(text, len(images)))

    def messages(self, messages: Sequence[Mapping[str, Any]]) -> Prompted:
        """Return a conversation of messages with ``role`` and ``content``.

        Content is a text, or a list of parts with a ``type``: text, image or video. ``<image>`` in
        it is read as in a text.

        Raises:
            DataError: if a message is not well formed or has something else.
        """
        images: list[Image] = []
        turns = []
        for message in messages:
            texts, shown = self._parts(message.get("content"))
            text = self._told("\n".join(texts), len(shown))
            turns.append(Turn(_role(message.get("role")), text, len(shown)))
            images += shown
        return _asked(turns, images)

    def history(self, messages: Sequence[Mapping[str, str]], visuals: Any) -> Prompted:
        """Return a conversation of texts about some visuals.

        ``<image>`` says which of the user's turns each picture belongs to, if there are as many as
        pictures; otherwise all belong to the last turn.
        """
        images = self.media.pictures(visuals)
        marks = [each["content"].count(IMAGE) for each in messages]
        if sum(marks) != len(images):
            return self._with_images(messages, [0] * (len(marks) - 1) + [len(images)], images)
        texts = [{**each, "content": _unmarked(each["content"])} for each in messages]
        return self._with_images(texts, marks, images)

    def _with_images(
        self, messages: Sequence[Mapping[str, str]], counts: Sequence[int], images: list[Image]
    ) -> Prompted:
        turns = [
            Turn(_role(each["role"]), each["content"], count)
            for each, count in zip(messages, counts, strict=True)
        ]
        return _asked(turns, images)

    def _parts(self, content: Any) -> tuple[list[str], list[Image]]:
        if isinstance(content, str):
            return [content], []
        if not isinstance(content, list | tuple):
            raise DataError(f"a message's content must be a text or a list, got {type(content)}")
        texts: list[str] = []
        images: list[Image] = []
        for part in content:
            kind = part.get("type") if isinstance(part, Mapping) else None
            if kind == "text":
                texts.append(str(part.get("text", "")))
            elif kind in ("image", "video"):
                visual = part.get("url", part.get(kind))
                read = self.media.pictures if kind == "image" else self.media.video
                if any(texts):
                    self._say_moved()
                images += read(visual)
            elif kind == "audio":
                raise DataError("a document has sound, which no model here hears")
            else:
                raise DataError(f"a message has a part of type {kind!r}; read are text and image")
        return texts, images

    def _told(self, text: str, images: int) -> str:
        """Return a text without the marks of its images."""
        if not images or text.count(IMAGE) != images:
            return text
        if IMAGE in _FIRST.sub("", text, count=1):
            self._say_moved()
        return _unmarked(text)

    def _say_moved(self) -> None:
        if self._warn is not None:
            self._warn("pictures within a text are shown before the text of their turn, in order")
            self._warn = None


def _asked(turns: Sequence[Turn], images: list[Image]) -> Prompted:
    """Return turns as a question if there is one alone, or as a conversation."""
    try:
        chat = Chat(tuple(turns))
    except ValueError as error:
        raise DataError(f"a conversation cannot be asked: {error}") from error
    return Prompted(images, chat.question if len(chat.turns) == 1 else chat)


def _role(role: Any) -> Role:
    if role not in ("system", "user", "assistant"):
        raise DataError(f"a message has role {role!r}; read are system, user and assistant")
    return cast("Role", role)


def _unmarked(text: str) -> str:
    return _MARK.sub("\n", text).strip()
