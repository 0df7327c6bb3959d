"""ANLS: how near an answer is, letter by letter; for answers that are read off a picture."""

from collections.abc import Sequence
from unicodedata import normalize


def anls(text: str, answers: Sequence[str]) -> float:
    """Return the best 1 - edit distance / length over ``answers``, 0 from half the length on.

    Biten et al. 2019 ("Scene Text Visual Question Answering"), as in DocVQA: threshold 0.5, the
    length is that of the longer text, case and repeated blanks do not count. An empty text scores
    0, whatever the answers.

    Example:
        >>> anls("helo", ["hello"]), anls("abc", ["xyz"])
        (0.8, 0.0)
    """
    return max((_similarity(text, answer) for answer in answers), default=0.0)


def _similarity(text: str, answer: str) -> float:
    a, b = (" ".join(normalize("NFC", s).casefold().split()) for s in (text, answer))
    length = max(len(a), len(b))
    # At least their difference in length lies between two texts: a long one is told at a glance.
    if not a or not b or 2 * abs(len(a) - len(b)) >= length:
        return 0.0
    distance = 0 if a == b else _edit_distance(a, b)
    return 1 - distance / length if 2 * distance < length else 0.0


def _edit_distance(a: str, b: str) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]
