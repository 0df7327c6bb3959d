"""What a checked request asks for: a conversation, its images, how to answer and what to spend."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from budget.budgets import Budget
from budget.chat import Chat, Turn
from budget.errors import one_line
from budget.risk import Risk
from budget.sampling import Generation
from budget.serving.errors import RequestError
from budget.serving.limits import Limits
from budget.serving.schema import (
    BudgetField,
    ChatRequest,
    ImagePart,
    Message,
    TextPart,
)


class ImageRef(NamedTuple):
    """One image of a request, not loaded yet.

    Attributes:
        url: where it is.
        detail: "low", "high" (or "original"), "auto" or None.
        param: its place in the body, for errors.
        num_visual_tokens: what it asks for itself, or None.
    """

    url: str
    detail: str | None
    param: str
    num_visual_tokens: int | None = None


class Ask(NamedTuple):
    """A request in the runtime's own words.

    Attributes:
        chat: the conversation.
        images: all of its images, in order.
        generation: how long and how the answer is drawn.
        budget: what the request's own field allows; None if it says nothing.
    """

    chat: Chat
    images: tuple[ImageRef, ...]
    generation: Generation
    budget: Budget | None


def read_ask(request: ChatRequest, limits: Limits, default_max_tokens: int) -> Ask:
    """Return what a request asks for.

    Args:
        request: as parsed.
        limits: the most that a request may ask for.
        default_max_tokens: length of an answer whose request sets none, in tokens.

    Raises:
        RequestError: if it asks for more than ``limits``, or does not end in a question.
    """
    if request.stream_options is not None and not request.stream:
        raise RequestError(
            "stream_options: only with stream set to true",
            param="stream_options",
            code="invalid_value",
        )
    chars = sum(len(text) for message in request.messages for text in _texts(message))
    if chars > limits.max_prompt_chars:
        raise RequestError(
            f"messages: texts of {chars:,} characters; at most {limits.max_prompt_chars:,}",
            param="messages",
            code="context_length_exceeded",
        )
    images = tuple(_images(request.messages))
    if len(images) > limits.max_images:
        raise RequestError(
            f"messages: {len(images)} images; at most {limits.max_images}",
            param="messages",
            code="too_many_images",
        )
    return Ask(
        _chat(request.messages),
        images,
        _generation(request, limits, default_max_tokens),
        read_budget(request.budget),
    )


def read_budget(field: BudgetField | None) -> Budget | None:
    """Return the budget that a request's field names, None without one.

    Example:
        >>> read_budget(BudgetField(mean_tokens=64))
        Budget(num_visual_tokens=None, price=None, mean_tokens=64.0, mean_flops=None, \
mean_ms=None, risk=None, total_visual_tokens=None)
    """
    if field is None or not field.model_fields_set:
        return None
    (name,) = field.model_fields_set
    if name == "risk":
        return Budget(risk=Risk(field.risk.epsilon, field.risk.delta))
    given: dict[str, Any] = {name: getattr(field, name)}
    return Budget(**given)


def _texts(message: Message) -> list[str]:
    if isinstance(message.content, str):
        return [message.content]
    return [part.text for part in message.content if isinstance(part, TextPart)]


def _images(messages: list[Message]) -> Iterator[ImageRef]:
    for i, message in enumerate(messages):
        for j, part in enumerate(() if isinstance(message.content, str) else message.content):
            if isinstance(part, ImagePart):
                place = f"messages[{i}].content[{j}].image_url"
                own = part.image_url
                yield ImageRef(own.url, own.detail, place, own.num_visual_tokens)


def _chat(messages: list[Message]) -> Chat:
    turns = []
    for message in messages:
        parts = () if isinstance(message.content, str) else message.content
        count = sum(isinstance(part, ImagePart) for part in parts)
        role = "system" if message.role == "developer" else message.role
        turns.append(Turn(role, "\n".join(_texts(message)), count))
    try:
        return Chat(tuple(turns))
    except ValueError as problem:
        raise RequestError(
            f"messages: {one_line(problem)}", param="messages", code="invalid_value"
        ) from None


def _generation(request: ChatRequest, limits: Limits, default_max_tokens: int) -> Generation:
    stop = request.stop
    return Generation(
        max_new_tokens=_max_tokens(request, limits, default_max_tokens),
        temperature=request.temperature or 0.0,
        top_p=1.0 if request.top_p is None else request.top_p,
        seed=request.seed,
        stop=() if stop is None else (stop,) if isinstance(stop, str) else tuple(stop),
    )


def _max_tokens(request: ChatRequest, limits: Limits, default_max_tokens: int) -> int:
    name = "max_tokens" if request.max_completion_tokens is None else "max_completion_tokens"
    given = {request.max_tokens, request.max_completion_tokens} - {None}
    if len(given) > 1:
        raise RequestError(
            f"max_tokens is {request.max_tokens} and max_completion_tokens "
            f"{request.max_completion_tokens}; give one of them",
            param=name,
            code="invalid_value",
        )
    wanted = min(default_max_tokens, limits.max_new_tokens) if not given else given.pop()
    if wanted is None or wanted > limits.max_new_tokens:
        raise RequestError(
            f"{name}: at most {limits.max_new_tokens:,}, got {wanted}",
            param=name,
            code="invalid_value",
        )
    return wanted
