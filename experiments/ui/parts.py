"""The parts of the page that are shown: from answers to HTML, everything escaped."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from budget.options import scaled
from experiments.ui import words
from experiments.ui.answering import Decided, ScaleAnswer
from experiments.ui.looking import Looks

_MAPS_NOTE = (
    "Where the picture speaks for each scale's answer: the gradient of its log-probability, "
    "through the visual tokens back to the patches. Each map is scaled to its own peak."
)


class Row(NamedTuple):
    """One scale in the table of all.

    Attributes:
        tokens: visual tokens, with what the scale is called where it differs.
        text: the answer.
        is_same: whether it is that of the largest scale.
        is_chosen: whether the page shows this one.
        expected: score that the policy expects, in [0, 1]; None where none was asked.
        flops: in the table's unit.
        ms: milliseconds.
    """

    tokens: str
    text: str
    is_same: bool
    is_chosen: bool
    expected: float | None
    flops: str
    ms: str


def problem(text: str) -> str:
    """Return one line that says what is wrong; empty for an empty text."""
    return _render("problem", text) if text else ""


def ticks(scales: Sequence[int], place: int) -> str:
    """Return the labels below the slider, the one at ``place`` marked; 0 is auto."""
    return _render("ticks", words.scale_names(scales), place)


def card(
    decided: Decided,
    answer: ScaleAnswer,
    answers: Sequence[ScaleAnswer] | None = None,
    sentence: str = "",
) -> str:
    """Return the answer with its scale, why it was taken and what that saves.

    Args:
        decided: the choice.
        answer: at the chosen scale.
        answers: at all scales, cheapest first; None while they are not known.
        sentence: what moved the policy; empty if that is not known.
    """
    if answers is None:
        scale = f"{answer.num_visual_tokens:,} visual tokens"
        return _render("card", answer, scale, words.why_words(decided, sentence), [], "")
    full = answers[-1]
    return _render(
        "card",
        answer,
        words.chosen_words(decided, answer, full),
        words.why_words(decided, sentence),
        words.savings(decided, answer, full),
        words.agreement_words(answers),
    )


def table(answers: Sequence[ScaleAnswer], chosen: int, scores: Sequence[float] = ()) -> str:
    """Return the answers at all scales as a table.

    Args:
        answers: cheapest first.
        chosen: the scale that is marked.
        scores: what the policy expects of every scale; none where it was not asked.
    """
    rows, unit = rows_of(answers, chosen, scores)
    return f'<div class="wide">{_render("table", rows, unit)}</div>'


def rows_of(
    answers: Sequence[ScaleAnswer], chosen: int, scores: Sequence[float] = ()
) -> tuple[list[Row], str]:
    """Return the table's rows, and the unit of their FLOPs; args are those of :func:`table`."""
    flops, unit = scaled([each.flops for each in answers if math.isfinite(each.flops)], "FLOPs")
    known = iter(flops)
    expected = list(scores) if len(scores) == len(answers) else [None] * len(answers)
    rows = [
        Row(
            _tokens(each),
            each.text,
            same,
            each.scale == chosen,
            expects,
            next(known) if math.isfinite(each.flops) else "unknown",
            f"{each.ms:.1f}",
        )
        for each, same, expects in zip(answers, words.agreeing(answers), expected, strict=True)
    ]
    return rows, unit


def maps(looks: Looks, chosen: int) -> str:
    """Return heat maps side by side, the chosen scale's marked, or why there are none."""
    return _render("maps", looks.maps, chosen, looks.missing or _MAPS_NOTE)


def note(text: str) -> str:
    """Return a remark in place of what is not there yet."""
    return _render("maps", (), 0, text)


def drawing(source: str, what: str) -> str:
    """Return one wide picture.

    Args:
        source: a data URL.
        what: it shows, for who cannot see it.
    """
    return _render("drawing", source, what)


def _tokens(answer: ScaleAnswer) -> str:
    if answer.num_visual_tokens == answer.scale:
        return f"{answer.scale:,}"
    return f"{answer.num_visual_tokens:,} (scale {answer.scale:,})"


@cache
def _module() -> Any:
    loader = PackageLoader("experiments.ui", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("parts.html.jinja").module


def _render(part: str, *values: object) -> str:
    return str(getattr(_module(), part)(*values))
