"""What a question asks for, from its words alone."""

import re
import zlib
from itertools import pairwise

Features = dict[str, float]
HASH_SIZE = 64

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
_WORD = re.compile(r"[a-z0-9']+")


def question_features(question: str) -> Features:
    """Return the features of one question by name, always the same names in the same order.

    Args:
        question: the text; a trailing list of lettered options is counted.
    """
    lower = question.lower().strip()
    words = _WORD.findall(lower)
    found = {f"asks_{name}": float(bool(p.search(lower))) for name, p in _TYPES.items()}
    found["asks_yes_no"] = float(bool(_YES_NO.match(lower)))
    found["num_options"] = float(len(_OPTION.findall(question)) or lower.count(" or ") * 2)
    found["num_words"] = float(len(words))
    found["num_characters"] = float(len(question))
    hashed = hash_words(words)
    return {**found, **{f"words_{i:02d}": count for i, count in enumerate(hashed)}}


def question_feature_names() -> tuple[str, ...]:
    """Return the names of the question features in order."""
    return tuple(question_features(""))


def hash_words(words: list[str]) -> list[float]:
    """Count words and pairs of neighbouring words in 64 buckets, by a hash that never changes.

    Example:
        >>> sum(hash_words(["how", "many"]))
        3.0
    """
    counts = [0.0] * HASH_SIZE
    pairs = [f"{a} {b}" for a, b in pairwise(words)]
    for term in [*words, *pairs]:
        counts[zlib.crc32(term.encode()) % HASH_SIZE] += 1.0
    return counts
