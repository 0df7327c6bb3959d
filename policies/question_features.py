"""What questions ask for, from their words alone."""

import functools
import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from policies.columns import Table

WORD_BUCKETS = 32
CHARACTER_BUCKETS = 16
CHARACTERS = 4  # of a run of characters

# One flag per type of question; a question may carry several.
_TYPES: dict[str, re.Pattern[str]] = {
    name: re.compile(rf"\b(?:{words})\b")
    for name, words in {
        "counting": r"how many|number of|count|amount of",
        "reading": r"read|reads|word|words|text|say|says|written|letter|letters|digit|digits|sign"
        r"|title|name of|label|caption|brand|what number|which number|what time",
        "colour": r"colou?rs?|hue",
        "shape": r"shapes?|circle|square|triangle|cross|ring|diamond|star|moon|rectangle|oval",
        "position": r"where|left|right|above|below|under|over|top|bottom|between|behind|beside"
        r"|next to|in front of|near|on the",
        "comparison": r"more|fewer|less|than|larger|smaller|bigger|taller|same|different|equal"
        r"|larg?est|biggest|smallest|most|least",
        "existence": r"is there|are there|any|can you see|does .{1,40} show|visible|contain",
        "background": r"background|scene|day|night|place|weather|indoors?|outdoors?|kind of picture"
        r"|overall|describe",
        "reasoning": r"why|because|if|would|infer|explain|how",
    }.items()
}
_YES_NO = re.compile(
    r"^(?:is|are|was|were|does|do|did|can|could|has|have|will|would|should)\b(?!.*\bor\b)"
)
_OPTION = re.compile(r"(?:^|\n|\s)\(?[A-H][.):]\s")
_WORD = re.compile(rb"[a-z0-9']+")


QUESTION_NAMES = (
    *(f"asks_{name}" for name in _TYPES),
    "asks_yes_no",
    "num_options",
    "num_words",
    "num_characters",
    *(f"words_{i:02d}" for i in range(WORD_BUCKETS)),
    *(f"characters_{i:02d}" for i in range(CHARACTER_BUCKETS)),
)


def question_features(questions: Sequence[str]) -> Table:
    """Return the features of questions, in the columns of ``QUESTION_NAMES``.

    Args:
        questions: the texts; a trailing list of lettered options is counted.
    """
    rows = [_features(question) for question in questions]
    return np.array(rows, dtype=np.float64).reshape(-1, len(QUESTION_NAMES))


@functools.lru_cache(maxsize=1024)
def _features(question: str) -> tuple[float, ...]:
    lower = question.lower().strip()
    words = _WORD.findall(lower.encode("ascii", "replace"))  # no other letters are looked at
    return (
        *(float(bool(pattern.search(lower))) for pattern in _TYPES.values()),
        float(bool(_YES_NO.match(lower))),
        float(len(_OPTION.findall(question)) or lower.count(" or ") * 2),
        float(len(words)),
        float(len(question)),
        *hash_words(words),
        *hash_characters(words),
    )


def hash_words(words: list[bytes]) -> list[float]:
    """Count words and pairs of neighbouring words in 32 buckets, by a hash that never changes.

    Example:
        >>> sum(hash_words([b"how", b"many"]))
        3.0
    """
    counts = [0.0] * WORD_BUCKETS
    for term in [*words, *(b"%b %b" % pair for pair in pairwise(words))]:
        counts[zlib.crc32(term) % WORD_BUCKETS] += 1.0
    return counts


def hash_characters(words: list[bytes]) -> list[float]:
    """Count runs of four characters in 16 buckets; words are parted by single spaces.

    The bucket is the last four bits of the run's CRC-32.

    Example:
        >>> sum(hash_characters([b"red", b"dot"]))  # " red", "red ", "ed d", ..., "dot "
        6.0
    """
    text = b" %b " % b" ".join(words)
    length = max(0, len(text) - CHARACTERS + 1)
    # A CRC of bytes is the exclusive or of what each byte gives at its place, so that all runs are
    # hashed at once: as one long number per place.
    mixed = 0
    for place, table in enumerate(_crc_tables()):
        mixed ^= int.from_bytes(text[place : place + length].translate(table))
    buckets = mixed.to_bytes(length)
    return [float(buckets.count(i)) for i in range(CHARACTER_BUCKETS)]


@functools.cache
def _crc_tables() -> list[bytes]:
    """Return what a byte at each place of a run adds to the run's bucket, 256 bytes a place."""
    none = zlib.crc32(bytes(CHARACTERS))
    tables = [
        [zlib.crc32(bytes(i) + bytes([byte]) + bytes(CHARACTERS - 1 - i)) for byte in range(256)]
        for i in range(CHARACTERS)
    ]
    first, *others = tables  # the first one holds what the length alone gives
    parts = [first, *([crc ^ none for crc in table] for table in others)]
    return [bytes(crc % CHARACTER_BUCKETS for crc in part) for part in parts]
