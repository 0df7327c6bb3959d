"""Requests that are owed a right answer, in every form that the server offers."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from experiments.load.call import Asked, Call, Manner
from experiments.load.material import Picture, data_url

Body = dict[str, Any]
OK = frozenset({200})
# One value per way to say what is allowed; what the shipped policy is calibrated for.
BUDGETS: dict[str, tuple[Any, ...]] = {
    "price": (0.0, 0.02, 0.1, 0.5),
    "mean_tokens": (3, 12, 40, 100),
    "mean_flops": (6.0e8, 1.0e9),
    "risk": ({"epsilon": 0.02, "delta": 0.1}, {"epsilon": 0.05, "delta": 0.1}),
}


class GoodCalls:
    """Builds requests with a known right answer from distinct scenes.

    Args:
        pictures: the scenes; each is drawn equally often.
        model: name that requests give as their model.
        ladder: visual tokens per image of the model's scales, ascending.
        rng: all randomness.
    """

    def __init__(
        self, pictures: Sequence[Picture], model: str, ladder: Sequence[int], rng: random.Random
    ) -> None:
        self._pictures = pictures
        self._model = model
        self._ladder = tuple(ladder)
        self._rng = rng

    def table(self) -> dict[str, Callable[[], Call]]:
        """Return a builder per kind."""
        budgets = {f"budget {name}": self._of_budget(name) for name in BUDGETS}
        return {
            "policy, PNG": self.plain,
            "policy, JPEG": self.jpeg,
            "fixed m": self.fixed,
            **budgets,
            "detail low": lambda: self.detail("low"),
            "detail high": lambda: self.detail("high"),
            "text only": self.text_only,
            "several images": self.several,
            "unknown fields": self.unknown_fields,
            "stop and max_tokens": self.stop,
            "stream": self.stream,
            "stream, fixed m": self.stream_fixed,
            "slow reader": lambda: self.stream(kind="slow reader", manner=Manner.SLOW_READ),
            "slow writer": lambda: self.plain(kind="slow writer", manner=Manner.SLOW_WRITE),
        }

    def plain(self, kind: str = "policy, PNG", manner: Manner = Manner.PLAIN) -> Call:
        """Ask about one scene; the policy chooses."""
        return self._call(kind, *self._one(), manner=manner)

    def jpeg(self) -> Call:
        """Ask about one scene as a JPEG file."""
        picture, question = self._draw()
        part = _image_part(picture.jpeg, "image/jpeg")
        return self._call("policy, JPEG", [part], Asked((picture.jpeg,), question))

    def fixed(self) -> Call:
        """Ask for a number of visual tokens."""
        m = self._rng.choice(self._ladder)
        parts, asked = self._one(num_visual_tokens=m)
        return self._call("fixed m", parts, asked, {"budget": {"num_visual_tokens": m}})

    def detail(self, detail: str) -> Call:
        """Ask as OpenAI's clients say how closely to look: ``low`` or ``high``."""
        m = self._ladder[0 if detail == "low" else -1]
        parts, asked = self._one(num_visual_tokens=m)
        parts[0]["image_url"]["detail"] = detail
        return self._call(f"detail {detail}", parts, asked)

    def text_only(self) -> Call:
        """Ask without a picture."""
        _, question = self._draw()
        return self._call("text only", [], Asked((), question))

    def several(self) -> Call:
        """Ask about two or three scenes at once."""
        drawn = [self._draw() for _ in range(self._rng.choice((2, 2, 3)))]
        files = tuple(picture.png for picture, _ in drawn)
        asked = Asked(files, drawn[-1][1])
        return self._call("several images", [_image_part(file) for file in files], asked)

    def unknown_fields(self) -> Call:
        """Ask with fields that no server knows, which must not matter."""
        more = {"frobnicate": {"deep": [1, 2]}, "x_trace": "abc", "user": f"u{self._rng.random()}"}
        return self._call("unknown fields", *self._one(), more)

    def stop(self) -> Call:
        """Ask for one or two tokens, with strings that end the answer."""
        limit, stop = self._rng.choice((1, 2)), ("e", "zz")
        parts, asked = self._one(max_new_tokens=limit, stop=stop)
        return self._call(
            "stop and max_tokens", parts, asked, {"max_tokens": limit, "stop": list(stop)}
        )

    def stream(self, kind: str = "stream", manner: Manner = Manner.STREAM) -> Call:
        """Ask for the answer in pieces."""
        more = {"stream": True, "stream_options": {"include_usage": True}}
        return self._call(kind, *self._one(), more, manner=manner)

    def stream_fixed(self) -> Call:
        """Ask for the answer in pieces, without figures at its end, at a fixed scale."""
        m = self._rng.choice(self._ladder)
        parts, asked = self._one(num_visual_tokens=m)
        more = {"stream": True, "budget": {"num_visual_tokens": m}}
        return self._call("stream, fixed m", parts, asked, more, manner=Manner.STREAM)

    def _of_budget(self, name: str) -> Callable[[], Call]:
        def build() -> Call:
            value = self._rng.choice(BUDGETS[name])
            return self._call(f"budget {name}", *self._one(), {"budget": {name: value}})

        return build

    def _draw(self) -> tuple[Picture, str]:
        picture = self._rng.choice(self._pictures)
        return picture, self._rng.choice(picture.questions)

    def _one(self, **limits: Any) -> tuple[list[Body], Asked]:
        picture, question = self._draw()
        return [_image_part(picture.png)], Asked((picture.png,), question, **limits)

    def _call(
        self,
        kind: str,
        images: Sequence[Body],
        asked: Asked,
        more: Body | None = None,
        manner: Manner = Manner.PLAIN,
    ) -> Call:
        parts = [*images, {"type": "text", "text": asked.question}]
        content: str | list[Body] = parts if images else asked.question
        body = chat_body(self._model, content, **{"max_tokens": 16, **(more or {})})
        return Call(kind, body, OK, manner=manner, asked=asked)


def chat_body(model: str, content: str | Sequence[Body], **more: Any) -> bytes:
    """Return the body of a request with one user turn."""
    messages = [{"role": "user", "content": content}]
    return json.dumps({"model": model, "messages": messages, **more}).encode()


def _image_part(file: bytes, media: str = "image/png") -> Body:
    return {"type": "image_url", "image_url": {"url": data_url(file, media)}}
