"""What a server said: one JSON object, or a stream of events, read into the same form."""

import json
from typing import Any, NamedTuple

from experiments.load.call import Outcome


class Said(NamedTuple):
    """An answer as the client received it.

    Attributes:
        text: the whole answer.
        finish_reason: why it ended.
        image_tokens: visual tokens of all images, ``None`` where nothing tells.
        prompt_tokens: ``None`` where nothing tells.
    """

    text: str
    finish_reason: str
    image_tokens: int | None
    prompt_tokens: int | None


def read_answer(outcome: Outcome) -> Said:
    """Read an answer of either form.

    Raises:
        ValueError: if it has not OpenAI's form, with what is wrong.
    """
    try:
        if (outcome.header("content-type") or "").startswith("text/event-stream"):
            parts, usage = _read_events(outcome.body)
        else:
            whole = json.loads(outcome.body)
            parts, usage = [(whole["choices"][0], "message")], whole.get("usage")
        text = "".join(choice[field].get("content") or "" for choice, field in parts)
        reasons = [choice["finish_reason"] for choice, _ in parts if choice.get("finish_reason")]
        if len(reasons) != 1:
            raise ValueError(f"one finish_reason is needed, got {reasons}")
        told = outcome.header("x-visual-tokens")
        header = None if told is None else int(told)
        counted = (usage or {}).get("prompt_tokens_details", {}).get("image_tokens")
    except (KeyError, IndexError, TypeError, AttributeError, UnicodeDecodeError) as problem:
        start = outcome.body[:200]
        raise ValueError(f"not an answer ({problem!r}): {start!r}") from None
    if None not in (header, counted) and header != counted:
        raise ValueError(f"the header says {header} visual tokens, the usage {counted}")
    return Said(
        text, reasons[0], header if counted is None else counted, (usage or {}).get("prompt_tokens")
    )


def read_error(body: bytes) -> str:
    """Return the message of an error in OpenAI's form.

    Raises:
        ValueError: if it has another form.
    """
    try:
        error = json.loads(body)["error"]
        fields = {"message", "type", "param", "code"}
        if not fields <= set(error) or not isinstance(error["message"], str):
            raise ValueError(f"an error needs {sorted(fields)}, got {sorted(error)}")
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(f"not an error in OpenAI's form: {body[:200]!r}") from None
    return str(error["message"])


def _read_events(body: bytes) -> tuple[list[tuple[Any, str]], Any]:
    """Return the choices of all chunks, and the usage that came last."""
    lines = [line for line in body.decode().splitlines() if line.startswith("data:")]
    data = [line.removeprefix("data:").strip() for line in lines]
    if not data or data[-1] != "[DONE]":
        raise ValueError(f"a stream must end with [DONE], got {body[-200:]!r}")
    chunks = [json.loads(each) for each in data[:-1]]
    if failed := [chunk["error"] for chunk in chunks if "error" in chunk]:
        raise ValueError(f"an error came in the stream: {failed[0]}")
    choices = [(choice, "delta") for chunk in chunks for choice in chunk["choices"]]
    usage = next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)
    return choices, usage
