"""Answers and decisions made by hand, for what the page says of them."""

from budget.planning import Choice
from experiments.ui.answering import Decided, ScaleAnswer

SCALES = (1, 4, 9, 36, 144)


def answers(*texts, scales=SCALES, flops=1e9):
    """Return an answer per scale: ``flops`` and 1 ms a token, and 10 ms on top."""
    return [
        ScaleAnswer(scale, scale, text, -0.1, flops * scale, 10.0 + scale)
        for scale, text in zip(scales, texts, strict=False)
    ]


def decided(scores=(0.5, 0.5, 0.5, 0.5, 0.9), reason="because", fallback="", ms=2.0):
    """Return a decision for 9 tokens."""
    return Decided(Choice(9, 2, tuple(scores), reason, fallback), ms)
