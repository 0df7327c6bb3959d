"""One sample at some of its rungs: requests out, answers with their realised tokens back."""

import asyncio
import json
import math
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from budget.ladder import ScaleLadder
from budget.proxy.dialects import Dialect
from budget.remote.dialects import BudgetDialect
from budget.remote.endpoint import Endpoint, Timed
from budget.remote.failures import RequestFailed
from budget.remote.lane import together
from budget.remote.prompts import Prompt, body_of
from budget.types import Answer

_LOGPROBS = {"logprobs": True, "top_logprobs": 2}
_UNKNOWN_ID = -1
_KEPT = 100_000  # questions whose length is known


class TimedAnswer(NamedTuple):
    """An answer and how long it took.

    Attributes:
        answer: as every model gives it. Its ``token_ids`` are -1 each, as many as the server
            counted.
        seconds: see ``budget.remote.endpoint.Timed``.
    """

    answer: Answer
    seconds: float


class Asker:
    """Asks one model of a server.

    Args:
        endpoint: the server.
        name: of the model there.
        ladder: of the model.
        dialect: says rungs to the server.

    Attributes:
        logprobs: whether log-probabilities are asked for.
        confident: whether answers have a confidence; NaN if not, even where a server tells one.
    """

    def __init__(
        self, endpoint: Endpoint, name: str, ladder: ScaleLadder, dialect: Dialect
    ) -> None:
        self.endpoint, self.name, self.ladder, self.dialect = endpoint, name, ladder, dialect
        self.logprobs, self.confident = False, True
        self._lengths: dict[str, int] = {}

    async def answers(
        self, prompt: Prompt, wanted: Sequence[Sequence[int]]
    ) -> list[TimedAnswer | RequestFailed]:
        """Return what came of a sample at some rungs; what would be asked twice is asked once.

        Args:
            prompt: the sample.
            wanted: each with one rung per image.

        Raises:
            ModelLost: if the server can be asked no more.
        """
        made = await asyncio.to_thread(lambda: [self._body(prompt, rungs) for rungs in wanted])
        keys = [sha256(json.dumps(body).encode()).digest() for body in made]
        first = {key: i for i, key in reversed([*enumerate(keys)])}
        rows = await together(self._answer(prompt, made[i], wanted[i]) for i in first.values())
        found = dict(zip(first, rows, strict=True))
        return [found[key] for key in keys]

    async def text_tokens(self, prompt: Prompt) -> int:
        """Return the tokens of a prompt without its images, as the server counts them.

        Raises:
            ModelLost: if the server can be asked no more.
            RequestFailed: if it does not answer a question without an image.
        """
        body = body_of(prompt.alone(), self.name).body
        key = json.dumps(body["messages"])
        if key not in self._lengths:
            if len(self._lengths) >= _KEPT:
                self._lengths.clear()
            found = await self.endpoint.ask(body)
            self._lengths[key] = found.reply.usage.prompt_tokens
        return self._lengths[key]

    def _body(self, prompt: Prompt, rungs: Sequence[int]) -> dict[str, Any]:
        chat = body_of(prompt, self.name)
        if self.logprobs:
            chat.body.update(_LOGPROBS)
        if chat.images:
            self.dialect.write(chat, rungs, prompt.files)
        return chat.body

    async def _answer(
        self, prompt: Prompt, body: dict[str, Any], rungs: Sequence[int]
    ) -> TimedAnswer | RequestFailed:
        try:
            timed = await self.endpoint.ask(body)
            visual = await self._visual_tokens(prompt, timed)
            grids = self._grids(timed, visual, rungs)
        except RequestFailed as problem:
            return problem
        reply = timed.reply
        answer = Answer(
            text=reply.text,
            token_ids=(_UNKNOWN_ID,) * reply.usage.completion_tokens,
            num_visual_tokens=visual,
            prompt_tokens=reply.usage.prompt_tokens,
            confidence=reply.confidence if self.confident else math.nan,
            grids=grids,
            margin=reply.margin,
            entropy=math.nan,
            finish_reason="length" if reply.choices[0].finish_reason == "length" else "stop",
        )
        return TimedAnswer(answer, timed.seconds)

    async def _visual_tokens(self, prompt: Prompt, timed: Timed) -> int:
        """Return what the images cost: as told, or what they add to the prompt without them."""
        if not prompt.files:
            return 0
        if (told := timed.reply.image_tokens) is not None:
            return told
        whole, text = timed.reply.usage.prompt_tokens, await self.text_tokens(prompt)
        if whole <= text:
            raise RequestFailed(
                f"{self.endpoint.url} counts {whole} prompt tokens with the images and {text} "
                "without: visual tokens cannot be told from that"
            )
        return whole - text

    def _grids(self, timed: Timed, visual: int, rungs: Sequence[int]) -> int:
        """Return the squares that the images were seen in, one each where that is not known.

        Raises:
            RequestFailed: if this project's server took other scales than it was asked for.
        """
        if not rungs or not isinstance(self.dialect, BudgetDialect):
            return len(rungs)
        asked = [self.ladder[rung] for rung in rungs]
        if (took := timed.reply.scales) != asked:
            said = "says nothing of scales" if took is None else f"took the scales {took}"
            raise RequestFailed(
                f"{self.endpoint.url} {said} where {asked} were asked for: it does not follow the "
                "dialect 'budget'"
            )
        # Of tiles each has the scale's tokens; where it is a cap, there may be fewer.
        whole = len(set(asked)) == 1 and visual % asked[0] == 0
        return visual // asked[0] if whole else len(rungs)
