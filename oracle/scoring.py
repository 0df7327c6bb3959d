"""Scores of one generated text against the answers that are right, each a pure function.

Every scorer maps (text, answers) to [0, 1]. They are strict on purpose: a scorer that says yes
too easily makes cheap scales look sufficient.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from oracle.choice import extract_choice
from oracle.normalise import normalise

Scorer = Callable[[str, Sequence[str]], float]

_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?%?")
_MIN_ANNOTATORS = 4


def exact(text: str, answers: Sequence[str]) -> float:
    """Return 1 if ``text`` is one of ``answers`` but for case, articles, punctuation, number words.

    Example:
        >>> exact("Two.", ["2"]), exact("a red car", ["red"])
        (1.0, 0.0)
    """
    given = normalise(text)
    return float(bool(given) and given in {normalise(answer) for answer in answers})


def vqa_soft(text: str, answers: Sequence[str]) -> float:
    """Return the VQAv2 accuracy: min(agreeing annotators / 3, 1), averaged over leaving one out.

    Args:
        text: the generated answer.
        answers: one answer per annotator (10 in VQAv2), repeats kept.

    Raises:
        ValueError: with fewer than 4 annotators, because then no text can score 1.

    Example:
        >>> round(vqa_soft("red", ["red"] * 2 + ["blue"] * 8), 3)
        0.6
    """
    if len(answers) < _MIN_ANNOTATORS:
        raise ValueError(
            f"vqa_soft needs the answers of at least {_MIN_ANNOTATORS} annotators, "
            f"got {len(answers)}; use 'exact' where any answer is right"
        )
    given = normalise(text)
    agrees = [bool(given) and normalise(answer) == given for answer in answers]
    left = [min((sum(agrees) - own) / 3, 1.0) for own in agrees]
    return sum(left) / len(left)


def anls(text: str, answers: Sequence[str]) -> float:
    """Return the best 1 - edit distance / length over ``answers``, 0 from half the length on.

    Case and repeated blanks do not count (Biten et al. 2019, threshold 0.5).

    Example:
        >>> anls("helo", ["hello"]), anls("abc", ["xyz"])
        (0.8, 0.0)
    """
    return max((_similarity(text, answer) for answer in answers), default=0.0)


def relaxed(text: str, answers: Sequence[str]) -> float:
    """Return 1 if ``text`` is a number within 5 % of an answer, or equals one but for case.

    As in ChartQA: 5 % of the right value, the bound included; a right value of 0 must be met
    exactly; ``"50%"`` means 0.5.

    Example:
        >>> relaxed("105", ["100"]), relaxed("106", ["100"]), relaxed("Asia", ["asia"])
        (1.0, 0.0, 1.0)
    """
    return float(any(_relaxed_match(text, answer) for answer in answers))


def choice(text: str, answers: Sequence[str]) -> float:
    """Return 1 if ``text`` commits to one of the right option letters.

    Raises:
        ValueError: if an answer is no option letter.

    Example:
        >>> choice("C. the left one", ["C"]), choice("A dog is shown, so D", ["A"])
        (1.0, 0.0)
    """
    letters = [answer.strip().strip("().").upper() for answer in answers]
    for letter, answer in zip(letters, answers, strict=True):
        if not re.fullmatch("[A-Z]", letter):
            raise ValueError(f"choice needs option letters A to Z as answers, got {answer!r}")
    return float(extract_choice(text) in letters)


SCORERS: dict[str, Scorer] = {
    "exact": exact,
    "vqa_soft": vqa_soft,
    "anls": anls,
    "relaxed": relaxed,
    "choice": choice,
}


def get_scorer(name: str) -> Scorer:
    """Return the scorer called ``name``.

    Raises:
        ValueError: if there is none; the message lists those there are.
    """
    if name not in SCORERS:
        raise ValueError(f"unknown scorer {name!r}; legal are {', '.join(SCORERS)}")
    return SCORERS[name]


def _similarity(text: str, answer: str) -> float:
    a, b = (" ".join(s.casefold().split()) for s in (text, answer))
    length = max(len(a), len(b))
    if not a or not b:
        return 0.0
    distance = _edit_distance(a, b)
    return 1 - distance / length if 2 * distance < length else 0.0


def _edit_distance(a: str, b: str) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


def _relaxed_match(text: str, answer: str) -> bool:
    given, right = _number(text), _number(answer)
    if given is not None and right is not None:
        # Decimals, so that 0.95 against 1 is 5 % and not a hair more.
        return abs(given - right) <= abs(right) * Decimal("0.05")
    plain = " ".join(text.casefold().split())
    return bool(plain) and plain == " ".join(answer.casefold().split())


def _number(text: str) -> Decimal | None:
    plain = text.strip()
    if not _NUMBER.fullmatch(plain) or not any(c.isdigit() for c in plain):
        return None
    value = Decimal(plain.rstrip("%").replace(",", ""))
    return value / 100 if plain.endswith("%") else value
