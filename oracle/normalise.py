"""The form in which two short answers are compared: strict where the VQA evaluation is lenient."""

import re
import unicodedata

from oracle.contractions import CONTRACTIONS

_COUNTING = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""
NUMBER_WORDS = {word: str(number) for number, word in enumerate(_COUNTING.split())}
ARTICLES = frozenset({"a", "an", "the"})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# A hyphen stays before a digit (minus, range) unless a letter is before it ("route-66"); a slash
# stays between digits, where it makes a fraction or a date.
_MARKS = re.compile(
    r"[;\[\]\"{}()=+\\_<>@`,?!*]|(?<!\d)/|/(?!\d)|-(?!\d)|(?<=[^\W\d_])-|[.:](?!\d)"
)
_ALIKE = str.maketrans(
    {
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{HYPHEN}": "-",
        "\N{NON-BREAKING HYPHEN}": "-",
    }
)


def normalise(text: str) -> str:
    """Return ``text`` without case, articles, punctuation and number words.

    What changes an answer stays: points inside numbers, minus signs, percent and currency signs,
    fractions, the apostrophe of a possessive. A text that would vanish (the letter ``"A"``, a lone
    ``"?"``) keeps its lower-case form.

    Example:
        >>> normalise("The RED one.")
        'red 1'
        >>> normalise("1,200.5"), normalise("-3"), normalise("dont"), normalise("A")
        ('1200.5', '-3', "don't", 'a')
    """
    lower = " ".join(plain_signs(text).split())
    spaced = _MARKS.sub(" ", _THOUSANDS.sub("", lower))
    words = [word for marked in spaced.split() if (word := marked.strip("'"))]
    words = [CONTRACTIONS.get(word, NUMBER_WORDS.get(word, word)) for word in words]
    return " ".join(w for w in words if w not in ARTICLES) or " ".join(words) or lower


def plain_signs(text: str) -> str:
    r"""Return ``text`` in lower case, with ASCII digits and one kind of quote and hyphen.

    Only what is the same character in another guise changes: any script's decimal digits, but not
    a superscript, which would make 10 squared 102.

    Example:
        >>> plain_signs("\N{MINUS SIGN}\N{FULLWIDTH DIGIT FIVE}"), plain_signs("10\u00b2")
        ('-5', '10²')
    """
    folded = unicodedata.normalize("NFD", text).casefold()
    composed = unicodedata.normalize("NFC", folded).translate(_ALIKE)
    return composed if composed.isascii() else "".join(map(_ascii_digit, composed))


def _ascii_digit(character: str) -> str:
    return str(unicodedata.decimal(character, character))
