"""What a model of any family costs, measured on the model itself with torch's FLOP counter.

Formulas would have to know every family's layers. Instead the counter watches a few small runs,
and what it counts is put on the curve that it must lie on: the language model's FLOPs are a
polynomial of degree two in the prompt's length, the vision encoder's one in the size of its input
(of degree one where images are cut into tiles of one size).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from budget.types import Cost

_STEP = 8
# Layers of linear attention read a prompt in chunks of so many positions, the last one padded.
_CHUNK = 64


class LanguageCost(NamedTuple):
    """FLOPs of a language model, as a polynomial in the prompt's length.

    Attributes:
        head: of one position's logits, and of all that is computed once a run.
        each: of one position.
        pair: of one position that looks at one position.
        cache_bytes: key-value cache of one position.
        state_bytes: what is kept whatever the length, as convolutions do.
    """

    head: float
    each: float
    pair: float
    cache_bytes: float
    state_bytes: float = 0.0

    def prefill(self, prompt: int) -> float:
        """Return the FLOPs of reading a prompt, attention counted as the full square."""
        return self.head + self.each * prompt + self.pair * prompt * prompt

    def decode(self, prompt: int, new_tokens: int) -> float:
        """Return the FLOPs of all new tokens but the first, which the prompt's run gives."""
        steps = new_tokens - 1
        keys = steps * prompt + steps * (steps + 1) / 2
        return steps * (self.head + self.each) + self.pair * keys


def count_flops(run: Callable[[], Any]) -> float:
    """Return the FLOPs of the matrix products and convolutions of a call, as torch counts them.

    Attention is computed by its formula meanwhile: torch counts nothing of a CPU's fused kernel.
    """
    math = sdpa_kernel(SDPBackend.MATH)
    with FlopCounterMode(display=False) as counter, math, torch.inference_mode():
        run()
    return float(counter.get_total_flops())


def language_cost(model: Any, token_id: int) -> LanguageCost:
    """Measure a model's language part on prompts of text alone.

    Args:
        model: a transformers model that generates.
        token_id: any token that is no placeholder.
    """
    found, kept = [], []

    def run(length: int) -> None:
        ids = torch.full((1, length), token_id, device=model.device)
        out = model(
            input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=True, logits_to_keep=1
        )
        kept.append(_cache_bytes(out.past_key_values))

    lengths = _lengths(model.config)
    for length in lengths:
        found.append(count_flops(partial(run, length)))
    head, each, pair = _through(lengths, found)
    state, cache, _ = _through(lengths, kept)
    return LanguageCost(head, each, pair, cache, state)


def fit_vision(sizes: Sequence[int], flops: Sequence[float]) -> Callable[[int], float]:
    """Return the FLOPs of an image by the numbers that enter the encoder.

    Args:
        sizes: numbers that entered, any.
        flops: counted for each.
    """
    points = dict(zip(sizes, flops, strict=True))
    xs = np.array(sorted(points), dtype=float)
    ys = np.array([points[int(x)] for x in xs])
    scale = xs[-1]
    # Encoders do nothing for nothing: the curve goes through 0.
    powers = np.stack([xs / scale, (xs / scale) ** 2], axis=1)[:, : len(xs)]
    weights, *_ = np.linalg.lstsq(powers, ys, rcond=None)

    def of(size: int) -> float:
        x = size / scale
        return float(sum(w * x ** (i + 1) for i, w in enumerate(weights)))

    return of


def whole_cost(
    language: LanguageCost, *, prompt: int, new_tokens: int, vision_flops: float
) -> Cost:
    """Return the cost of one sample; connector and vision encoder are counted as one.

    Raises:
        ValueError: if a count is not positive.
    """
    if prompt < 1 or new_tokens < 1:
        raise ValueError(f"a prompt and an answer have tokens, got {prompt} and {new_tokens}")
    return Cost(
        vision_flops=vision_flops,
        connector_flops=0.0,
        prefill_flops=language.prefill(prompt),
        decode_flops=language.decode(prompt, new_tokens),
        kv_bytes=language.state_bytes + language.cache_bytes * (prompt + new_tokens - 1),
    )


def _lengths(config: Any) -> tuple[int, int, int]:
    """Return lengths of prompts whose FLOPs lie on one curve."""
    kinds = getattr(config.get_text_config(), "layer_types", None) or ()
    step = _CHUNK if "linear_attention" in kinds else _STEP
    return step, 2 * step, 3 * step


def _through(lengths: Sequence[int], values: Sequence[float]) -> tuple[float, float, float]:
    """Return the polynomial of degree two through three points; counts are whole, so is it."""
    powers = np.vander(np.array(lengths, dtype=float), 3, increasing=True)
    constant, linear, square = np.linalg.solve(powers, np.array(values))
    return float(constant), float(linear), float(square)


def _cache_bytes(cache: Any) -> int:
    """Return the bytes of all tensors that a cache's layers hold."""
    return sum(_bytes(vars(layer)) for layer in getattr(cache, "layers", []))


def _bytes(kept: Any) -> int:
    """Return the bytes of tensors, of those in dictionaries and sequences too."""
    if isinstance(kept, torch.Tensor):
        return kept.nbytes
    parts = kept.values() if isinstance(kept, dict) else kept
    return (
        sum(map(_bytes, parts)) if not isinstance(parts, str) and isinstance(parts, Iterable) else 0
    )
