"""``POST /v1/chat/completions``: from a request to an answer, whole or as a stream."""

import asyncio
import time
import uuid
from collections.abc import Coroutine
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from budget.adaptive import AdaptiveAnswer
from budget.serving.body import ClientGone, read_body, until_gone
from budget.serving.errors import RequestError
from budget.serving.intake import Intake
from budget.serving.jobs import Job
from budget.serving.metrics import Metrics
from budget.serving.outcomes import GONE, OK, failed, outcome_of
from budget.serving.preparing import Prepared, Preparing
from budget.serving.responses import completion
from budget.serving.streaming import ChunkMaker, EventStream, answer_events
from budget.serving.tickets import Ticket

Gone = asyncio.Task[None]


class Visit(NamedTuple):
    """One request while it is served.

    Attributes:
        ticket: counts it.
        gone: done when the client has hung up.
        since: when it came, on ``time.perf_counter``.
    """

    ticket: Ticket
    gone: Gone
    since: float


class ChatEndpoint:
    """Serves chat completions.

    Args:
        preparing: makes questions of requests.
        intake: where jobs wait.
        metrics: counts what happens.
    """

    def __init__(self, preparing: Preparing, intake: Intake, metrics: Metrics) -> None:
        self.preparing, self.intake, self.metrics = preparing, intake, metrics

    async def __call__(self, request: Request) -> Response:
        """Answer one request, and count how it went.

        Raises:
            RequestError: if it is refused.
        """
        since = time.perf_counter()
        try:
            return await self._serve(request, since)
        except ClientGone:
            self._over(GONE, since)
            return Response(status_code=499)  # nobody reads it
        except RequestError as error:
            self._over(outcome_of(error), since)
            raise
        except Exception:
            self._over(outcome_of(failed()), since)
            raise

    async def _serve(self, request: Request, since: float) -> Response:
        ticket = self.intake.enter()
        settings = self.preparing.settings
        try:
            body = await read_body(
                request,
                max_bytes=settings.limits.max_body_bytes,
                timeout_s=settings.patience.body_s,
            )
            gone = asyncio.create_task(until_gone(request.receive))
            visit = Visit(ticket, gone, since)
            return await _unless_gone(self._respond(body, visit), gone)
        except BaseException:
            ticket.leave()
            raise

    async def _respond(self, body: bytes, visit: Visit) -> Response:
        prepared = await self.preparing.prepare(body, visit.ticket)
        stream = bool(prepared.request.stream)
        loop = asyncio.get_running_loop()
        job = Job(prepared.question, visit.ticket, loop, streamed=stream)
        self.intake.submit(job)
        try:
            if stream:
                await job.begun
                return self._stream(job, prepared, visit)
            answer = await job.answer
        except asyncio.CancelledError:
            self.intake.drop(job)
            raise
        self._answered(answer, prepared, visit.since)
        return self._whole(answer)

    def _whole(self, answer: AdaptiveAnswer) -> Response:
        made = completion(answer, id=_new_id(), model=self.preparing.model_id)
        headers = {"x-visual-tokens": str(answer.num_visual_tokens)}
        if answer.fallback:
            headers["x-visual-fallback"] = answer.fallback
        return Response(made.model_dump_json(), media_type="application/json", headers=headers)

    def _stream(self, job: Job, prepared: Prepared, visit: Visit) -> Response:
        def at_end(sent: bool) -> None:
            if not sent or not job.answer.done():
                self.intake.drop(job)
                self._over(GONE, visit.since)
            elif isinstance(problem := job.answer.exception(), RequestError):
                self._over(outcome_of(problem), visit.since)
            else:
                self._answered(job.answer.result(), prepared, visit.since)

        options = prepared.request.stream_options
        usage = bool(options and options.include_usage)
        chunks = ChunkMaker(_new_id(), self.preparing.model_id, usage)
        write_s = self.preparing.settings.patience.write_s
        headers = _stream_headers(job, prepared)
        return EventStream(answer_events(job, chunks), headers, visit.gone, write_s, at_end)

    def _answered(self, answer: AdaptiveAnswer, prepared: Prepared, since: float) -> None:
        full = self.preparing.runner.ladder[-1]
        self.metrics.answer(answer, sum(tokens[full] for tokens in prepared.tokens))
        self._over(OK, since)

    def _over(self, outcome: str, since: float) -> None:
        self.metrics.request(outcome, time.perf_counter() - since)


async def _unless_gone(work: Coroutine[Any, Any, Response], gone: Gone) -> Response:
    """Return what ``work`` gives; if the client hangs up before, cancel it.

    Raises:
        ClientGone: if it did.
    """
    working = asyncio.create_task(work)
    watched = False
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        response = working.result()
        watched = isinstance(response, EventStream)
        return response
    finally:
        working.cancel()
        if not watched:
            gone.cancel()


def _stream_headers(job: Job, prepared: Prepared) -> dict[str, str]:
    """Return what is known of the budget when the text begins."""
    if job.choices is None:
        return {}
    tokens = [
        own[choice.num_visual_tokens]
        for choice, own in zip(job.choices, prepared.tokens, strict=True)
    ]
    headers = {"x-visual-tokens": str(sum(tokens))}
    if fallback := next((each.fallback for each in job.choices if each.fallback), ""):
        headers["x-visual-fallback"] = fallback
    return headers


def _new_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"
