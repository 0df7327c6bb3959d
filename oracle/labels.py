"""From curves to the rung a sample needs, each rule one small function.

A rule gives one rung per sample, or -1 for a sample that it calls unsolved; what an unsolved
sample then counts as is a second, separate rule. A number without both rules means nothing.

For every rule: between rungs that serve equally the cheapest wins, a fractional score counts as
right from ``threshold`` on (the bound included), and NaN is refused.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from budget.stable import stable_scores
from oracle.curves import Curves
from oracle.normalise import normalise

Rule = Literal["first_correct", "stable", "within_tolerance", "agrees_with_full", "expected"]
Unsolved = Literal["cheapest", "full", "drop"]


_WORDS: dict[str, Rule] = {
    "first-correct": "first_correct",
    "stable": "stable",
    "agrees-with-full": "agrees_with_full",
    "expected": "expected",
}


class Labels(NamedTuple):
    """The rung every sample needs, by two stated rules.

    Attributes:
        rungs: index into the ladder, -1 where ``kept`` is False, shape [n].
        kept: False where the sample was dropped as unsolved, shape [n].
        solved: False where no rung met ``rule``, shape [n].
        rule: how the rung was found.
        unsolved: what a sample that no rung solves counts as.
    """

    rungs: NDArray[np.int64]
    kept: NDArray[np.bool_]
    solved: NDArray[np.bool_]
    rule: Rule
    unsolved: Unsolved


def first_correct(scores: NDArray[np.float64], threshold: float = 0.5) -> NDArray[np.int64]:
    """Return the cheapest rung that scores at least ``threshold``, whatever larger ones do.

    Args:
        scores: task scores, shape [n, k], cheapest rung first.
        threshold: score from which an answer counts as right.

    Returns:
        Rungs with shape [n]; -1 where every rung is wrong.

    Example:
        >>> first_correct(np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
        array([ 0, -1])
    """
    return _first(_checked(scores) >= threshold)


def stable(scores: NDArray[np.float64], threshold: float = 0.5) -> NDArray[np.int64]:
    """Return the cheapest rung that is right and stays right at every larger scale.

    Args:
        scores: task scores, shape [n, k], cheapest rung first.
        threshold: score from which an answer counts as right.

    Returns:
        Rungs with shape [n]; -1 where the full scale is wrong.

    Example:
        >>> stable(np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]))
        array([ 2, -1])
    """
    return _first(stable_scores(scores) >= threshold)


def within_tolerance(
    scores: NDArray[np.float64], tolerance: float = 0.1, threshold: float = 0.5
) -> NDArray[np.int64]:
    """Return the cheapest rung that scores within ``tolerance`` of the sample's best score.

    Args:
        scores: task scores, shape [n, k], cheapest rung first.
        tolerance: score a sample may lose against its best rung, at least 0.
        threshold: best score from which a sample counts as solved.

    Returns:
        Rungs with shape [n]; -1 where the best score is below ``threshold``.

    Raises:
        ValueError: if ``tolerance`` is negative.

    Example:
        >>> within_tolerance(np.array([[0.5, 0.9, 1.0]]), tolerance=0.1)
        array([1])
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, got {tolerance}")
    best = _checked(scores).max(axis=1, keepdims=True)
    # 1e-12: 1.0 - 0.1 must admit a score that was computed as 0.9.
    return _first((scores >= best - tolerance - 1e-12) & (best >= threshold))


