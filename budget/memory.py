"""What memory a LLaVA-like model takes, from its sizes alone; counts are of numbers, not bytes.

A model at work holds its weights, the key-value cache (``cache_values``) and activations.
``peak_activations`` is what is alive at once, which decides whether a sample fits;
``written_activations`` is what all operators write one after another, which decides how much a
memory bus has to carry and is what roofline tools print as the size of the activations.
"""

from __future__ import annotations

from budget.shapes import LlavaShape, TransformerShape


def weight_values(shape: LlavaShape) -> int:
    """Return the weights of a model; biases and norms (under 1 %) are left out."""
    vision, text, width = shape.vision, shape.text, shape.vision.width
    embeddings = width * (shape.patch_inputs + shape.vision_tokens)
    tables = (1 if shape.tied_head else 2) * shape.vocabulary * text.width
    towers = vision.layers * vision.layer_weights + text.layers * text.layer_weights
    return embeddings + towers + _connector_weights(shape) + tables


def _connector_weights(shape: LlavaShape) -> int:
    width, out = shape.feature_width, shape.text.width
    if shape.num_queries is None:
        return width * out + out * out
    return 4 * width * width + 2 * shape.num_queries * width + width * out


def cache_values(shape: LlavaShape, positions: int) -> int:
    """Return the keys and values of so many positions of the language model."""
    return 2 * shape.text.layers * shape.text.kv_width * positions


def peak_activations(shape: LlavaShape, positions: int, *, grids: int = 1) -> int:
    """Return the most activations that are alive at once while a prompt is read.

    The widest of three moments, as transformers runs them without gradients and with fused
    attention (no table of scores in memory):

    - one layer of the vision tower, over all grids together;
    - the projector between its two matrices, or the resampler at its attention;
    - one layer of the language model, the image's features at full scale being kept besides.

    A layer's moment is described at ``layer_activations``. Neither the cache, which has its own
    figure, nor the logits of the one position that answers are counted.

    Args:
        shape: sizes of the model.
        positions: of the prompt, visual tokens included.
        grids: images or tiles of images.
    """
    features = grids * (shape.num_queries or shape.grid_tokens) * shape.text.width
    return max(
        layer_activations(shape.vision, grids * shape.vision_tokens) if grids else 0,
        _connector_activations(shape, grids),
        features + layer_activations(shape.text, positions),
    )


def layer_activations(stack: TransformerShape, positions: int) -> int:
    """Return what is alive at once in one layer, per position at its widest.

    Alive throughout are the stack's input, the layer's input, its residual and its normalised
    states. To these comes the wider of

    - the MLP: three tensors of its width (gate, up and their product, or an activation with what
      it is computed from);
    - the attention, whose residual is the layer's input: queries, keys and values, and what
      turning queries or keys into their places makes of them.
    """
    query, kv = stack.query_width, stack.kv_width
    attention = max(4 * query + 2 * kv, 2 * query + 5 * kv)
    return positions * max(4 * stack.width + 3 * stack.mlp_width, 3 * stack.width + attention)


def _connector_activations(shape: LlavaShape, grids: int) -> int:
    width, out = shape.feature_width, shape.text.width
    patches = grids * shape.grid_tokens
    if shape.num_queries is None:
        return patches * (2 * width + 2 * out)
    # The weights are the same for every image: there is one table of them, and its scores.
    table = 2 * shape.resampler_heads * shape.num_queries * shape.grid_tokens if grids else 0
    return 3 * patches * width + (0 if shape.fixed_attention else table)


def written_activations(stack: TransformerShape, positions: int) -> int:
    """Return what every operator of every layer writes in one pass over a prompt, summed.

    As LLM-Viewer counts (arXiv 2402.16363), whose figure M3 prints (arXiv 2405.17430): the outputs
    of the projections, norms and sums, the scores and their softmax as full tables, and the MLP's
    product at the hidden width. Keys and values count as cache.
    """
    linear = 2 * stack.query_width + (stack.mlp_matrices - 1) * stack.mlp_width + 2 * stack.width
    others = 5 * stack.width  # two norms, two sums, the MLP's product
    tables = 2 * stack.heads * positions * positions
    return stack.layers * (positions * (linear + others) + tables)
