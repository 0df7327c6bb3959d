"""What one sample costs, from a LLaVA-like configuration alone.

A multiply-add counts as two FLOPs. Only matrix products and convolutions are counted, and
attention as the full t x t product, causal or not: both as ``torch.utils.flop_counter`` does.
"""

from __future__ import annotations

from budget.memory import cache_values, peak_activations
from budget.shapes import LlavaShape, TransformerShape
from budget.types import Cost

__all__ = ["LlavaShape", "TransformerShape", "connector_flops", "llava_cost", "vision_flops"]


def vision_flops(shape: LlavaShape) -> int:
    """FLOPs of the vision tower on one grid; every layer runs, whichever is selected."""
    patches = 2 * shape.grid_tokens * shape.patch_inputs * shape.vision.width
    return patches + shape.vision.flops(shape.vision_tokens, shape.vision_tokens)


def connector_flops(shape: LlavaShape) -> int:
    """FLOPs on one grid of the projector over all patches, or of the resampler with all queries.

    A resampler of fixed attention reads the values and mixes them; queries, keys and their
    products were computed once for all images.
    """
    grid, width, out = shape.grid_tokens, shape.feature_width, shape.text.width
    if shape.num_queries is None:
        return 2 * grid * (width * out + out * out)
    queries = shape.num_queries
    mixed = 2 * grid * width * width + 2 * queries * grid * width
    last = 2 * queries * width * out
    if not shape.merged_output:
        last += 2 * queries * width * width
    if shape.fixed_attention:
        return mixed + last
    return mixed + last + 2 * width * width * (queries + grid) + 2 * queries * grid * width


def llava_cost(
    shape: LlavaShape,
    *,
    num_visual_tokens: int,
    text_tokens: int,
    new_tokens: int,
    bytes_per_value: int = 4,
    grids: int = 1,
) -> Cost:
    """Return the cost of one sample.

    The first new token comes from the prefill, so ``new_tokens`` need one pass fewer through
    the language model. The head runs at one position per new token.

    Args:
        shape: sizes of the model.
        num_visual_tokens: visual tokens of each grid.
        text_tokens: prompt tokens without the visual ones.
        new_tokens: generated tokens, the stop token included.
        bytes_per_value: bytes of one number in the cache and of one activation.
        grids: squares that pass the vision tower, each with its visual tokens in the prompt: an
            image, or the whole image and its tiles (LLaVA-NeXT), times the images of the prompt.
            A prompt of text alone has none.

    Raises:
        ValueError: if a count is negative or ``new_tokens`` is not positive.
    """
    if min(num_visual_tokens, text_tokens, grids) < 0 or new_tokens < 1:
        raise ValueError(
            "token counts and grids must not be negative and new_tokens at least 1, got "
            f"{num_visual_tokens} visual, {text_tokens} text, {new_tokens} new, {grids} grids"
        )
    text, prompt, passes = shape.text, grids * num_visual_tokens + text_tokens, new_tokens - 1
    head = 2 * text.width * shape.vocabulary
    decode = sum(text.flops(1, prompt + step) + head for step in range(1, passes + 1))
    return Cost(
        vision_flops=float(grids * vision_flops(shape)),
        connector_flops=float(grids * connector_flops(shape)),
        prefill_flops=float(text.flops(prompt, prompt) + head),
        decode_flops=float(decode),
        kv_bytes=float(cache_values(shape, prompt + passes) * bytes_per_value),
        activation_bytes=float(peak_activations(shape, prompt, grids=grids) * bytes_per_value),
    )