def agrees_with_full(answers: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the cheapest rung that answers as the full scale does, there and at all larger rungs.

    Needs no ground truth, and solves every sample: the full scale agrees with itself. Answers are
    compared after normalisation (case, articles, punctuation, number words).

    Args:
        answers: generated texts, shape [n, k], cheapest rung first.

    Returns:
        Rungs with shape [n], never -1.

    Raises:
        ValueError: if no answer has any text, as in curves that were made from scores alone: all
            would seem to agree.

    Example:
        >>> agrees_with_full(np.array([["red", "blue", "Red."], ["two", "2", "2"]]))
        array([2, 0])
    """
    if answers.size and not (answers != "").any():
        raise ValueError(
            f"agrees_with_full compares the answers' texts, and all {answers.size} are empty"
        )
    plain = np.array([[normalise(str(a)) for a in row] for row in answers], dtype=object)
    same = (plain.reshape(answers.shape) == plain.reshape(answers.shape)[:, -1:]).astype(float)
    return stable(same)


def expected(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cheapest rung of the highest score, the scores being expectations.

    For scores that are means over several drawn answers: what the best choice is worth to one who
    knows how good every rung is, but not which draw will be lucky. On scores of a single answer,
    0 or 1, this is ``first_correct``, luck and all. The best of several noisy means is too high by
    about their noise; only more draws make that smaller.

    Args:
        scores: expected task scores, shape [n, k], cheapest rung first.

    Returns:
        Rungs with shape [n]; -1 where every rung's expectation is 0.

    Example:
        >>> expected(np.array([[0.2, 0.75, 0.75], [0.0, 0.0, 0.0]]))
        array([ 1, -1])
    """
    best = _checked(scores).max(axis=1, keepdims=True)
    # 1e-12: means of equal counts, summed in another order, are equal.
    return _first((scores >= best - 1e-12) & (best > 0))


def parse_rule(text: str) -> tuple[Rule, float]:
    """Return the rule and the tolerance that a word of the command line stands for.

    Args:
        text: ``first-correct``, ``stable``, ``within:0.1`` (any tolerance in [0, 1]),
            ``agrees-with-full`` or ``expected``.

    Raises:
        ValueError: if it is none of these; the message lists them.

    Example:
        >>> parse_rule("within:0.25"), parse_rule("first-correct")
        (('within_tolerance', 0.25), ('first_correct', 0.0))
    """
    if text in _WORDS:
        return _WORDS[text], 0.0
    word, _, number = text.partition(":")
    try:
        tolerance = float(number)
    except ValueError:
        tolerance = -1.0
    if word != "within" or not 0 <= tolerance <= 1:
        legal = ", ".join([*_WORDS, "within:T with T in [0, 1]"])
        raise ValueError(f"unknown rule {text!r}; legal are {legal}")
    return "within_tolerance", tolerance


def rule_word(rule: Rule, tolerance: float) -> str:
    """Return the word of the command line for a rule, the inverse of ``parse_rule``.

    Example:
        >>> rule_word("within_tolerance", 0.1), rule_word("agrees_with_full", 0.1)
        ('within:0.1', 'agrees-with-full')
    """
    return f"within:{tolerance:g}" if rule == "within_tolerance" else rule.replace("_", "-")


def label(
    curves: Curves,
    rule: Rule = "stable",
    unsolved: Unsolved = "cheapest",
    threshold: float = 0.5,
    tolerance: float = 0.1,
) -> Labels:
    """Return the rung every sample needs, by a stated rule for solved and unsolved samples.

    Rungs are taken in the ladder's order, also where an image came out with fewer visual tokens at
    a larger scale.

    Args:
        curves: scores and answers at every rung.
        rule: one of ``first_correct``, ``stable``, ``within_tolerance``, ``agrees_with_full``,
            ``expected``.
        unsolved: a sample without a rung is charged the ``cheapest``, the ``full`` or is dropped.
        threshold: score from which an answer counts as right.
        tolerance: for ``within_tolerance``, score a sample may lose against its best rung.

    Raises:
        ValueError: if a rule is unknown (the message lists the known ones), or the threshold or
            tolerance is out of range.
    """
    for name, legal in ((rule, get_args(Rule)), (unsolved, get_args(Unsolved))):
        if name not in legal:
            raise ValueError(f"unknown rule {name!r}; legal are {', '.join(legal)}")
    if not 0 <= threshold <= 1:  # NaN too: nothing would be right, without a word
        raise ValueError(f"threshold must be in [0, 1], got {threshold}")
    rungs = _rungs(curves, rule, threshold, tolerance)
    solved = rungs >= 0
    stand_in = {"cheapest": 0, "full": curves.num_rungs - 1, "drop": -1}[unsolved]
    filled = np.where(solved, rungs, stand_in)
    return Labels(filled, filled >= 0, solved, rule, unsolved)


def _rungs(curves: Curves, rule: Rule, threshold: float, tolerance: float) -> NDArray[np.int64]:
    match rule:
        case "first_correct":
            return first_correct(curves.scores, threshold)
        case "stable":
            return stable(curves.scores, threshold)
        case "within_tolerance":
            return within_tolerance(curves.scores, tolerance, threshold)
        case "agrees_with_full":
            return agrees_with_full(curves.answers)
        case "expected":
            return expected(curves.scores)


def _checked(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    if scores.ndim != 2 or scores.shape[1] == 0 or np.isnan(scores).any():
        raise ValueError(f"scores must be a 2-D array without NaN, got shape {scores.shape}")
    return scores


def _first(good: NDArray[np.bool_]) -> NDArray[np.int64]:
    # argmax of a boolean row is its first True; a row without one is told apart by any().
    return np.where(good.any(axis=1), good.argmax(axis=1), -1).astype(np.int64)
