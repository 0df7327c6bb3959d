"""Which option letter a text commits to, or none: a text that only mentions a letter does not."""

import re

# What may follow a letter that is meant as an option: the end, punctuation or a bracket; a word
# only where it opens a reason. "The answer is a dog" and "A dog, so D" therefore name no option.
_END = r"(?=\s*$|\s*[.,;:!)\]\n]|\s+[(\[]|\s+-|\s+(?:because|since)\b)"
_LETTER = r"\*{0,2}[(\[]?([A-Z])[)\]]?\*{0,2}"
_WHOLE = re.compile(rf"\W*{_LETTER}\W*", re.IGNORECASE)
_LEADING = re.compile(r"\s*(?:[(\[]([A-Z])[)\]]|([A-Z])[.):])(?=\s)")
_STATED = re.compile(
    rf"\b(?:answer|option|choice)\s*(?:is\s*:?|:)\s*(?:option\s+)?{_LETTER}{_END}", re.IGNORECASE
)


def extract_choice(text: str) -> str | None:
    """Return the option letter that ``text`` commits to, in upper case.

    Accepted: the letter alone (``"C"``, ``"(c)."``), the letter as a label before its option
    (``"C. a dog"``, ``"(C) a dog"``), and a statement (``"The answer is C (see the chart)"``).
    Refused: everything else, and texts that commit to two letters.

    Example:
        >>> extract_choice("The answer is C (see the BAR chart)")
        'C'
        >>> extract_choice("A dog is shown, so D") is None
        True
    """
    if whole := _WHOLE.fullmatch(text):
        return whole[1].upper()
    letters = {letter.upper() for letter in _STATED.findall(text)}
    if leading := _LEADING.match(text):
        letters.add(leading[1] or leading[2])
    return letters.pop() if len(letters) == 1 else None
