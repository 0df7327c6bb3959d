"""A model that answers with what it was asked, and a real HTTP server around it."""

import asyncio
import base64
import io
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import httpx2
import uvicorn
from PIL import Image

from budget.adaptive import AdaptiveAnswer
from budget.errors import DataError
from budget.ladder import ScaleLadder
from budget.planning import Choice
from budget.serving.app import create_app
from budget.serving.server import DrainingServer, bound_socket

# One for all requests: each would load the certificates of this machine, which takes longest.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
web = SimpleNamespace(
    **{
        name: partial(getattr(httpx2, name), verify=TLS, timeout=20)
        for name in ("get", "post", "request")
    }
)


class EchoModel:
    """Has scales and a limit of 200 tokens; a word is a token."""

    name = "echo"
    ladder = ScaleLadder((1, 4, 36))
    longest = 200

    def check_tokens(self, num_visual_tokens):
        if num_visual_tokens not in tuple(self.ladder):
            raise ValueError(f"cannot have {num_visual_tokens} tokens")

    def realised(self, image):
        return list(self.ladder)

    def tokens_at(self, image, num_visual_tokens):
        return num_visual_tokens

    def count_text_tokens(self, question, images=1):
        return sum(len(turn.text.split()) for turn in question.turns)

    def check_fits(self, images, question, scales):
        if (length := self.count_text_tokens(question) + sum(scales)) > self.longest:
            raise ValueError(f"the prompt of {length} tokens is too long")


class EchoVLM:
    """Answers "<question> <first pixel of each image>", letter by letter.

    A question may hold one of these words: "slow" waits for ``go`` between letters, "boom" raises,
    "odd" raises a ValueError, "bad" a DataError.
    """

    policy = None

    def __init__(self):
        self.model = EchoModel()
        self.batches = []
        self.go = threading.Event()
        self.letters = 0

    def answer(self, images, questions, *, budget, generation, listener):
        self.batches.append([chat.question for chat in questions])
        for chat in questions:
            if "boom" in chat.question:
                raise RuntimeError("the model broke")
            if "odd" in chat.question:
                raise ValueError("a shape that nobody foresaw")
            if "bad" in chat.question:
                raise DataError("this cannot be answered")
        return [
            self._answer(i, image, chat, own, listener)
            for i, (image, chat, own) in enumerate(zip(images, questions, budget, strict=True))
        ]

    def _answer(self, i, image, chat, budgets, listener):
        listed = [] if image is None else image if isinstance(image, list) else [image]
        scales = [36 if own is None else own.num_visual_tokens for own in budgets]
        choices = tuple(Choice(m, -1, (), "said so") for m in scales)
        listener.decided(i, choices)
        text = " ".join([chat.question, *(str(each.getpixel((0, 0))[0]) for each in listed)])
        reason = "stop"
        size = max(1, len(text) // 2000)  # of a piece
        for letter in (text[at : at + size] for at in range(0, len(text), size)):
            if "slow" in text:
                self.go.wait(0.02)
            if listener.cancelled(i):
                reason = "cancelled"
                break
            self.letters += 1
            listener.text(i, letter)
        length = len(text.split()) + sum(scales)
        spent = float(sum(scales))
        return AdaptiveAnswer(
            text,
            tuple(range(len(text))),
            sum(scales),
            length,
            choices,
            0.1,
            -0.5,
            len(listed),
            spent,
            36.0 * len(listed),
            reason,
        )


@contextmanager
def served(vlm, settings=None, grace_s=5.0, buffer=None):
    """Run a server on a free port in a thread, with a buffer to clients of so many bytes."""
    listening, found = threading.Event(), []

    def announce(url):
        found.append(url)
        listening.set()

    app = create_app(vlm, settings)
    config = uvicorn.Config(
        app, http="h11", ws="none", log_level="critical", timeout_graceful_shutdown=2
    )
    server = DrainingServer(config, app.state.intake, grace_s, announce)
    bound = bound_socket("127.0.0.1", 0)
    if buffer is not None:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    thread = threading.Thread(target=server.run, args=([bound],))
    thread.start()
    try:
        assert listening.wait(20)
        yield Address(found[0], app, server)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


class Address(str):
    """A server's address, with its app."""

    def __new__(cls, url, app, server):
        made = super().__new__(cls, url)
        made.app, made.server = app, server
        return made


def picture_url(red=200, side=8):
    """Return a data URL of a small picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (red, 10, 10)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def asking(text, *reds, **fields):
    """Return the body of a request about pictures of these colours."""
    parts = [{"type": "image_url", "image_url": {"url": picture_url(red)}} for red in reds]
    parts.append({"type": "text", "text": text})
    return {"model": "echo", "messages": [{"role": "user", "content": parts}], **fields}


def until(condition, seconds=10.0):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


async def until_async(condition, seconds=10.0):
    """Wait until something holds, without holding up the event loop."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.005)
