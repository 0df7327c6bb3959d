"""Scores of one generated text against the answers that are right, each a pure function.

Every scorer maps (text, answers) to [0, 1]; one that has a parameter ``options`` is given those of
the question as well. They are strict on purpose: a scorer that says yes too easily makes cheap
scales look sufficient. Each says which paper or code it follows, and where it does not.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oracle.anls import anls
from oracle.choice import choice
from oracle.custom_scorer import is_path, load_scorer
from oracle.normalise import normalise
from oracle.options import options_of, takes_options
from oracle.relaxed import relaxed, relaxed_years
from oracle.vqa import vqa_soft
from oracle.yes_no import yes_no

Scorer = Callable[..., float]


def exact(text: str, answers: Sequence[str]) -> float:
    """Return 1 if ``text`` is one of ``answers`` but for case, articles, punctuation, number words.

    The exact match of SQuAD (Rajpurkar et al. 2016) and its normal form, with number words and
    without what that form lets vanish: signs, points in numbers, a lone article. An empty text is
    always wrong.

    Example:
        >>> exact("Two.", ["2"]), exact("a red car", ["red"])
        (1.0, 0.0)
    """
    given = normalise(text)
    return float(bool(given) and given in {normalise(answer) for answer in answers})


def agreement(text: str, answers: Sequence[str]) -> float:
    """Return 1 if ``text`` is the one answer of the full scale, after normalisation.

    Needs no ground truth: a sweep with this scorer hands it the full scale's answer. The full scale
    agrees with itself, so two empty texts agree.

    Raises:
        ValueError: unless there is exactly one answer.

    Example:
        >>> agreement("Two.", ["2"]), agreement("", [""])
        (1.0, 1.0)
    """
    if len(answers) != 1:
        raise ValueError(f"agreement compares with one answer, got {len(answers)}")
    return float(normalise(text) == normalise(answers[0]))


SCORERS: dict[str, Scorer] = {
    "exact": exact,
    "vqa_soft": vqa_soft,
    "anls": anls,
    "relaxed": relaxed,
    "relaxed_years": relaxed_years,
    "choice": choice,
    "yes_no": yes_no,
    "agreement": agreement,
}


def get_scorer(name: str) -> Scorer:
    """Return the scorer called ``name``, or the function at a dotted path.

    Args:
        name: one of ``SCORERS``, or ``module:function`` or ``package.module.function``.

    Raises:
        ValueError: if there is none; the message lists those there are, or says why a function
            cannot be used.
    """
    if is_path(name):
        return load_scorer(name)
    if name not in SCORERS:
        raise ValueError(
            f"unknown scorer {name!r}; legal are {', '.join(SCORERS)}, or module:function"
        )
    return SCORERS[name]


def score_batch(
    scorer: Scorer, texts: Sequence[str], batch: Mapping[str, Sequence[Any]]
) -> list[float]:
    """Return the score of one text per row.

    Args:
        scorer: what ``get_scorer`` returns.
        texts: the generated answers.
        batch: columns ``answers`` and, for a scorer that takes options, ``question`` and perhaps
            ``options``; see ``oracle.options``.

    Raises:
        ValueError: if the scorer refuses a row's answers or options.
    """
    pairs = zip(texts, batch["answers"], strict=True)
    if not takes_options(scorer):
        return [scorer(text, answers) for text, answers in pairs]
    options = options_of(batch)
    return [
        scorer(text, answers, options=own)
        for (text, answers), own in zip(pairs, options, strict=True)
    ]
