"""The normal form in which two short answers are compared, after the VQA evaluation."""

import re

_DIGITS = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
    "thirteen": "13",
    "fourteen": "14",
    "fifteen": "15",
    "sixteen": "16",
    "seventeen": "17",
    "eighteen": "18",
    "nineteen": "19",
    "twenty": "20",
}
_ARTICLES = frozenset({"a", "an", "the"})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MARKS = re.compile(
    r"[;/\[\]\"{}()=+\\_<>@`,?!*]|(?<!\w)-(?!\d)|(?<=\w)-|[.:](?!\d)|(?<!\d)\.(?!\d)"
)


def normalise(text: str) -> str:
    """Return ``text`` without case, articles, punctuation and number words.

    Points inside numbers, minus signs, percent and currency signs stay: they change the answer.
    A text that would vanish (the letter ``"A"``, a lone ``"?"``) keeps its lower-case form.

    Example:
        >>> normalise("The RED one.")
        'red 1'
        >>> normalise("1,200.5"), normalise("-3"), normalise("don't"), normalise("A")
        ('1200.5', '-3', 'dont', 'a')
    """
    lower = " ".join(text.casefold().split())
    bare = lower.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    spaced = _MARKS.sub(" ", _THOUSANDS.sub("", bare))
    words = [_DIGITS.get(word, word) for word in spaced.split()]
    return " ".join(w for w in words if w not in _ARTICLES) or " ".join(words) or lower
