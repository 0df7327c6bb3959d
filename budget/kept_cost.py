"""FLOPs of one more answer to a question whose picture was read before, all of it or a part.

Counted as in ``budget.cost``: a multiply-add is two FLOPs, matrix products alone.
"""

from budget.cost import LlavaShape, connector_flops, vision_flops


def answer_flops(shape: LlavaShape, *, prompt: int, new_tokens: int, kept: int = 0) -> float:
    """Return the FLOPs of the language model for one answer.

    Args:
        shape: sizes of the model.
        prompt: tokens of the whole prompt, visual ones included.
        new_tokens: generated tokens, the stop token included; the first comes from the prompt.
        kept: tokens at the prompt's beginning whose keys and values are in a cache.

    Raises:
        ValueError: if the prompt is not longer than what is kept of it, or nothing is generated.

    Example:
        >>> from budget.config_files import read_sizes
        >>> shape = read_sizes("mqt").shape
        >>> whole, rest = (answer_flops(shape, prompt=200, new_tokens=4, kept=k) for k in (0, 150))
        >>> round(rest / whole, 2)
        0.26
    """
    if not 0 <= kept < prompt or new_tokens < 1:
        raise ValueError(
            "a prompt must be longer than what is kept of it and new_tokens at least 1, got "
            f"{prompt} tokens, {kept} kept, {new_tokens} new"
        )
    text, head = shape.text, 2 * shape.text.width * shape.vocabulary
    later = sum(text.flops(1, prompt + step) + head for step in range(1, new_tokens))
    return float(text.flops(prompt - kept, prompt) + head + later)


def encoding_flops(shape: LlavaShape, grids: int) -> float:
    """Return the FLOPs of vision tower and connector, paid once however many answers follow.

    Args:
        shape: sizes of the model.
        grids: squares that pass the tower.
    """
    return float(grids * (vision_flops(shape) + connector_flops(shape)))
