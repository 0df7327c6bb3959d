"""What is read of a server's answer; all else in it is ignored."""

import math
from statistics import fmean
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from budget.remote.failures import RequestFailed


class Alternative(BaseModel):
    """A token that might have stood there."""

    logprob: float


class TokenLogprob(BaseModel):
    """A token of the answer and how likely it was."""

    logprob: float
    top_logprobs: list[Alternative] | None = None


class Logprobs(BaseModel):
    """Of an answer's tokens."""

    content: list[TokenLogprob] | None = None


class Message(BaseModel):
    """The answer; None is an empty one."""

    content: str | None = None


class Choice(BaseModel):
    """The one answer that was asked for."""

    message: Message
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class PromptDetails(BaseModel):
    """Of the prompt's tokens."""

    image_tokens: int | None = None


class Usage(BaseModel):
    """Tokens of one answer."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(0, ge=0)
    prompt_tokens_details: PromptDetails | None = None


class Reply(BaseModel):
    """A whole answer. ``budget`` is what this project's server tells besides."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage
    budget: Any = None

    @property
    def text(self) -> str:
        """The answer, stripped."""
        return (self.choices[0].message.content or "").strip()

    @property
    def image_tokens(self) -> int | None:
        """Visual tokens as far as the server tells; 0 is what servers say that do not count."""
        details = self.usage.prompt_tokens_details
        return details.image_tokens or None if details else None

    @property
    def scales(self) -> list[Any] | None:
        """What this project's server says of the scale of every image; None of others."""
        told = self.budget.get("images") if isinstance(self.budget, dict) else None
        if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
            return None
        return [each.get("num_visual_tokens") for each in told]

    @property
    def confidence(self) -> float:
        """Mean log-probability of the answer's tokens, NaN if it is not told."""
        told = self.budget.get("confidence") if isinstance(self.budget, dict) else None
        if isinstance(told, int | float):
            return float(told)
        tokens = self._tokens()
        return min(0.0, fmean(each.logprob for each in tokens)) if tokens else math.nan

    @property
    def margin(self) -> float:
        """Probability of the first token less that of the next best, NaN if it is not told."""
        first = self._tokens()[:1]
        best = sorted((a.logprob for each in first for a in each.top_logprobs or ()), reverse=True)
        return math.exp(best[0]) - math.exp(best[1]) if len(best) > 1 else math.nan

    def _tokens(self) -> list[TokenLogprob]:
        found = self.choices[0].logprobs
        return (found.content or []) if found else []


def read_reply(data: bytes) -> Reply:
    """Return the answer that a body holds.

    Raises:
        RequestFailed: if it holds none; says what is missing.
    """
    try:
        return Reply.model_validate_json(data)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        start = " ".join(data[:80].decode(errors="replace").split())
        raise RequestFailed(
            f"the answer is no chat completion with usage ({place}: {first['msg'].lower()}), "
            f"it begins {start!r}"
        ) from None
