"""What the page says, from numbers to sentences; nothing here knows of widgets."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from budget.options import scaled
from experiments.ui.answering import Decided, ScaleAnswer
from oracle.normalise import normalise

AUTO = "auto"
CHANGED = "The picture or the question has changed: press Ask."


class Saving(NamedTuple):
    """One figure of what the chosen scale saves against the largest.

    Attributes:
        name: what is saved.
        headline: how much, short.
        detail: from what to what, with units.
    """

    name: str
    headline: str
    detail: str


def same_answer(one: str, other: str) -> bool:
    """Whether two answers say the same, but for case, articles and punctuation.

    Example:
        >>> same_answer("A ring.", "ring"), same_answer("ring", "rings")
        (True, False)
    """
    return normalise(one) == normalise(other)


def agreeing(answers: Sequence[ScaleAnswer]) -> list[bool]:
    """Say of every scale whether it answers as the largest does."""
    return [same_answer(answer.text, answers[-1].text) for answer in answers]


def chosen_words(decided: Decided, answer: ScaleAnswer, full: ScaleAnswer) -> str:
    """Return how many visual tokens were taken, and who chose them.

    Args:
        decided: the choice.
        answer: at the chosen scale.
        full: at the largest.
    """
    who = "by the policy" if decided.choice.scores else "by you"
    if decided.choice.fallback:
        who = "as a fallback"
    return f"{answer.num_visual_tokens:,} of {full.num_visual_tokens:,} visual tokens, chosen {who}"


def why_words(decided: Decided, sentence: str = "") -> str:
    """Return why, as one sentence.

    Args:
        decided: the choice.
        sentence: what moved the policy, in words; empty if that is not known.
    """
    if not decided.choice.scores:
        return "The slider fixes the scale; the policy was not asked."
    return as_sentence(sentence or decided.choice.reason)


def agreement_words(answers: Sequence[ScaleAnswer]) -> str:
    """Return which scales answer as the largest one does.

    Args:
        answers: at all scales, cheapest first.
    """
    same = agreeing(answers)
    full, other = f"{answers[-1].scale:,}", [f"{a.scale:,}" for a in _where(answers, same, False)]
    if not other:
        return f"All {len(answers)} scales give the same answer, so the fewest tokens suffice here."
    if len(other) == len(answers) - 1:
        return f"No smaller scale gives the answer of {full} tokens."
    does = "does" if len(other) == 1 else "do"
    text = f"{sum(same)} of {len(answers)} scales give the answer of {full} tokens, "
    text += f"{_listed(other)} {does} not."
    steady = len(same) - next(i for i, each in enumerate(reversed(same)) if not each)
    if steady < len(same) - 1:
        text += f" From {answers[steady].scale:,} tokens on it stays the same."
    return text


def savings(decided: Decided, answer: ScaleAnswer, full: ScaleAnswer) -> list[Saving]:
    """Return what the chosen scale saves in tokens, FLOPs and milliseconds.

    Milliseconds are those measured for this request, and choosing counts among them.

    Args:
        decided: the choice.
        answer: at the chosen scale.
        full: at the largest.
    """
    found = [
        Saving(
            "Visual tokens",
            saved(answer.num_visual_tokens, full.num_visual_tokens),
            f"{answer.num_visual_tokens:,} instead of {full.num_visual_tokens:,}",
        )
    ]
    if math.isfinite(answer.flops) and math.isfinite(full.flops):
        (part, whole), unit = scaled([answer.flops, full.flops], "FLOPs")
        detail = f"{part} instead of {whole} {unit}"
        found.append(Saving("FLOPs", saved(answer.flops, full.flops), detail))
    else:
        found.append(Saving("FLOPs", "unknown", "this model does not tell them"))
    spent = answer.ms + decided.ms
    detail = f"{spent:.1f} instead of {full.ms:.1f} ms"
    detail += f", {decided.ms:.1f} of it to choose" if decided.ms else ""
    found.append(Saving("Time", saved(spent, full.ms), detail))
    return found


def saved(part: float, whole: float) -> str:
    """Return how much less one number is than another.

    Example:
        >>> saved(36, 144), saved(144, 144), saved(150, 100)
        ('75 % less', 'nothing saved', '50 % more')
    """
    percent = round(100 * (1 - part / whole)) if whole else 0
    if percent == 0:
        return "nothing saved"
    return f"{percent} % less" if percent > 0 else f"{-percent} % more"


def scale_names(scales: Sequence[int]) -> list[str]:
    """Return the names of the slider's places: auto, then the scales.

    Example:
        >>> scale_names((1, 144, 1024))
        ['auto', '1', '144', '1,024']
    """
    return [AUTO, *(f"{scale:,}" for scale in scales)]


def as_sentence(text: str) -> str:
    """Return a text with a capital and a full stop.

    Example:
        >>> as_sentence("no such file"), as_sentence("Why?")
        ('No such file.', 'Why?')
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _where(answers: Sequence[ScaleAnswer], same: Sequence[bool], wanted: bool) -> list[ScaleAnswer]:
    return [answer for answer, each in zip(answers, same, strict=True) if each is wanted]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
