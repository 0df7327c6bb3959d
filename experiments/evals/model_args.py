"""What stands in ``--model_args``: which model, what it may spend, how it is run and reported.

    model=m3,policy=m3,mean_tokens=36,batch_size=16,choices=choices.jsonl

Both tools hand over names with values, which may be numbers already.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from budget.budgets import Budget
from budget.options import parse_dtype, parse_ladder
from budget.risk import parse_risk

BUDGETS = (
    "num_visual_tokens",
    "total_visual_tokens",
    "price",
    "mean_tokens",
    "mean_flops",
    "mean_ms",
    "risk",
)
# Such a budget is kept without a policy: as it is, or split evenly.
NEED_NO_POLICY = ("num_visual_tokens", "total_visual_tokens")
LOADING = ("device", "dtype", "device_map", "quantize", "attention", "ladder")
ERRORS = ("stop", "empty")


@dataclass(frozen=True, slots=True)
class ModelArgs:
    """How a tool's model answers.

    Attributes:
        model: anything that ``load_model`` takes.
        policy: name of a shipped policy or a folder; None for the largest scale, or a fixed one.
        budget: what is allowed; None for the policy's own default.
        loading: further arguments of ``load_model``, those that were given.
        batch_size: samples that run together.
        max_new_tokens: of an answer where the task says nothing.
        frames: pictures that a video file is turned into; None refuses videos.
        seed: answers that are drawn are drawn from it, the sample and the repeat.
        errors: what a sample that cannot be answered does: "stop" the run, or count as an "empty"
            answer.
        choices: file for a line of JSON per answer; None for none.

    Raises:
        ValueError: if policy and budget do not go together.
    """

    model: str
    policy: str | None = None
    budget: Budget | None = None
    loading: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 1
    max_new_tokens: int = 128
    frames: int | None = None
    seed: int = 0
    errors: str = "stop"
    choices: str | None = None

    def __post_init__(self) -> None:
        given = self.budget.given if self.budget else None
        if given is None:
            return
        if self.policy is not None and given[0] == "num_visual_tokens":
            raise ValueError(
                f"num_visual_tokens fixes the scale, which leaves policy={self.policy} nothing to "
                "choose; give one of the two"
            )
        if self.policy is None and given[0] not in NEED_NO_POLICY:
            raise ValueError(f"{given[0]} is a policy's to keep: give policy=NAME_OR_FOLDER too")


def split_args(text: str) -> dict[str, str]:
    """Return the names and values of ``name=value,name=value``.

    A comma that no name follows belongs to the value.

    Raises:
        ValueError: if it is anything else, or a name is given twice.

    Example:
        >>> split_args("model=m3, ladder=1,9,36")
        {'model': 'm3', 'ladder': '1,9,36'}
    """
    found: dict[str, str] = {}
    for piece in re.split(r",(?=\s*\w+\s*=)", text) if text.strip() else []:
        name, equals, value = (part.strip() for part in piece.partition("="))
        if not equals or not name:
            raise ValueError(
                f"model_args are name=value with commas between, got {piece!r}; {_legal()}"
            )
        if name in found:
            raise ValueError(f"model_args give {name} twice: {found[name]!r} and {value!r}")
        found[name] = value
    return found


def parse_model_args(given: Mapping[str, Any]) -> ModelArgs:
    """Return what names and values say.

    Args:
        given: by name, a text, or a number or truth value that a tool made of one; None counts as
            not given.

    Raises:
        ValueError: naming what is not legal and what is.

    Example:
        >>> parse_model_args({"model": "m3", "policy": "m3", "mean_tokens": 36}).budget.mean_tokens
        36.0
    """
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _READERS:
            raise ValueError(f"unknown model_args {name}={value}; {_legal()}")
        if value is not None:
            read[name] = _READERS[name](name, value)
    if "model" not in read:
        raise ValueError(f"model_args lack model=NAME_OR_FOLDER; {_legal()}")
    spending = {name: read.pop(name) for name in BUDGETS if name in read}
    loading = {name: read.pop(name) for name in LOADING if name in read}
    return ModelArgs(**read, budget=Budget(**spending) if spending else None, loading=loading)


def _legal() -> str:
    return f"legal are {', '.join(_READERS)}"


def _text(name: str, value: Any) -> str:
    text = str(value).strip().strip("\"'")
    if not text:
        raise ValueError(f"{name} must not be empty")
    return text


def _policy(name: str, value: Any) -> str | None:
    text = _text(name, value)
    return None if text.lower() == "none" else text


def _number(name: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a number, got {value!r}")
    return number


def _whole(least: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        try:
            number = _number(name, value)
        except ValueError:
            number = math.nan
        if not number >= least or number != int(number):
            raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")
        return int(number)

    return read


def _ladder(name: str, value: Any) -> tuple[int, ...]:
    listed = isinstance(value, list | tuple)
    text = ",".join(map(str, value)) if listed else _text(name, value).strip("[]()")
    try:
        return parse_ladder(text, ())
    except ValueError:
        raise ValueError(f"ladder must be rising numbers such as 1,9,36, got {value!r}") from None


def _dtype(name: str, value: Any) -> str:
    text = _text(name, value)
    if text == "auto":
        return text
    try:
        return parse_dtype(text)
    except ValueError as error:
        raise ValueError(f"{str(error).removeprefix('--')}; auto is legal too") from None


def _errors(name: str, value: Any) -> str:
    text = _text(name, value)
    if text not in ERRORS:
        raise ValueError(f"errors must be one of {', '.join(ERRORS)}, got {value!r}")
    return text


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "model": _text,
    "policy": _policy,
    "num_visual_tokens": _whole(1),
    "total_visual_tokens": _whole(1),
    "price": _number,
    "mean_tokens": _number,
    "mean_flops": _number,
    "mean_ms": _number,
    "risk": lambda name, value: parse_risk(_text(name, value)),
    "batch_size": _whole(1),
    "max_new_tokens": _whole(1),
    "frames": _whole(1),
    "seed": _whole(0),
    "errors": _errors,
    "choices": _text,
    "device": _text,
    "dtype": _dtype,
    "device_map": _text,
    "quantize": _whole(1),
    "attention": _text,
    "ladder": _ladder,
}
