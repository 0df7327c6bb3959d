"""An answer as server-sent events: chunks while it is made, then usage, then ``[DONE]``."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from budget.adaptive import AdaptiveAnswer
from budget.serving.errors import RequestError
from budget.serving.jobs import Job
from budget.serving.responses import (
    Chunk,
    ChunkChoice,
    Delta,
    finish_of,
    spent_of,
    usage_of,
)

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class ChunkMaker:
    """Makes the chunks of one answer.

    Attributes:
        id: the answer's id.
        model: the model's id.
        include_usage: whether the client asked for a chunk with the usage.
        created: seconds since 1970.
    """

    id: str
    model: str
    include_usage: bool
    created: int = field(default_factory=lambda: int(time.time()))

    def text(self, delta: Delta) -> bytes:
        """Return the event of new text."""
        return self._event([ChunkChoice(delta=delta)])

    def ends(self, answer: AdaptiveAnswer) -> list[bytes]:
        """Return the last events: why it ended and what it cost, the usage if wanted, the mark."""
        last = [ChunkChoice(delta=Delta(), finish_reason=finish_of(answer))]
        events = [self._event(last, budget=spent_of(answer))]
        if self.include_usage:
            events.append(self._event([], usage=usage_of(answer)))
        return [*events, DONE]

    def _event(self, choices: list[ChunkChoice], **fields: Any) -> bytes:
        chunk = Chunk(id=self.id, created=self.created, model=self.model, choices=choices, **fields)
        # As OpenAI has it: every chunk but the last says that usage comes, if it was asked for.
        left_out = {"budget"} if chunk.budget is None else set()
        if not self.include_usage:
            left_out.add("usage")
        return sse_event(chunk, left_out)


def sse_event(body: BaseModel, left_out: set[str]) -> bytes:
    """Return a server-sent event of one line of JSON."""
    choices = {"choices": {"__all__": {"delta": _unset(body)}}}
    text = body.model_dump_json(exclude={**choices, **dict.fromkeys(left_out, True)})
    return f"data: {text}\n\n".encode()


def _unset(body: BaseModel) -> set[str]:
    """Return the fields of the delta that say nothing."""
    choices = getattr(body, "choices", None) or []
    return {
        name
        for choice in choices
        for name in ("role", "content")
        if getattr(choice.delta, name) is None
    }


async def answer_events(job: Job, chunks: ChunkMaker) -> AsyncIterator[bytes]:
    """Yield the events of a job's answer; an error after the first one is an event too."""
    yield chunks.text(Delta(role="assistant", content=""))
    try:
        async for piece in job.pieces():
            yield chunks.text(Delta(content=piece))
        answer = await job.answer
    except RequestError as error:
        yield b"data: %b\n\n" % json.dumps(error.body()).encode()
        return
    for event in chunks.ends(answer):
        yield event


class EventStream(Response):
    """Sends events to one reader, who may be slow or hang up; others do not wait for it.

    Args:
        events: what to send.
        headers: besides the content type.
        gone: done when the client has hung up.
        write_s: seconds that the reader may take for one event.
        at_end: called with whether everything was sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncIterator[bytes],
        headers: dict[str, str],
        gone: "asyncio.Task[None]",
        write_s: float,
        at_end: Callable[[bool], None],
    ) -> None:
        super().__init__(None, 200, {"cache-control": "no-cache", **headers})
        del self.headers["content-length"]
        self.events, self.gone, self.write_s, self.at_end = events, gone, write_s, at_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all events, unless the client hangs up or stands still."""
        writing = asyncio.ensure_future(self._write(send))
        try:
            await asyncio.wait({writing, self.gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sent = writing.done() and not writing.cancelled() and writing.exception() is None
            writing.cancel()
            self.gone.cancel()
            self.at_end(sent)
        if writing.done():
            writing.result()

    async def _write(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await self._send(send, start)
        async for event in self.events:
            await self._send(send, _body(event, True))
        await self._send(send, _body(b"", False))

    async def _send(self, send: Send, message: dict[str, Any]) -> None:
        async with asyncio.timeout(self.write_s):
            await send(message)


def _body(data: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}
