"""Real servers on loopback for tests: an application in a thread, and one that records."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application on a free port of loopback from a thread, and give its URL."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the server ended before it took requests"
        assert time.monotonic() < deadline, "the server takes no requests"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)


@dataclass
class Recorder:
    """A server that keeps what arrives, and answers as ``openai`` clients expect.

    Attributes:
        bodies: the bytes of every body, in order.
        headers: the headers of every request, as they came.
        paths: method, path and query of every request.
        gone: set when a client went away from a stream that never ends.
        asked: set when a request for such a stream, or for silence, has arrived.
    """

    bodies: list[bytes] = field(default_factory=list)
    headers: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def last(self) -> dict[str, Any]:
        return json.loads(self.bodies[-1])

    async def keep(self, request: Request) -> dict[str, Any]:
        self.bodies.append(await request.body())
        self.headers.append(list(request.headers.raw))
        path = request.scope["raw_path"].decode()
        query = request.scope["query_string"].decode()
        self.paths.append(
            f"{request.method} {path}?{query}" if query else f"{request.method} {path}"
        )
        try:
            return json.loads(self.bodies[-1])
        except ValueError:
            return {}

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/chat/completions")
        async def chat(request: Request) -> Response:
            body = await self.keep(request)
            match body.get("model"):
                case "broken":
                    error = {"message": "no", "type": "server_error", "param": None, "code": "x"}
                    return JSONResponse({"error": error}, 503, {"retry-after": "7"})
                case "silent":
                    return await self.silence(request)
                case "endless":
                    return StreamingResponse(self.endless(), media_type="text/event-stream")
                case "cut":
                    return StreamingResponse(cut(), media_type="text/event-stream")
            if body.get("stream"):
                return StreamingResponse(slowly(), media_type="text/event-stream")
            return JSONResponse(completion("fine"), headers={"x-upstream": "yes"})

        @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE", "HEAD"])
        async def other(request: Request, path: str) -> Response:
            await self.keep(request)
            response = Response(b"\x00other\xff", 207, media_type="application/x-own")
            response.set_cookie("a", "1")
            response.set_cookie("b", "2")
            return response

        return app

    async def silence(self, request: Request) -> Response:
        self.asked.set()
        while not await request.is_disconnected():
            await asyncio.sleep(0.01)
        self.gone.set()
        return Response()

    async def endless(self):
        self.asked.set()
        try:
            while True:
                yield chunk("more")
                await asyncio.sleep(0.02)
        finally:
            self.gone.set()


async def slowly():
    for word in ("one", "two", "three"):
        yield chunk(word)
        await asyncio.sleep(0.25)
    yield "data: [DONE]\n\n"


async def cut():
    yield chunk("half")
    raise ConnectionError("as if the process were killed")


def completion(text: str) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def chunk(text: str) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"
