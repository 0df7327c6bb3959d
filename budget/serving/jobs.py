"""One request on its way through the model, seen from the event loop and from the worker."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from budget.adaptive import AdaptiveAnswer
from budget.chat import Chat
from budget.planning import Choice, SampleBudget
from budget.sampling import Generation
from budget.serving.tickets import Ticket

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is asked for one request.

    Attributes:
        chat: the conversation.
        images: its images, decoded.
        budgets: what is allowed for each image, or a total for all of them.
        generation: how long and how the answer is drawn.
    """

    chat: Chat
    images: "tuple[Image, ...]"
    budgets: SampleBudget
    generation: Generation


@dataclass(eq=False)
class Job:
    """A question, and its answer as it comes.

    The worker's thread calls ``begin``, ``decide``, ``text``, ``finish`` and ``fail``; everything
    else is for the event loop. What the worker says arrives there in the order it was said in.

    Attributes:
        question: what is asked.
        ticket: counts the request as waiting, then as inside.
        loop: the event loop that waits.
        streamed: whether somebody reads the text while it is made.
        created: when the job was made, on ``time.perf_counter``.
        started: when the worker took it, 0 before.
        cancelled: set when nobody waits any more; the worker looks at it before every step.
        choices: the scales that were chosen, None before.
        begun: done when there is text, or the whole answer.
        answer: done when there is the whole answer.
    """

    question: Question
    ticket: Ticket
    loop: asyncio.AbstractEventLoop
    streamed: bool = False
    created: float = field(default_factory=time.perf_counter)
    started: float = 0.0
    cancelled: bool = False

    def __post_init__(self) -> None:
        self.choices: tuple[Choice, ...] | None = None
        self.begun: asyncio.Future[None] = self.loop.create_future()
        self.answer: asyncio.Future[AdaptiveAnswer] = self.loop.create_future()
        self._pieces: list[str] = []
        self._news = asyncio.Event()
        self._heard = ""  # of this attempt; only the worker touches these two
        self._passed_on = ""

    def begin(self) -> None:
        """Say that the worker starts, or after a failed batch starts again."""
        self._heard = ""

    def decide(self, choices: tuple[Choice, ...]) -> None:
        """Pass on which scales were chosen."""
        self._post(lambda: setattr(self, "choices", choices))

    def text(self, piece: str) -> None:
        """Pass on new text, except what an earlier attempt has passed on already."""
        self._heard += piece
        known = self._passed_on
        if self.streamed and self._heard.startswith(known) and self._heard != known:
            fresh = self._heard[len(known) :]
            self._passed_on = self._heard
            self._post(lambda: self._told(fresh))

    def finish(self, answer: AdaptiveAnswer) -> None:
        """Pass on the whole answer.

        Raises:
            RuntimeError: if it is not the text that was heard or passed on: then it is another's;
                or if it was broken off although it is waited for.
        """
        if self._heard not in ("", answer.text) or not answer.text.startswith(self._passed_on):
            raise RuntimeError(f"an answer of {len(answer.text)} characters is not what was heard")
        if answer.finish_reason == "cancelled" and not self.cancelled:
            raise RuntimeError("an answer was broken off that is waited for")
        self.decide(answer.choices)
        rest = answer.text[len(self._passed_on) :]
        if self.streamed and rest:
            self._passed_on = answer.text
            self._post(lambda: self._told(rest))
        self._post(lambda: self._finished(answer))

    def fail(self, problem: BaseException) -> None:
        """Pass on why there is no answer."""
        self._post(lambda: self._failed(problem))

    def cancel(self) -> None:
        """Say that nobody waits for the answer any more."""
        self.cancelled = True
        self.begun.cancel()
        self.answer.cancel()
        self._news.set()

    async def pieces(self) -> AsyncIterator[str]:
        """Yield the text as it comes; what came since the last time is given as one piece.

        However slow the reader is, no more than one answer's text is kept.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            text = "".join(self._pieces)
            self._pieces.clear()
            if text:
                yield text
            elif self.answer.done():
                return
            if self.answer.done():
                self._news.set()

    def _told(self, text: str) -> None:
        self._pieces.append(text)
        _settle(self.begun, None)

    def _finished(self, answer: AdaptiveAnswer) -> None:
        _settle(self.begun, None)
        _settle(self.answer, answer)

    def _failed(self, problem: BaseException) -> None:
        for future in (self.begun, self.answer):
            if not future.done():
                future.set_exception(problem)
                future.exception()  # or an unread one would be reported when it is collected

    def _post(self, act: Callable[[], object]) -> None:
        def acted() -> None:
            act()
            self._news.set()

        try:
            self.loop.call_soon_threadsafe(acted)
        except RuntimeError:  # the loop is closed, nobody waits
            self.cancelled = True


def _settle(future: "asyncio.Future[Any]", value: Any) -> None:
    if not future.done():
        future.set_result(value)
