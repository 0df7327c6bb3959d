"""Requests that must be refused, each with its status, and clients that go away."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from experiments.load.call import CHAT, Call, Manner
from experiments.load.good_calls import chat_body
from experiments.load.material import Picture, bomb, data_url, large_image

BAD = frozenset({400})
TOO_LARGE = frozenset({413})
# Of a body that is well formed and in which one field has a value that is not legal.
WRONG_FIELDS: tuple[dict[str, Any], ...] = (
    {"messages": "hello"},
    {"messages": []},
    {"messages": [{"role": "user"}]},
    {"messages": [{"role": "nobody", "content": "hello"}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": 7}]}]},
    {"temperature": "hot"},
    {"temperature": -1},
    {"top_p": 7},
    {"max_tokens": 0},
    {"max_tokens": "many"},
    {"stream": "perhaps"},
    {"stream_options": 3},
    {"stop": {"at": "end"}},
    {"budget": "all of it"},
    {"budget": {"price": -1}},
    {"budget": {"price": 0.1, "mean_tokens": 9}},
    {"budget": {"num_visual_tokens": 7}},
    {"budget": {"no such": 1}},
    {"budget": {"risk": {"epsilon": 2}}},
)
NO_JSON = (
    b"",
    b"{",
    b"hello",
    b"[]",
    b"null",
    b"\xff\xfe{\x00}\x00",
    b'{"model": "m3", "messages": NaN}',
    b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
)


class BadCalls:
    """Builds requests that a server must refuse, or that nobody waits for.

    Args:
        pictures: scenes that are sent along or broken.
        model: name that requests give as their model.
        rng: all randomness.
        max_body_bytes: the server's limit.
        max_images: the server's limit.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        model: str,
        rng: random.Random,
        *,
        max_body_bytes: int,
        max_images: int,
    ) -> None:
        self._pictures = pictures
        self._model = model
        self._rng = rng
        self._max_images = max_images
        self._padding = b'{"model": "' + b"x" * max_body_bytes
        self._bomb, self._large = bomb(), large_image()

    def table(self) -> dict[str, Callable[[], Call]]:
        """Return a builder per kind."""
        return {
            "corrupt image": self.corrupt,
            "no image": self.no_image,
            "decompression bomb": lambda: self._image("decompression bomb", self._bomb),
            "too many pixels": lambda: self._image("too many pixels", self._large),
            "too many images": self.too_many_images,
            "remote image": self.remote,
            "oversized body": self.oversized,
            "wrong field": self.wrong_field,
            "no JSON": lambda: Call("no JSON", self._rng.choice(NO_JSON), BAD),
            "unknown model": self.unknown_model,
            "long prompt": self.long_prompt,
            "wrong method": self.wrong_method,
            "wrong path": self.wrong_path,
            "no key": self.no_key,
            "leaves writing": lambda: self.leaves(Manner.LEAVES_WRITING),
            "leaves waiting": lambda: self.leaves(Manner.LEAVES_WAITING),
            "leaves reading": lambda: self.leaves(Manner.LEAVES_READING),
        }

    def corrupt(self) -> Call:
        """Send a file that is cut off, or whose bytes were changed."""
        picture = self._rng.choice(self._pictures)
        file = self._rng.choice((picture.png, picture.jpeg))
        broken = self._rng.choice(
            (file[: len(file) // 2], file[:40], b"XXXX" + file[4:], bytes(2_000), b"")
        )
        return self._image("corrupt image", broken)

    def no_image(self) -> Call:
        """Send something else where a data URL should be."""
        url = self._rng.choice(
            (
                "data:image/png;base64,@@not base64@@",
                "data:image/png;base64",
                "data:,hello",
                "data:text/html;base64,PGh0bWw+",
                "hello.png",
                "",
                "file:///etc/passwd",
            )
        )
        return self._url("no image", url)

    def too_many_images(self) -> Call:
        """Send one image more than is allowed."""
        urls = [data_url(self._rng.choice(self._pictures).png)] * (self._max_images + 1)
        parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        return Call("too many images", chat_body(self._model, parts), BAD)

    def remote(self) -> Call:
        """Name an image elsewhere, which a server does not fetch unless told so."""
        url = self._rng.choice(("http://127.0.0.1:1/x.png", "https://example.com/x.png"))
        return self._url("remote image", url)

    def oversized(self) -> Call:
        """Send more bytes than a body may have."""
        return Call("oversized body", self._padding, TOO_LARGE, manner=Manner.OVERSIZED)

    def wrong_field(self) -> Call:
        """Send a field of the wrong type, or with a value out of range."""
        body = json.loads(chat_body(self._model, self._rng.choice(self._pictures).questions[0]))
        wrong = self._rng.choice(WRONG_FIELDS)
        return Call("wrong field", json.dumps({**body, **wrong}).encode(), BAD)

    def unknown_model(self) -> Call:
        """Ask for a model that is not there."""
        return Call("unknown model", chat_body("no-such-model", "?"), frozenset({404}))

    def long_prompt(self) -> Call:
        """Ask with more text than is read."""
        return Call("long prompt", chat_body(self._model, "why " * 20_000), BAD)

    def wrong_method(self) -> Call:
        """Use a method that a path does not have."""
        method, path = self._rng.choice(
            (("GET", CHAT), ("PUT", CHAT), ("DELETE", "/v1/models"), ("POST", "/health"))
        )
        return Call("wrong method", b"", frozenset({405}), method=method, path=path)

    def wrong_path(self) -> Call:
        """Ask for what is not there."""
        path = self._rng.choice(("/v1/nothing", "/v1/chat", "/v2/chat/completions", "/../etc"))
        return Call("wrong path", b"{}", frozenset({404}), path=path)

    def no_key(self) -> Call:
        """Ask properly, but without an API key."""
        return Call("no key", chat_body(self._model, "?"), frozenset({401}), key=False)

    def leaves(self, manner: Manner) -> Call:
        """Ask properly and go away."""
        picture = self._rng.choice(self._pictures)
        parts: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": data_url(picture.png)}},
            {"type": "text", "text": picture.questions[0]},
        ]
        more: dict[str, Any] = {"max_tokens": 64}
        if manner is Manner.LEAVES_READING:
            more |= {"stream": True, "temperature": 1.5}
        kind = manner.name.lower().replace("_", " ")
        return Call(kind, chat_body(self._model, parts, **more), frozenset({0, 200}), manner=manner)

    def _image(self, kind: str, file: bytes) -> Call:
        return self._url(kind, data_url(file))

    def _url(self, kind: str, url: str) -> Call:
        part = {"type": "image_url", "image_url": {"url": url}}
        text = {"type": "text", "text": "What is it?"}
        return Call(kind, chat_body(self._model, [part, text]), BAD)
