"""How a server is set up."""

from dataclasses import dataclass, field
from typing import NamedTuple

from budget.budgets import Budget
from budget.serving.intake import Batching
from budget.serving.keys import Keys
from budget.serving.limits import Limits


class Patience(NamedTuple):
    """How long clients may take, in seconds.

    Attributes:
        body_s: until the whole body of a request is there.
        write_s: until a reader takes the next piece of a stream.
    """

    body_s: float = 30.0
    write_s: float = 60.0


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """How a server is set up; every value has a default.

    Attributes:
        limits: the largest request that is served.
        batching: how requests become batches.
        patience: how long clients may take.
        budget: what a request that says nothing may spend; None is the policy's default, or the
            governor's price.
        default_max_tokens: longest answer where a request sets none, in tokens.
        allow_remote: fetch images from ``http`` and ``https`` URLs.
        keys: API keys; without any, everybody is served.
        guard_all: ask for a key at ``/health`` and ``/metrics`` too.
        decode_threads: threads that parse requests and decode images.
        max_decoded_bytes: bytes of decoded images above which no more are decoded.
        notice: what ``/health`` tells besides, e.g. why no policy is in use.
    """

    limits: Limits = field(default_factory=Limits)
    batching: Batching = field(default_factory=Batching)
    patience: Patience = field(default_factory=Patience)
    budget: Budget | None = None
    default_max_tokens: int = 128
    allow_remote: bool = False
    keys: Keys = field(default_factory=Keys)
    guard_all: bool = False
    decode_threads: int = 2
    max_decoded_bytes: int = 1_000_000_000
    notice: str = ""
