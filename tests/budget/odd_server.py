"""A real server of chat completions on loopback, with knobs, that can be told to misbehave."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from PIL import Image
from served import served

PIXELS = 1024  # that make one token
LOW = 7  # tokens of an image whose detail is low


@dataclass
class Odd:
    """What the server does, and what came.

    Attributes:
        plan: what happens to the next requests: a status, a status with Retry-After, "garbage",
            "text", "empty", "cut" or "slow"; then it behaves.
        knob: which knob it follows: "vllm", "transformers", "detail", or "" for none.
        fixed: tokens of every image, whatever its size and knob.
        tells: whether usage tells image tokens.
        logprobs: whether it gives log-probabilities.
        strict: whether fields that it does not know are refused.
        gone_after: how many requests it answers; from then on it says 503.
        slow_s: seconds that "slow" takes.
        bodies: every body that came.
        keys: every authorization header.
        times: when each came, on the loop's clock.
    """

    plan: deque[Any] = field(default_factory=deque)
    knob: str = ""
    fixed: int | None = None
    tells: bool = False
    logprobs: bool = False
    strict: bool = False
    gone_after: float = float("inf")
    slow_s: float = 5.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    most: int = 0
    running: int = 0

    @property
    def with_images(self) -> list[dict[str, Any]]:
        """The bodies that had an image."""
        return [body for body in self.bodies if "image_url" in json.dumps(body)]

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/models")
        async def models() -> Response:
            return JSONResponse({"object": "list", "data": [{"id": "odd"}]})

        @app.post("/v1/chat/completions")
        async def chat(request: Request) -> Response:
            body = await request.json()
            self.bodies.append(body)
            self.keys.append(request.headers["authorization"])
            self.times.append(asyncio.get_running_loop().time())
            self.running += 1
            self.most = max(self.most, self.running)
            try:
                return await self.respond(body, request)
            finally:
                self.running -= 1

        return app

    async def respond(self, body: dict[str, Any], request: Request) -> Response:
        if len(self.bodies) > self.gone_after:
            return error(503, "down for good")
        if self.plan:
            match self.plan.popleft():
                case int(status):
                    return error(status, f"planned {status}")
                case (int(status), after):
                    return error(status, "planned", {"retry-after": str(after)})
                case "garbage":
                    return Response(b"{not json", media_type="application/json")
                case "text":
                    return Response(b"<html>hello</html>", media_type="text/html")
                case "empty":
                    return JSONResponse({"choices": [], "usage": None})
                case "cut":
                    return Response(b"{", headers={"content-length": "100"})
                case "slow":
                    until = asyncio.get_running_loop().time() + self.slow_s
                    while asyncio.get_running_loop().time() < until:
                        await asyncio.sleep(0.02)
                        if await request.is_disconnected():
                            break
        await asyncio.sleep(0.002)
        return self.answer(body)

    def answer(self, body: dict[str, Any]) -> Response:
        text = "".join(words(message) for message in body["messages"])
        known = {"vllm": "mm_processor_kwargs", "transformers": "chat_template_kwargs"}
        extra = {"mm_processor_kwargs", "chat_template_kwargs", "budget"} & set(body)
        if self.strict and extra - {known.get(self.knob)}:
            return error(422, f"Unexpected fields in the request: {extra}")
        if self.strict and "logprobs" in body:
            return error(422, "Unexpected fields in the request: {'logprobs'}")
        if "refuse" in text:
            return error(400, "this is refused")
        if "boom" in text:
            return error(500, "this breaks")
        seen = [
            self.tokens(image, body) for message in body["messages"] for image in images(message)
        ]
        prompt = len(text.split()) + 3 + sum(seen)
        return JSONResponse(self.completion(f" {text} saw {sum(seen)} ", prompt, seen, body))

    def tokens(self, image: dict[str, Any], body: dict[str, Any]) -> int:
        if self.fixed is not None:
            return self.fixed
        if self.knob == "detail" and image.get("detail") == "low":
            return LOW
        data = base64.b64decode(image["url"].partition(",")[2])
        width, height = Image.open(BytesIO(data)).size
        limit = self.limit(body)
        return max(1, min(width * height, limit) // PIXELS)

    def limit(self, body: dict[str, Any]) -> int:
        scoped: dict[str, Any] = {}
        if self.knob == "vllm":
            scoped = body.get("mm_processor_kwargs") or {}
        if self.knob == "transformers":
            scoped = (body.get("chat_template_kwargs") or {}).get("processor_kwargs") or {}
        return scoped.get("images_kwargs", {}).get("max_pixels", 10**9)

    def completion(
        self, text: str, prompt: int, seen: list[int], body: dict[str, Any]
    ) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": text},
        }
        if self.logprobs and body.get("logprobs"):
            best = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5}]
            tokens = [{"token": "a", "logprob": -0.5, "top_logprobs": best}]
            choice["logprobs"] = {"content": [*tokens, {"token": "c", "logprob": -0.1}]}
        usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": 2}
        if self.tells:
            usage["prompt_tokens_details"] = {"image_tokens": sum(seen)}
        return {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "type": "odd"}}, status, headers)


def words(message: dict[str, Any]) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part["type"] == "text")


def images(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    parts = [] if isinstance(content, str) else content
    return [part["image_url"] for part in parts if part["type"] == "image_url"]


@contextmanager
def odd_server(**words: Any) -> Iterator[tuple[str, Odd]]:
    """Serve one; gives the address of its model, and what it does."""
    odd = Odd(**words)
    with served(odd.app()) as url:
        yield f"openai:{url}/v1#odd", odd
