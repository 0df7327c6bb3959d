"""From the body of a request to the one that is sent on; never to an error.

Whatever goes wrong, the body goes on byte for byte as it came, and the outcome says why.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from budget.budgets import Budget
from budget.errors import DataError, one_line
from budget.proxy.chat_request import ChatRequest, read_chat, write_chat
from budget.proxy.decide import FilePolicy, UntrustedError, rungs_by_detail, rungs_by_policy
from budget.proxy.dialects import Dialect
from budget.serving.errors import RequestError
from budget.serving.request_images import RequestImages

T = TypeVar("T")

_LOG = logging.getLogger("budget.proxy")


class Rewritten(NamedTuple):
    """What is sent on, and how it came about.

    Attributes:
        body: the bytes to send.
        rungs: the rung of every image, empty where none was chosen.
        reason: "policy", "detail" (all images asked for theirs), "client" (it set its own knob),
            "no image", or "" after a fallback.
        fallback: why the body is unchanged although there was something to decide: "body", "image",
            "policy" (it failed), "deadline", "error", or a reason of ``budget.fallbacks`` such as
            "outlier" or "no policy"; "" where nothing failed.
    """

    body: bytes
    rungs: tuple[int, ...] = ()
    reason: str = ""
    fallback: str = ""


class Rewriter:
    """Decides for requests, within a deadline.

    Args:
        policy: chooses rungs from the bytes of image files.
        dialect: writes them into requests.
        images: reads the images of requests.
        budget: what is allowed; None means the policy's default.
        deadline_s: seconds that a decision may take, with fetching images and resizing them.
        threads: decisions made at the same time; each takes a core.
    """

    def __init__(
        self,
        policy: FilePolicy,
        dialect: Dialect,
        images: RequestImages,
        *,
        budget: Budget | None = None,
        deadline_s: float = 1.0,
        threads: int = 2,
    ) -> None:
        self.policy = policy
        self.dialect = dialect
        self.images = images
        self.budget = budget
        self.deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="decide")

    async def rewrite(self, body: bytes) -> Rewritten:
        """Return the body to send in the place of one that came."""
        try:
            async with asyncio.timeout(self.deadline_s):
                return await self._rewrite(body)
        except TimeoutError:
            return Rewritten(body, fallback="deadline")
        except (RequestError, DataError) as problem:
            _LOG.info("passed on unchanged: %s", one_line(problem))
            return Rewritten(body, fallback="image")
        except Exception:  # the decision is never the reason for a request that fails
            _LOG.exception("passed on unchanged")
            return Rewritten(body, fallback="error")

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _rewrite(self, body: bytes) -> Rewritten:
        try:
            chat = await self._on_thread(lambda: read_chat(body))
        except ValueError:
            return Rewritten(body, fallback="body")
        if not chat.images:
            return Rewritten(body, reason="no image")
        if chat.own_knob:
            return Rewritten(body, reason="client")
        asked = rungs_by_detail(chat, len(self.policy.ladder))
        files = await self._read(chat, [self.dialect.needs_files or rung is None for rung in asked])
        try:
            rungs = await self._on_thread(lambda: self._fill(asked, files, chat.question))
        except UntrustedError as problem:
            return Rewritten(body, fallback=str(problem))
        except DataError:
            raise
        except Exception as problem:  # a policy is a stranger's too
            _LOG.warning("the policy failed: %s", one_line(problem))
            return Rewritten(body, fallback="policy")
        reason = "policy" if None in asked else "detail"
        return Rewritten(
            await self._on_thread(lambda: self._write(chat, rungs, files, body)),
            tuple(rungs),
            reason,
        )

    async def _read(self, chat: ChatRequest, wanted: Sequence[bool]) -> list[bytes]:
        """Return the files of the images that are wanted, and nothing for the others."""
        limit = self.images.limits.max_images
        if sum(wanted) > limit:
            raise RequestError(f"at most {limit} images are looked at, got {sum(wanted)}")
        return [
            await self.images.read(image.url, param=image.param) if look else b""
            for image, look in zip(chat.images, wanted, strict=True)
        ]

    def _fill(
        self, asked: Sequence[int | None], files: Sequence[bytes], question: str
    ) -> list[int]:
        """Return all rungs, asking the policy for those that are not known."""
        unknown = [file for file, rung in zip(files, asked, strict=True) if rung is None]
        if not unknown:
            return [rung for rung in asked if rung is not None]
        chosen = iter(rungs_by_policy(self.policy, unknown, question, self.budget))
        return [next(chosen) if rung is None else rung for rung in asked]

    def _write(
        self, chat: ChatRequest, rungs: Sequence[int], files: Sequence[bytes], body: bytes
    ) -> bytes:
        return write_chat(chat) if self.dialect.write(chat, rungs, files) else body

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
