"""The options of a multiple-choice question, from a column of the data or from the question.

A scorer that has a parameter ``options`` is given them, one text per option in the order A, B,
C...: from the column ``options`` (a list of texts) where the data has one and the row's is not
empty, else from the question's lines, else none.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

_LINE = re.compile(r"^[ \t]*(?:[(\[]([A-Z])[)\]]|([A-Z])[.):])[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_INLINE = re.compile(r"\(([A-Z])\)()\s*([^\n]*?)\s*(?=\([A-Z]\)|\n|$)")
_LABEL = re.compile(r"\s*(?:[(\[]([A-Z])[)\]]|([A-Z])[.):])\s*(?=\S)")


def takes_options(scorer: Callable[..., Any]) -> bool:
    """Return whether ``scorer`` has a parameter called ``options``."""
    try:
        return "options" in inspect.signature(scorer).parameters
    except (TypeError, ValueError):  # some compiled functions have no signature
        return False


def read_options(question: str) -> tuple[str, ...]:
    r"""Return the options that a question lists, without their letters; () where it lists none.

    Lines ``A. ...``, ``A) ...``, ``A: ...`` or ``(A) ...``, or ``(A) ... (B) ...`` within a line;
    at least two, lettered from A on without a gap. The last such list counts.

    Example:
        >>> read_options("Who is it?\nA. a cat\nB. a dog\nAnswer with the letter.")
        ('a cat', 'a dog')
        >>> read_options("Where? (A) left (B) right"), read_options("Who is A. Lincoln?")
        (('left', 'right'), ())
    """
    for pattern in (_LINE, _INLINE):
        found = [(m[1] or m[2], m[3]) for m in pattern.finditer(question)]
        if len(listed := _last_list(found)) > 1:
            return listed
    return ()


def options_of(batch: Mapping[str, Sequence[Any]]) -> list[tuple[str, ...]]:
    """Return the options of every row of a batch with columns question and perhaps options.

    Raises:
        ValueError: if a row's ``options`` is no list of at most 26 texts.
    """
    questions = batch["question"]
    given = batch.get("options") or [None] * len(questions)
    return [
        _without_letters(own) or read_options(question)
        for own, question in zip(given, questions, strict=True)
    ]


def _last_list(found: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the texts of the last run that is lettered A, B, C..."""
    letters = [letter for letter, _ in found]
    if "A" not in letters:
        return ()
    start = len(letters) - 1 - letters[::-1].index("A")
    in_order = zip(letters[start:], ascii_uppercase, strict=False)
    end = start + next(
        (i for i, (letter, due) in enumerate(in_order) if letter != due), len(letters) - start
    )
    return tuple(text for _, text in found[start:end])


def _without_letters(options: Any) -> tuple[str, ...]:
    """Return checked options; letters in front go if every option has its own."""
    if options is None:
        return ()
    if (
        not isinstance(options, list | tuple)
        or len(options) > len(ascii_uppercase)
        or not all(isinstance(option, str) for option in options)
    ):
        raise ValueError(f"options must be a list of at most 26 texts, got {options!r:.80}")
    labels = [_LABEL.match(option) for option in options]
    letters = [label and (label[1] or label[2]) for label in labels]
    if letters == list(ascii_uppercase[: len(options)]):
        return tuple(_LABEL.sub("", option, count=1).strip() for option in options)
    return tuple(option.strip() for option in options)
