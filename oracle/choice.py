"""Multiple choice: which option a text commits to, by its letter or by the option's own words.

Evaluations search a text for a letter or for an option's words (MMBench, Liu et al. 2023, and the
codes after it); that takes "A dog is shown, so D" for A. Here a text has to commit to one option,
and one that only mentions a letter, names two or lists them all is wrong.
"""

import re
from collections.abc import Sequence
from string import ascii_uppercase

from oracle.normalise import normalise

_LETTER = r"\*{0,2}[(\[]?([A-Za-z])[)\]]?\*{0,2}"
_OWN = re.compile(_LETTER)
# What may follow a letter that is meant as an option: the end, punctuation, a remark in brackets
# that ends there, or a reason. "The answer is a dog" and "A (small) dog" name no option.
_STOP = re.compile(r"\s*(?:$|[.,;:!\n])")
_REMARK = re.compile(r"\s+\([^()]*\)\s*(?:$|[.,;!\n])|\s+[-\N{EN DASH}]\s|\s+(?:because|since)\b")
# ", B", " or (C)", "/D", ", maybe D": more letters. A lone "I" is a word, "a" before one too.
_LISTED = re.compile(
    r"\s*[(\[]?(?:[,;/&+]|and\b|or\b)\s*(?:(?:and|or|also|maybe|perhaps|possibly)\s+)*[(\[*]{0,3}"
    r"(?:[A-HJ-Zb-hj-z](?![\w'])|a(?=\s*(?:$|[.,;)]|or\b|and\b)))"
)
# No mark that makes another word of the letter: "C++", "C#", "A+", "A?".
_WHOLE = re.compile(
    rf"[\s*\"'`(\[{{#>]*(?:(?i:option|choice|answer)\s+)?{_LETTER}[\s*\"'`)\]}}.,:;!]*"
)
_LEADING = re.compile(r"\s*(?:[(\[]([A-Z])[)\]]|([A-Z])[.)]|([B-Z]):)(?=\s)\s*")
# Also what only options' words can tell from a sentence: "a) dog", "A (dog)", "B - dog".
_ANY_LABEL = re.compile(r"\W*([A-Za-z])(?:[.):\]]+\s+|\s+\(\s*|\s+[-\N{EN DASH}]\s+)(?=\S)")
_NO_REST = re.compile(
    r"\W*[A-Z](?:\W*$|\s*(?:[,/&]|or\b|and\b))|(?:is|isn't|can|may|might|(?i:or|and|maybe|perhaps))\b"
)
_LABELS = re.compile(
    r"[(\[]([A-Z])[)\]]|(?<![\w.'(\[])([A-Z])\)|^\s*([A-Z])[.:](?=\s)|\s([A-HJ-Z])[.:](?=\s+\S)",
    re.MULTILINE,
)
# "The answer is": what stands before the word decides ("one option is C" is no answer).
_SAYS = re.compile(
    r"(?i:(?:^|[.!?:,;*#\n]\s*|\b(?:the|my|correct|right|best|final|likely|so|thus|hence|therefore"
    r"|is)\s+)(answer|option|choice)\*{0,2}\s*(?:is\s*:?(?!\w)|:)\s*\*{0,2}\s*(?:option\s+)?)"
)
_LONGEST_SENTENCE = 200  # a text that never ends one is not searched over and over
_DENIED = re.compile(
    r"(?i:\b(?:not|never|if|whether|unless|neither|nor|false|wrong|incorrect|doubt)\b|n't\b)"
)


def choice(text: str, answers: Sequence[str], options: Sequence[str] = ()) -> float:
    """Return 1 if ``text`` commits to a right option, by its letter or its words.

    Args:
        text: the generated answer.
        answers: letters of right options (``"C"``, ``"(C)"``), or their words if there are
            ``options``.
        options: the words of every option, A first; () if they are not known, then only letters
            count. See ``oracle.options`` for where they come from.

    Raises:
        ValueError: if an answer is neither a letter nor one of the options.

    Example:
        >>> choice("C. the left one", ["C"]), choice("A dog is shown, so D", ["A"])
        (1.0, 0.0)
        >>> choice("The left one.", ["B"], ["the right one", "the left one"])
        1.0
    """
    right = {letter for answer in answers for letter in _right_letters(answer, options)}
    given = committed(text, options)
    return float(bool(given) and given <= right)


