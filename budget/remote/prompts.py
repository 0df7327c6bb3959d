"""From images and a question to the body of a request."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, NamedTuple

from PIL.Image import Image

from budget.chat import Chat, Question, Turn, as_chat
from budget.pictures import as_shown
from budget.proxy.chat_request import ChatRequest, ImagePart
from budget.proxy.resize import as_data_url
from budget.sampling import Generation

_FAST = 1  # of zlib: what is sent once need not be small


class Prompt(NamedTuple):
    """What one sample sends, whatever the rung.

    Attributes:
        chat: the conversation.
        files: each image as a PNG, which loses nothing.
        urls: the same as data URLs.
        fields: of the body: how long the answer may be and how it is drawn.
    """

    chat: Chat
    files: tuple[bytes, ...]
    urls: tuple[str, ...]
    fields: dict[str, Any]

    def alone(self) -> "Prompt":
        """Return the same texts without the images, for an answer of one token."""
        turns = tuple(Turn(turn.role, turn.text) for turn in self.chat.turns)
        length = {name: 1 for name in self.fields if name in LENGTHS}
        return Prompt(Chat(turns), (), (), length)


LENGTHS = ("max_tokens", "max_completion_tokens")


def make_prompt(
    images: Sequence[Image], question: Question, generation: Generation, length_field: str
) -> Prompt:
    """Return a sample as it is sent.

    Args:
        images: in the order of their places in the question.
        question: a text about the images, or a chat with as many places.
        generation: how the answer is generated.
        length_field: one of ``LENGTHS``.

    Raises:
        DataError: if an image cannot be shown.
        ValueError: if a chat has another number of images.
    """
    chat = as_chat(question, len(images))
    files = tuple(_png(image) for image in images)
    urls = tuple(as_data_url(file, "image/png") for file in files)
    return Prompt(chat, files, urls, _fields(generation, length_field))


def body_of(prompt: Prompt, model: str) -> ChatRequest:
    """Return a prompt's request; the places of its images may be changed.

    Example:
        >>> words = Prompt(Chat((Turn("user", "Why?"),)), (), (), {"max_tokens": 1})
        >>> body_of(words, "m").body["messages"]
        [{'role': 'user', 'content': [{'type': 'text', 'text': 'Why?'}]}]
    """
    urls = iter(prompt.urls)
    messages: list[dict[str, Any]] = []
    places: list[ImagePart] = []
    for turn in prompt.chat.turns:
        if turn.role != "user":
            messages.append({"role": turn.role, "content": turn.text})
            continue
        holders = [{"url": next(urls)} for _ in range(turn.images)]
        places += [ImagePart(holder, "url", "", "") for holder in holders]
        shown = [{"type": "image_url", "image_url": holder} for holder in holders]
        content = [*shown, {"type": "text", "text": turn.text}]
        messages.append({"role": "user", "content": content})
    body = {"model": model, "messages": messages, **prompt.fields}
    return ChatRequest(body, tuple(places), prompt.chat.question, "")


def _png(image: Image) -> bytes:
    file = BytesIO()
    as_shown(image).save(file, "PNG", compress_level=_FAST)
    return file.getvalue()


def _fields(generation: Generation, length_field: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        length_field: generation.max_new_tokens,
        "temperature": generation.temperature,
    }
    if generation.top_p != 1:
        fields["top_p"] = generation.top_p
    if generation.seed is not None:
        fields["seed"] = generation.seed
    if generation.stop:
        fields["stop"] = list(generation.stop)
    return fields
