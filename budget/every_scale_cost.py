"""The fewest FLOPs that answer one question at every rung: what rungs share counted once."""

from collections.abc import Sequence

from budget.cost import LlavaShape, connector_flops, vision_flops


def every_scale_flops(
    shape: LlavaShape,
    visual_tokens: Sequence[int],
    new_tokens: Sequence[int],
    *,
    before: int,
    behind: int,
    nested: bool,
    grids: int = 1,
    sharing: int = 1,
) -> float:
    """Return the FLOPs of one sample at every rung, counted as in ``budget.cost``.

    Vision tower and connector run once, the text before the image once for all samples that share
    it, nested visual tokens once, others and the text behind the image once a rung.

    Args:
        shape: sizes of the model.
        visual_tokens: of each distinct rung, over all grids of the prompt, rising.
        new_tokens: generated at each of these rungs, the stop token included.
        before: text tokens before the first image.
        behind: text tokens behind it, those between images too.
        nested: whether each rung's visual tokens begin with those of the rung below.
        grids: squares that pass the vision tower.
        sharing: samples that the text before the image is read for at once.

    Raises:
        ValueError: if there is not one number of new tokens per rung, or one is below 1.
    """
    if len(visual_tokens) != len(new_tokens) or min(new_tokens, default=0) < 1:
        raise ValueError(
            "every rung needs its number of new tokens, at least 1, got "
            f"{list(new_tokens)} for {list(visual_tokens)} visual tokens"
        )
    text = shape.text
    total = float(grids * (vision_flops(shape) + connector_flops(shape)))
    total += text.flops(before, before) / sharing
    if nested:
        most = max(visual_tokens)
        total += text.flops(most, before + most)
    head = 2 * text.width * shape.vocabulary
    for visual, new in zip(visual_tokens, new_tokens, strict=True):
        prompt = before + visual + behind
        total += text.flops(behind if nested else visual + behind, prompt) + head
        total += sum(text.flops(1, prompt + step) + head for step in range(1, new))
    return total
