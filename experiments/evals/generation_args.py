"""A task's generation arguments as this package's own: ``budget.sampling.Generation``."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from budget.sampling import Generation

# What both tools' tasks call the longest answer.
LONGEST = ("max_new_tokens", "max_gen_toks", "max_tokens")
_READ = {*LONGEST, "until", "do_sample", "temperature", "top_p"}
# Said by most tasks, and true of every answer here.
_TRUE_ANYWAY: dict[str, Any] = {"num_beams": 1, "use_cache": True, "num_return_sequences": 1}


class GenerationReader:
    """Reads generation arguments; what has no effect is said once per name and value.

    Args:
        max_new_tokens: of an answer where the arguments say nothing.
        seed: every drawn answer's seed is made of it and the answer's own name.
        warn: takes a line of text.
    """

    def __init__(self, max_new_tokens: int, seed: int, warn: Callable[[str], None]) -> None:
        self.max_new_tokens = max_new_tokens
        self.seed = seed
        self._warn = warn
        self._said: set[str] = set()

    def read(self, arguments: Mapping[str, Any], name: str) -> Generation:
        """Return how an answer is generated.

        ``do_sample`` that is false takes the likeliest tokens, whatever the temperature; true
        without a temperature draws at 1. Without it a temperature above 0 draws. ``top_p`` counts
        where tokens are drawn.

        Args:
            arguments: ``max_new_tokens`` (or ``max_gen_toks``, ``max_tokens``), ``until``,
                ``do_sample``, ``temperature``, ``top_p``; None stands for not given.
            name: of the answer, such as task, document and repeat.

        Raises:
            ValueError: if a value is not legal.
        """
        given = {key: value for key, value in arguments.items() if value is not None}
        self._say_ignored(given)
        temperature = _temperature(given)
        longest = next((given[key] for key in LONGEST if key in given), self.max_new_tokens)
        return Generation(
            max_new_tokens=_whole(longest),
            temperature=temperature,
            top_p=_number("top_p", given.get("top_p", 1.0)) if temperature else 1.0,
            seed=self._seed(name) if temperature else None,
            stop=_stop(given.get("until", ())),
        )

    def _seed(self, name: str) -> int:
        return int.from_bytes(sha256(f"{self.seed} {name}".encode()).digest()[:8])

    def _say_ignored(self, given: Mapping[str, Any]) -> None:
        for key, value in given.items():
            said = f"{key}={value!r:.60}"
            if key in _READ or said in self._said or _TRUE_ANYWAY.get(key) == value:
                continue
            self._said.add(said)
            self._warn(f"generation argument {said} has no effect here")


def _temperature(given: Mapping[str, Any]) -> float:
    draws = given.get("do_sample")
    if draws is False:
        return 0.0
    return _number("temperature", given.get("temperature", 1.0 if draws else 0.0))


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None


def _whole(value: Any) -> int:
    number = _number("max_new_tokens", value)
    if number != number // 1:
        raise ValueError(f"max_new_tokens must be a whole number, got {value!r}")
    return int(number)


def _stop(until: Any) -> tuple[str, ...]:
    listed = [until] if isinstance(until, str) else until
    if not isinstance(listed, list | tuple) or not all(isinstance(text, str) for text in listed):
        raise ValueError(f"until must be a text or a list of texts, got {until!r}")
    return tuple(text for text in listed if text)
