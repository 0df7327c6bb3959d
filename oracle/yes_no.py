"""Yes or no, for questions like those of POPE: a text has to say which, and only that.

The official code of Li et al. 2023 ("Evaluating Object Hallucination in Large Vision-Language
Models") takes every text for a yes that has no "no" or "not" in its first sentence; so an empty
answer, a refusal or a description of the picture is right half of the time. Here it is wrong.
"""

import re
from collections.abc import Sequence

# After "yes" or "no": the end, punctuation, or a clause. "No dogs", "no-one" and "No. 5" are
# no answers.
_ENDS = (
    r"(?=\s*(?:$|,|[;:!)\]*\"'](?!\w)|\.(?!\w|\s*\d)|[-\N{EN DASH}]\s)"
    r"|\s+(?:it|he|she|they|there|this|that|the|i|because|since)\b)"
)
_LEADING = re.compile(rf"[^\w?]*(yes|no){_ENDS}", re.IGNORECASE)
_STATED = re.compile(
    rf"[^\w?]*(?:(?:the|my)\s+)?(?:(?:correct|right|final)\s+)?answer\s*(?:is\s*:?|:)[\s*\"']*"
    rf"(yes|no){_ENDS}",
    re.IGNORECASE,
)
# A later "no" that stands for itself; in "yes, there is no dog" it does not.
_OTHER = {
    "yes": re.compile(r"\bno\b(?=\s*(?:$|[.,;:!?/)]|and\b|or\b|but\b))", re.IGNORECASE),
    "no": re.compile(r"\byes\b", re.IGNORECASE),
}


def yes_no(text: str, answers: Sequence[str]) -> float:
    """Return 1 if ``text`` commits to the right one of yes and no.

    Raises:
        ValueError: if an answer is neither yes nor no.

    Example:
        >>> yes_no("Yes, there is.", ["yes"]), yes_no("yes and no", ["yes"]), yes_no("", ["no"])
        (1.0, 0.0, 0.0)
    """
    right = [answer.strip().strip(".").lower() for answer in answers]
    for word, answer in zip(right, answers, strict=True):
        if word not in _OTHER:
            raise ValueError(f"yes_no needs yes or no as answers, got {answer!r}")
    return float(extract_yes_no(text) in right)


def extract_yes_no(text: str) -> str | None:
    """Return ``"yes"`` or ``"no"``, whichever ``text`` commits to, or None.

    Accepted: the word first, or after "the answer is", followed by the end, punctuation or a
    clause. Refused: everything else, and a text that says the other as well.

    Example:
        >>> extract_yes_no("No, it is red"), extract_yes_no("No idea"), extract_yes_no("Not yes")
        ('no', None, None)
    """
    found = _LEADING.match(text) or _STATED.match(text)
    if found is None:
        return None
    word = found[1].lower()
    return None if _OTHER[word].search(text, found.end()) else word
