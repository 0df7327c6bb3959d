"""The body of a chat completion request, as OpenAI has it, and what this server adds.

A field that is declared here says exactly which values are served; what OpenAI allows besides and
would change the answer's meaning (tools, several choices, log-probabilities, JSON mode, penalties,
audio) is declared with the one value that means "not wanted". Fields that are not declared here
are ignored: ``user``, ``metadata``, ``store``, ``service_tier``, ``prediction``,
``parallel_tool_calls``, ``reasoning_effort``, ``verbosity``, ``safety_identifier``,
``prompt_cache_key`` and whatever else a client sends along.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from budget.serving.numbers import Int64, NoCount, One, Positive

# Lengths are checked before items are: a list of a million wrong items is one error, not a million.
MAX_MESSAGES = 256
MAX_PARTS = 64
MAX_STOP_CHARS = 256

Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict()]
Real = Annotated[float, Strict(), Field(allow_inf_nan=False)]
StopText = Annotated[str, Strict(), Field(min_length=1, max_length=MAX_STOP_CHARS)]
Nothing = Annotated[list[Any], Field(max_length=0)]
NoEntries = Annotated[dict[str, Any], Field(max_length=0)]
Zero = Annotated[float, Strict(), Field(ge=0, le=0)]


def _not_given() -> Any:
    """What a field holds that was left out, which is not the same as null."""
    return None


def _at_most(count: int, cls: type[BaseModel], given: Any) -> Any:
    if isinstance(given, dict) and len(given) > count:
        raise ValueError(f"at most {count} of {', '.join(cls.model_fields)} may be given")
    return given


class ImageUrl(BaseModel):
    """Where an image is, and how closely to look at it."""

    url: Text = Field(description="data:image/...;base64,... or, where allowed, http(s)://...")
    detail: Literal["auto", "low", "high", "original"] | None = Field(
        None,
        description="low: the smallest scale; high, original: the largest; auto: the request's "
        "budget. Wins over the request's budget for its image.",
    )
    num_visual_tokens: Positive | None = Field(
        None, description="visual tokens of this image; wins over detail and budget"
    )


class ImagePart(BaseModel):
    """An image within a user's message."""

    type: Literal["image_url"]
    image_url: ImageUrl


class TextPart(BaseModel):
    """A text within a message."""

    type: Literal["text"]
    text: Text


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class UserMessage(BaseModel):
    """What the user says and shows."""

    role: Literal["user"]
    content: Text | Annotated[list[Part], Field(min_length=1, max_length=MAX_PARTS)]


class SystemMessage(BaseModel):
    """Instructions that stand above the conversation."""

    role: Literal["system", "developer"]
    content: Text | Annotated[list[TextPart], Field(min_length=1, max_length=MAX_PARTS)]


class AssistantMessage(BaseModel):
    """An earlier answer."""

    role: Literal["assistant"]
    content: Text | Annotated[list[TextPart], Field(min_length=1, max_length=MAX_PARTS)]
    tool_calls: Nothing | None = None


Message = Annotated[UserMessage | SystemMessage | AssistantMessage, Field(discriminator="role")]


class RiskField(BaseModel):
    """How much score may be lost against the full scale, and how sure that must be."""

    model_config = ConfigDict(extra="forbid")

    epsilon: Real = Field(ge=0, lt=1, description="mean score that may be lost")
    delta: Real = Field(0.05, gt=0, le=0.5, description="probability that more is lost")

    @model_validator(mode="before")
    @classmethod
    def _no_more_than_both(cls, given: Any) -> Any:
        return _at_most(2, cls, given)


class BudgetField(BaseModel):
    """What this request may spend on its images; at most one field."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"maxProperties": 1})

    num_visual_tokens: Positive = Field(
        default_factory=_not_given, description="visual tokens of each image"
    )
    price: Real = Field(
        default_factory=_not_given, ge=0, description="score that the full scale must be worth"
    )
    mean_tokens: Real = Field(
        default_factory=_not_given, gt=0, description="mean visual tokens of an image"
    )
    mean_flops: Real = Field(
        default_factory=_not_given, gt=0, description="mean FLOPs of an answer"
    )
    mean_ms: Real = Field(
        default_factory=_not_given, gt=0, description="mean milliseconds of an answer"
    )
    risk: RiskField = Field(default_factory=_not_given)
    total_visual_tokens: Positive = Field(
        default_factory=_not_given,
        description="most visual tokens of all images of the request together",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_at_most(cls, given: Any) -> Any:
        return _at_most(1, cls, given)


class StreamOptions(BaseModel):
    """What a stream of chunks tells besides the text."""

    include_usage: Flag | None = None


class PlainText(BaseModel):
    """The only format of answers."""

    type: Literal["text"]


class ChatRequest(BaseModel):
    """A request for one answer to a conversation about images."""

    model: Text = Field(description="the id that /v1/models gives")
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    budget: BudgetField | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = Field(
        None, description="the same as max_tokens; if both are given they must be equal"
    )
    temperature: Real | None = Field(None, ge=0, le=2, description="0, the default, is greedy")
    top_p: Real | None = Field(None, gt=0, le=1)
    seed: Int64 | None = None
    stop: StopText | Annotated[list[StopText], Field(max_length=4)] | None = None
    stream: Flag | None = None
    stream_options: StreamOptions | None = None
    n: One | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: NoCount | None = None
    tools: Nothing | None = None
    tool_choice: Literal["none", "auto"] | None = None
    functions: Nothing | None = None
    function_call: Literal["none", "auto"] | None = None
    response_format: PlainText | None = None
    modalities: Annotated[list[Literal["text"]], Field(max_length=1)] | None = None
    audio: None = None
    logit_bias: NoEntries | None = None
    presence_penalty: Zero | None = None
    frequency_penalty: Zero | None = None
    web_search_options: None = None
