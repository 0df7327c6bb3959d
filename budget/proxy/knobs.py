"""What a rung of the policy means to the server behind: keyword arguments of its image processor.

    max_pixels=50176,200704,802816
    [{"do_image_splitting": false}, {"size": {"longest_edge": 728}}, {}]

The first form gives one number for every rung, the second, from a file, an object for every rung;
an empty object leaves the server's default.
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from budget.proxy.resize import Size, SizeName

Knob = dict[str, Any]

_SIZES: tuple[SizeName, ...] = ("max_pixels", "longest_side")


def parse_knobs(texts: Sequence[str], file: Path | None, num_rungs: int | None) -> tuple[Knob, ...]:
    """Return one knob for every rung, cheapest first.

    Args:
        texts: ``name=value,value,...``, values as JSON; several names are joined.
        file: a JSON list of objects, in the place of ``texts``.
        num_rungs: how many rungs the policy has, None if that is not known.

    Raises:
        ValueError: if neither or both are given, one is not in its form, or there are not as many
            values as rungs.

    Example:
        >>> parse_knobs(["max_pixels=3136,12544", "do_resize=true,true"], None, 2)
        ({'max_pixels': 3136, 'do_resize': True}, {'max_pixels': 12544, 'do_resize': True})
    """
    if (file is None) == (not texts):
        raise ValueError("say with --knob name=value,... or --knobs FILE what each rung means")
    knobs = _from_texts(texts) if file is None else _from_file(file)
    if not knobs or num_rungs not in (None, len(knobs)):
        raise ValueError(
            f"the policy has {num_rungs or 'some'} rungs, so as many values are needed, "
            f"got {len(knobs)}"
        )
    return tuple(knobs)


def _from_texts(texts: Sequence[str]) -> list[Knob]:
    columns = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name.isidentifier() or name in columns:
            raise ValueError(f"--knob is written name=value,value,... once a name, got {text!r}")
        try:
            columns[name] = json.loads(f"[{values}]")
        except ValueError:
            raise ValueError(
                f"--knob takes numbers, true or false for each rung, got {text!r}"
            ) from None
    if len({len(values) for values in columns.values()}) > 1:
        raise ValueError(f"--knob needs as many values for each name, got {list(texts)}")
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _from_file(file: Path) -> list[Knob]:
    try:
        knobs = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ValueError(f"{file} is not JSON: {problem}") from None
    if not isinstance(knobs, list) or not all(isinstance(knob, dict) for knob in knobs):
        raise ValueError(f"{file} must be a list of objects, one for each rung, cheapest first")
    return knobs


def as_sizes(knobs: Sequence[Knob]) -> list[Size]:
    """Return knobs that say how large an image is made, ``max_pixels`` or ``longest_side``.

    Raises:
        ValueError: if a rung has another knob, or sizes are no whole numbers that rise.

    Example:
        >>> as_sizes([{"max_pixels": 100}, {"max_pixels": 400}])[1]
        Size(name='max_pixels', limit=400)
    """
    for name in _SIZES:
        if all(list(knob) == [name] for knob in knobs):
            limits = [knob[name] for knob in knobs]
            whole = all(type(limit) is int and limit >= 1 for limit in limits)
            if whole and all(low <= high for low, high in pairwise(limits)):
                return [Size(name, limit) for limit in limits]
            raise ValueError(f"{name} must be whole numbers from 1 that rise, got {limits}")
    raise ValueError(
        f"to resize, every rung needs max_pixels, or every one longest_side, got {list(knobs)}"
    )
