"""VQA accuracy: how far an answer agrees with ten annotators.

Antol et al. 2015 ("VQA: Visual Question Answering") and the normal form of its official code
(``vqaEval.py`` of the VQA API), so that a figure can be held against published ones. That form
gives some things away which ``exact`` does not: ``"-5"`` counts as 5, ``"1,2"`` as 12 and
``"none"`` as 0.
"""

import re
from collections.abc import Sequence

from oracle.contractions import CONTRACTIONS
from oracle.normalise import ARTICLES, NUMBER_WORDS

_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
_PERIOD = re.compile(r"\.(?!\d)")
_UP_TO_TEN = {word: number for word, number in NUMBER_WORDS.items() if int(number) <= 10}
_DIGITS = {**_UP_TO_TEN, "none": "0"}
_MIN_ANNOTATORS = 4


def vqa_soft(text: str, answers: Sequence[str]) -> float:
    """Return the VQA accuracy: min(agreeing annotators / 3, 1), averaged over leaving one out.

    Args:
        text: the generated answer.
        answers: one answer per annotator (10 in VQA), repeats kept. With 4 to 9 annotators the
            mean is over as many.

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
    given = vqa_form(text)
    agrees = [bool(given) and vqa_form(answer) == given for answer in answers]
    left = [min((sum(agrees) - own) / 3, 1.0) for own in agrees]
    return sum(left) / len(left)


def vqa_form(text: str) -> str:
    """Return ``text`` as the VQA evaluation compares it.

    A punctuation mark becomes a blank, or nothing where a blank is beside one of its kind or the
    text holds a number with a comma; a period not before a digit goes; then articles go, number
    words become digits and contractions get their apostrophe. Different from the official code:
    annotators who all say the same are normalised too, and a text that would vanish stays.

    Example:
        >>> vqa_form("The T-shirts, two."), vqa_form("1,200 t-shirts"), vqa_form("dont")
        ('t shirts 2', '1200 tshirts', "don't")
    """
    plain = " ".join(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    closed_up = _COMMA_IN_NUMBER.search(plain) is not None
    bare = plain
    for mark in _PUNCTUATION:
        beside_blank = f"{mark} " in plain or f" {mark}" in plain
        bare = bare.replace(mark, "" if closed_up or beside_blank else " ")
    words = [_DIGITS.get(word, word) for word in _PERIOD.sub("", bare).lower().split()]
    kept = [CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES]
    return " ".join(kept) or " ".join(words) or plain.lower()
