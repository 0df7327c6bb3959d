"""What several commands read from their options in the same way; imports nothing heavy."""

from collections.abc import Iterable
from itertools import pairwise

# Bytes of one number, by the name of its type.
DTYPES = {"bfloat16": 2, "float16": 2, "float32": 4}
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def parse_ladder(
    text: str | None, default: Iterable[int], option: str = "--ladder"
) -> tuple[int, ...]:
    """Return the scales of an option such as ``1,9,36``, cheapest first.

    Args:
        text: numbers from 1, rising, with commas between; None takes the default.
        default: scales to take without the option.
        option: what errors call it.

    Raises:
        ValueError: if the text is anything else.

    Example:
        >>> parse_ladder("1,9,36", ()), parse_ladder(None, (1, 4))
        ((1, 9, 36), (1, 4))
    """
    if text is None:
        return tuple(default)
    words = [word.strip() for word in text.split(",")]
    if all(word.isascii() and word.isdecimal() for word in words):
        scales = tuple(int(word) for word in words)
        if scales[0] >= 1 and all(a < b for a, b in pairwise(scales)):
            return scales
    raise ValueError(f"{option} must be rising numbers from 1 such as 1,9,36, got {text!r}")


def given_ladder(text: str | None) -> tuple[int, ...] | None:
    """Return the scales of an option, None where the model's own are wanted.

    Raises:
        ValueError: if the text is no ladder.
    """
    return None if text is None else parse_ladder(text, ())


def parse_dtype(name: str) -> str:
    """Return the name of a type of numbers that models run in.

    Raises:
        ValueError: if it is another.
    """
    if name not in DTYPES:
        raise ValueError(f"--dtype must be one of {', '.join(sorted(DTYPES))}, got {name!r}")
    return name


def dtype_on(device_type: str, name: str | None) -> str:
    """Return the name of the type that an option asks for, or that suits a device.

    Args:
        device_type: "cpu", "cuda", ...
        name: of the type; None for float32 on a CPU and bfloat16 elsewhere.

    Raises:
        ValueError: if there is no such type.

    Example:
        >>> dtype_on("cuda", None), dtype_on("cpu", "float16")
        ('bfloat16', 'float16')
    """
    return parse_dtype(name or ("float32" if device_type == "cpu" else "bfloat16"))


def scaled(values: Iterable[float], unit: str) -> tuple[list[str], str]:
    """Return values with three digits in one unit that suits the largest, and that unit.

    Example:
        >>> scaled([8.04e12, 4.02e11, 0.0], "FLOPs")
        (['8.04', '0.402', '0'], 'TFLOPs')
        >>> scaled([1234567.0], "B")
        (['1.23'], 'MB')
    """
    numbers = list(values)
    largest = max((abs(number) for number in numbers), default=0.0)
    size, letter = next(
        # 999.6 is printed with three digits as 1,000, which is 1 of the next unit.
        (each for each in _UNITS if largest >= 0.9995 * each[0]),
        (1.0, ""),
    )
    return [f"{number / size:.3g}" for number in numbers], f"{letter}{unit}"