def committed(text: str, options: Sequence[str] = ()) -> frozenset[str]:
    """Return the letter that ``text`` commits to: none, one, or all those of options that equal.

    A lone letter is a letter even where it is some option's words. Words count where they are the
    whole text, or all that follows "the answer is"; a letter that is given with another option's
    words counts for neither.
    """
    if whole := _WHOLE.fullmatch(text):
        return frozenset(whole[1].upper())
    label, words = _labelled(text, options)
    if label and words:
        return words & {label}
    if words:
        return words
    letter, stated = extract_choice(text), _stated_words(text, options)
    if letter is None:
        return stated
    return frozenset() if stated and letter not in stated else frozenset(letter)


def extract_choice(text: str) -> str | None:
    """Return the option letter that ``text`` commits to, in upper case.

    Accepted: the letter alone (``"C"``, ``"(c)."``, ``"Option C"``), the letter as a label before
    its option (``"C. a dog"``, ``"(C) a dog"``, not ``"A: a dog"``, which may be short for
    "answer"), and a statement (``"The answer is C (see the chart)"``). Refused: everything else,
    and texts that commit to two letters or repeat the list of options.

    Example:
        >>> extract_choice("The answer is C (see the BAR chart)")
        'C'
        >>> extract_choice("A dog is shown, so D") is None
        True
    """
    if whole := _WHOLE.fullmatch(text):
        return whole[1].upper()
    said = _stated_letters(text)
    if leading := _LEADING.match(text):
        if _NO_REST.match(text, leading.end()):
            return None
        labels = {letter for found in _LABELS.findall(text) for letter in found if letter}
        if len(labels) == 1:  # more are the list of options again: only a statement tells
            said |= labels
    return said.pop() if len(said) == 1 else None


def _stated_letters(text: str) -> set[str]:
    """Return the letters after "the answer is", two of them where one statement lists several."""
    letters: set[str] = set()
    for start in _statements(text):
        found = _OWN.match(text, start)
        if found is None:
            continue
        if _LISTED.match(text, found.end()):
            letters |= {"?", found[1].upper()}
        elif _STOP.match(text, found.end()) or (
            found[1] != "a" and _REMARK.match(text, found.end())
        ):
            letters.add(found[1].upper())
    return letters


def _stated_words(text: str, options: Sequence[str]) -> frozenset[str]:
    """Return the options whose words are all that follows "the answer is" in its line."""
    rest = [text[start:].split("\n")[0] for start in _statements(text)] if options else []
    found = {_labelled(words, options)[1] for words in rest if not _WHOLE.fullmatch(words)}
    found.discard(frozenset())
    return found.pop() if len(found) == 1 else frozenset()


def _labelled(text: str, options: Sequence[str]) -> tuple[str, frozenset[str]]:
    """Return the letter in front of an option's words ("" if none is) and the options they are.

    ``"A. dog"`` is a letter and words, not the words "a dog"; but the words of an option that has
    such a letter of its own ("A. Lincoln") are that option's.
    """
    label = _ANY_LABEL.match(text)
    if not label:
        return "", _named(text, options)
    letter = label[1].upper()
    lettered = [
        o if (own := _ANY_LABEL.match(o)) and own[1].upper() == letter else "" for o in options
    ]
    if whole := _named(text, lettered):
        return "", whole
    return letter, _named(text[label.end() :], options)


def _statements(text: str) -> list[int]:
    """Return where the answer begins after each "the answer is" that its sentence does not deny."""
    return [
        said.end()
        for said in _SAYS.finditer(text)
        if not _DENIED.search(text, _sentence_start(text, said.start(1)), said.start(1))
    ]


def _sentence_start(text: str, place: int) -> int:
    """Return where the sentence around ``place`` begins, at most 200 characters before it."""
    far = max(0, place - _LONGEST_SENTENCE)
    return max(far, *(text.rfind(mark, far, place) + 1 for mark in ".!?;\n"))


def _named(words: str, options: Sequence[str]) -> frozenset[str]:
    """Return the letters of the options that ``words`` are, whole, after normalisation."""
    plain = normalise(words)
    return frozenset(
        letter
        for letter, option in zip(ascii_uppercase, options, strict=False)
        if plain and normalise(option) == plain
    )


def _right_letters(answer: str, options: Sequence[str]) -> frozenset[str]:
    whole = _WHOLE.fullmatch(answer)
    found = committed(answer, options) if options else frozenset(whole[1].upper() if whole else "")
    legal = ascii_uppercase[: len(options)] or ascii_uppercase
    if found and found <= set(legal):
        return found
    words = " or an option's words" * bool(options)
    raise ValueError(
        f"choice needs option letters A to {legal[-1]}{words} as answers, got {answer!r}"
    )
