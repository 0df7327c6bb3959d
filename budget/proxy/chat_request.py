"""What a body of chat completions says about its images: where they stand, and what is asked."""

import json
from typing import Any, NamedTuple

# Fields by which a client chooses by itself how images are processed.
_OWN_FIELDS = ("mm_processor_kwargs", "images_config")
_OWN_PREFIXES = ("max_", "min_")
_NOT_JSON = "the body holds {}, which is no JSON"


class ImagePart(NamedTuple):
    """One image of a request.

    Attributes:
        holder: the object in the body whose ``key`` is the URL.
        key: name of the URL in ``holder``.
        detail: what the client asks for by ``detail``, "" if nothing.
        param: where it stands, in words of the body.
    """

    holder: dict[str, Any]
    key: str
    detail: str
    param: str

    @property
    def url(self) -> str:
        """The URL, as it stands in the body now."""
        return str(self.holder[self.key])


class ChatRequest(NamedTuple):
    """A body that was read.

    Attributes:
        body: the whole body; images point into it.
        images: all images of all messages, in order.
        question: the text of the last message of the user.
        own_knob: the first field by which the client sets its own budget, "" if there is none.
    """

    body: dict[str, Any]
    images: tuple[ImagePart, ...]
    question: str
    own_knob: str


def read_chat(data: bytes) -> ChatRequest:
    r"""Read the body of a request for chat completions.

    Only what is needed here is looked at; all else is the upstream server's to judge.

    Raises:
        ValueError: if it is not JSON, or not of that form.

    Example:
        >>> chat = read_chat(b'{"messages": [{"role": "user", "content": "Why?"}]}')
        >>> chat.question, chat.images
        ('Why?', ())
    """
    try:
        body = json.loads(data, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise ValueError("the body has no list of messages")
    images = tuple(part for i, message in enumerate(messages) for part in _images(message, i))
    users = [message for message in messages if message.get("role") == "user"]
    question = _text(users[-1].get("content")) if users else ""
    return ChatRequest(body, images, question, _own_knob(body, images))


def write_chat(chat: ChatRequest) -> bytes:
    """Return the body as it is now, in bytes."""
    return json.dumps(chat.body, allow_nan=False, separators=(",", ":")).encode("ascii")


def _refuse_constant(name: str) -> Any:
    raise ValueError(_NOT_JSON.format(name))


def _images(message: dict[str, Any], i: int) -> list[ImagePart]:
    content = message.get("content")
    if not isinstance(content, list):
        return []
    found = []
    for j, part in enumerate(content):
        if isinstance(part, dict) and part.get("type") == "image_url":
            found.append(_image(part, f"messages[{i}].content[{j}].image_url"))
    return found


def _image(part: dict[str, Any], param: str) -> ImagePart:
    holder = part.get("image_url")
    if isinstance(holder, str):  # some servers take the URL alone
        return ImagePart(part, "image_url", str(part.get("detail") or ""), param)
    if not isinstance(holder, dict) or not isinstance(holder.get("url"), str):
        raise ValueError(f"{param} has no url")
    return ImagePart(holder, "url", str(holder.get("detail") or ""), f"{param}.url")


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def _own_knob(body: dict[str, Any], images: tuple[ImagePart, ...]) -> str:
    """Return by which field the client chose a budget itself."""
    for name in _OWN_FIELDS:
        if body.get(name) is not None:
            return name
    template = body.get("chat_template_kwargs")
    if isinstance(template, dict) and template.get("processor_kwargs") is not None:
        return "chat_template_kwargs.processor_kwargs"
    for image in images:
        for name, value in image.holder.items():
            if name.startswith(_OWN_PREFIXES) and value is not None:
                return f"image_url.{name}"
    return ""
