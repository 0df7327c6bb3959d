"""One server of chat completions: sends bodies, waits, tries again, says what went wrong."""

import asyncio
import json
from typing import Any, NamedTuple

from budget.errors import ModelError, ModelLost
from budget.remote.failures import of_silence, of_status
from budget.remote.replies import Reply, read_reply

_NOT_OPEN = (401, 403)
_ALIVE_S = 10.0  # seconds that a server has to show that it is there at all


class Timed(NamedTuple):
    """A reply and how long it took.

    Attributes:
        reply: what the server answered.
        seconds: between sending and the end of the answer, of the attempt that succeeded, pauses
            before it left out. Other requests were under way then, and waited with it in the
            server's queue: with a concurrency above 1 it is a latency under that load.
    """

    reply: Reply
    seconds: float


class Endpoint:
    """Asks a server through OpenAI's client, so many requests at once.

    Args:
        url: of its API.
        key: sent as bearer token; None for none.
        timeout_s: until an attempt is given up.
        max_retries: further attempts; the client waits 0.5 s, then twice as long each time up to 8
            s, or as long as the server's Retry-After says.
        concurrency: requests under way at once.

    Raises:
        ModelError: if the package ``openai`` is missing.
    """

    def __init__(
        self, url: str, key: str | None, *, timeout_s: float, max_retries: int, concurrency: int
    ) -> None:
        try:
            import openai
        except ImportError:
            raise ModelError(
                "a served model is asked through the package openai; pip install "
                "'matryoshka-budget[remote]'"
            ) from None
        self.url, self._key, self._timeout_s, self._openai = url, key, timeout_s, openai
        # Without a key of ours the client would send the one that the environment has for OpenAI.
        self._client: Any = openai.AsyncOpenAI(
            base_url=url,
            api_key=key or "none",
            timeout=timeout_s,
            max_retries=max_retries,
        )
        self._free = asyncio.Semaphore(concurrency)

    async def ask(self, body: dict[str, Any]) -> Timed:
        """Return the answer to one request.

        Raises:
            ModelLost: if the server can be asked no more.
            RequestFailed: if it did not answer this request.
        """
        async with self._free:
            response = await self._send(body)
        return Timed(read_reply(response.content), response.elapsed.total_seconds())

    async def models(self) -> list[dict[str, Any]]:
        """Return what the server tells of its models; nothing if it does not.

        Raises:
            ModelError: if it cannot be reached, or not without another key.
        """
        try:
            found = json.loads((await self._get("/models")).content)
        except self._openai.APIStatusError as problem:
            if problem.status_code in _NOT_OPEN:
                raise self._status(problem) from problem
            return []
        except ValueError:
            return []
        except self._openai.APIError as problem:
            raise self._silence(problem) from problem
        listed = found.get("data") if isinstance(found, dict) else None
        return [each for each in listed or () if isinstance(each, dict)]

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _send(self, body: dict[str, Any]) -> Any:
        openai = self._openai
        try:
            return await self._client.post("/chat/completions", body=body, cast_to=self._raw)
        except openai.APIStatusError as problem:
            found = self._status(problem)
            server_side = problem.status_code >= 500
        except openai.APIError as problem:
            found, server_side = self._silence(problem), True
        if server_side and not await self._alive():
            raise ModelLost(str(found))
        raise found

    async def _alive(self) -> bool:
        """Return whether the server answers at all, be it with an error."""
        try:
            await self._get("/models", timeout=_ALIVE_S, max_retries=0)
        except self._openai.APIStatusError:
            return True
        except self._openai.APIError:
            return False
        return True

    async def _get(self, path: str, **options: Any) -> Any:
        return await self._client.with_options(**options).get(path, cast_to=self._raw)

    @property
    def _raw(self) -> Any:
        """The type by which the client hands over a response as it is."""
        import httpx2

        return httpx2.Response

    def _status(self, problem: Any) -> ModelError:
        return of_status(self.url, problem.status_code, self._said(problem))

    def _silence(self, problem: Exception) -> ModelError:
        timeout = isinstance(problem, self._openai.APITimeoutError)
        return of_silence(self.url, problem, self._timeout_s if timeout else None)

    def _said(self, problem: Any) -> str:
        """Return a server's message, without the key that some servers repeat."""
        body = problem.body
        message = body.get("message") or body.get("detail") if isinstance(body, dict) else None
        text = str(message or problem.response.text)
        return text.replace(self._key, "***") if self._key else text
