"""What a client sends, checked: the page's own widgets are not the only ones that can ask."""

from typing import Any

import gradio as gr

from experiments.ui.desk import Wish


def question_of(sent: Any) -> str | None:
    """Return the question.

    Raises:
        gr.Error: if it is no text.
    """
    if sent is None or isinstance(sent, str):
        return sent
    raise _refused("the question must be a text", sent)


def place_of(sent: Any) -> int:
    """Return a place of the slider; the desk knows which there are.

    Raises:
        gr.Error: if it is no whole number; none is rounded.

    Example:
        >>> place_of(2.0)
        2
    """
    if _is_number(sent) and float(sent).is_integer():
        return int(sent)
    raise _refused("the slider's place must be a whole number", sent)


def index_of(sent: Any, count: int) -> int:
    """Return which of ``count`` scenes was taken.

    Raises:
        gr.Error: if there is no such one.
    """
    if _is_number(sent) and sent in range(count):
        return int(sent)
    raise _refused(f"scenes are numbered from 0 to {count - 1}", sent)


def wish_of(place: Any, price: Any) -> Wish:
    """Return how many tokens are wished for.

    Args:
        place: of the slider.
        price: of the other one.

    Raises:
        gr.Error: if one of them is no number.
    """
    if not _is_number(price):
        raise _refused("the price must be a number", price)
    return Wish(place_of(place), price)


def _is_number(sent: Any) -> bool:
    return isinstance(sent, int | float) and not isinstance(sent, bool)


def _refused(rule: str, sent: Any) -> gr.Error:
    shown = repr(sent)
    shown = shown if len(shown) <= 80 else f"{shown[:80]} ..."
    return gr.Error(f"{rule}, got {shown}", print_exception=False)
