"""How a served model is asked: the same names as arguments, in an address and in a JSON file.

    load_model("openai:http://h:8000/v1#qwen", dialect="resize", ladder=(64, 256),
               knobs=[{"max_pixels": 50176}, {"max_pixels": 200704}])
    openai:http://h:8000/v1#qwen?dialect=resize&ladder=64,256&knob=max_pixels=50176,200704
    openai:http://h:8000/v1#qwen?settings=qwen.json

The file is an object of these names.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from budget.json_files import read_json
from budget.proxy.knobs import Knob, parse_knobs

FILE = "settings"
_KNOB = "knob"

DialectName = Literal["budget", "vllm", "transformers", "resize", "detail"]


class RemoteSettings(BaseModel):
    """How a served model is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dialect: DialectName | None = Field(
        None, description="how rungs are said; by default budget, if the server tells its scales"
    )
    ladder: tuple[int, ...] | None = Field(
        None, description="visual tokens of each rung at most, cheapest first"
    )
    knobs: tuple[Knob, ...] | None = Field(None, description="what each rung means, see dialects")
    api_key_env: str | None = Field(
        None, description="environment variable with the key; by default none is sent"
    )
    timeout_s: float = Field(
        120.0, gt=0, allow_inf_nan=False, description="seconds until an attempt is given up"
    )
    concurrency: int = Field(8, ge=1, le=1024, description="requests under way at once")
    max_retries: int = Field(
        4,
        ge=0,
        le=100,
        description="further attempts after lost connections, timeouts, 408, 409, 429 and 5xx, "
        "with growing pauses or those that Retry-After asks for",
    )
    logprobs: bool | None = Field(
        None, description="ask for log-probabilities; by default if the server gives them"
    )
    probe: bool = Field(
        True, description="find out when loading whether the server follows the knob"
    )
    length_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="by which the server limits an answer's length"
    )


def read_settings(
    said: Sequence[tuple[str, str]], given: Mapping[str, Any] | None = None
) -> RemoteSettings:
    """Return settings from an address, the file that it names, and arguments.

    Args:
        said: names and texts from an address. ``knob`` (see ``parse_knobs``) may stand several
            times, ``settings`` names a JSON file.
        given: arguments; None is one that was not given.

    Raises:
        ModelError: if the file cannot be read.
        ValueError: if a name is not known or said twice, or a value is not legal.

    Example:
        >>> found = read_settings([("ladder", "16,64"), ("knob", "max_pixels=100,400")])
        >>> found.ladder, found.knobs
        ((16, 64), ({'max_pixels': 100}, {'max_pixels': 400}))
    """
    texts = [value for name, value in said if name == _KNOB]
    values: dict[str, Any] = {}
    for source in (_read(said), _knobs(texts), _plain(said), _given(given)):
        if twice := sorted(set(values) & set(source)):
            raise ValueError(f"{twice[0]} of a served model is said twice")
        values |= source
    try:
        return RemoteSettings.model_validate(values)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        legal = f"; known are {', '.join(RemoteSettings.model_fields)}"
        rule = first["msg"].lower() + (legal if first["type"] == "extra_forbidden" else "")
        raise ValueError(f"{place} of a served model: {rule}, got {first['input']!r:.80}") from None


def api_key(settings: RemoteSettings) -> str | None:
    """Return the key that requests carry, None for none.

    Raises:
        ValueError: if the environment variable is not set.
    """
    if settings.api_key_env is None:
        return None
    if not (key := os.environ.get(settings.api_key_env)):
        raise ValueError(f"the environment has no variable {settings.api_key_env!r} with a key")
    return key


def _read(said: Sequence[tuple[str, str]]) -> dict[str, Any]:
    files = [value for name, value in said if name == FILE]
    if len(files) > 1:
        raise ValueError(f"{FILE} of a served model is said twice")
    return read_json(Path(files[0])) if files else {}


def _knobs(texts: Sequence[str]) -> dict[str, Any]:
    return {"knobs": parse_knobs(texts, None, None)} if texts else {}


def _plain(said: Sequence[tuple[str, str]]) -> dict[str, Any]:
    pairs = [(name, value) for name, value in said if name not in (FILE, _KNOB)]
    if len(dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)} of a served model is said twice")
    return {name: value.split(",") if name == "ladder" else value for name, value in pairs}


def _given(given: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {name: value for name, value in (given or {}).items() if value is not None}
    if "ladder" in found:
        found["ladder"] = tuple(found["ladder"])
    return found
