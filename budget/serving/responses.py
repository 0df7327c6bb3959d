"""What is sent back, as OpenAI has it, with what an answer cost besides."""

import math
import time
from typing import Annotated, Literal

from pydantic import BaseModel, PlainSerializer

from budget.adaptive import AdaptiveAnswer
from budget.planning import Choice

Number = Annotated[
    float,
    # JSON has no NaN, which stands for "unknown" in the runtime.
    PlainSerializer(lambda x: x if math.isfinite(x) else None, return_type=float | None),
]


class PromptDetails(BaseModel):
    """What a prompt's tokens were."""

    image_tokens: int
    text_tokens: int
    cached_tokens: int = 0


class Usage(BaseModel):
    """Tokens of one answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


class ImageBudget(BaseModel):
    """The scale of one image, and why; rung -1 is an m between two rungs."""

    num_visual_tokens: int
    rung: int
    scores: list[Number]
    reason: str
    fallback: str


class SpentBudget(BaseModel):
    """What an answer spent: visual tokens over all images, FLOPs over all parts of the model."""

    num_visual_tokens: int
    rung: int
    reason: str
    fallback: str
    decision_ms: Number
    flops: Number
    full_flops: Number
    confidence: Number
    images: list[ImageBudget]


class AnswerMessage(BaseModel):
    """The answer's text."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class AnswerChoice(BaseModel):
    """The one choice that is given."""

    index: Literal[0] = 0
    message: AnswerMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class Completion(BaseModel):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[AnswerChoice]
    usage: Usage
    budget: SpentBudget


class Delta(BaseModel):
    """New text of an answer; empty in its last chunk."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """New text of the one choice that is given."""

    index: Literal[0] = 0
    delta: Delta
    finish_reason: Literal["stop", "length"] | None = None
    logprobs: None = None


class Chunk(BaseModel):
    """A part of an answer that comes as it is made; the last ones tell usage and budget."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    budget: SpentBudget | None = None


class ModelCard(BaseModel):
    """A model that is served, and the scales it has."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "budget"
    scales: list[int]


class ModelList(BaseModel):
    """All models that are served: one."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class Trust(BaseModel):
    """What was trusted of the policy: images decided for, fallbacks and their latest words."""

    decisions: int
    fallbacks: dict[str, int]
    last: dict[str, str]


class Governed(BaseModel):
    """The mean over live traffic that is held; ``spent`` is null before the first request."""

    requests: int
    target: Number
    spent: Number
    price: Number
    limit: str


class Health(BaseModel):
    """Whether new requests are served, and how well decisions go."""

    status: Literal["ready", "draining"]
    model: str
    waiting: int
    running: int
    notice: str
    trust: Trust | None = None
    governor: Governed | None = None


class ErrorDetail(BaseModel):
    """What was wrong with a request, and where."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorDetail


def usage_of(answer: AdaptiveAnswer) -> Usage:
    """Return the tokens of an answer."""
    new = len(answer.token_ids)
    return Usage(
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=new,
        total_tokens=answer.prompt_tokens + new,
        prompt_tokens_details=PromptDetails(
            image_tokens=answer.num_visual_tokens,
            text_tokens=answer.prompt_tokens - answer.num_visual_tokens,
        ),
    )


def spent_of(answer: AdaptiveAnswer) -> SpentBudget:
    """Return what an answer spent and why."""
    return SpentBudget(
        num_visual_tokens=answer.num_visual_tokens,
        rung=answer.rung,
        reason=answer.reason,
        fallback=answer.fallback,
        decision_ms=answer.decision_ms,
        flops=answer.flops,
        full_flops=answer.full_flops,
        confidence=answer.confidence,
        images=[_image(choice) for choice in answer.choices],
    )


def finish_of(answer: AdaptiveAnswer) -> Literal["stop", "length"]:
    """Return OpenAI's word for why an answer ended."""
    return "stop" if answer.finish_reason == "stop" else "length"


def completion(answer: AdaptiveAnswer, *, id: str, model: str) -> Completion:
    """Return the response to a request that is not streamed."""
    message = AnswerMessage(content=answer.text)
    return Completion(
        id=id,
        created=int(time.time()),
        model=model,
        choices=[AnswerChoice(message=message, finish_reason=finish_of(answer))],
        usage=usage_of(answer),
        budget=spent_of(answer),
    )


def _image(choice: Choice) -> ImageBudget:
    return ImageBudget(
        num_visual_tokens=choice.num_visual_tokens,
        rung=choice.rung,
        scores=list(choice.scores),
        reason=choice.reason,
        fallback=choice.fallback,
    )
