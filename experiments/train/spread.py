"""Starting values for MQT's queries: each looks around its own place, the first ones far apart.

From random values every query reads the mean of the picture, and telling them apart takes longer
than a small training run has. Here the full set begins as the patches themselves, in an order in
which every prefix covers the picture evenly; training decides where each looks in the end.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from budget.resampler import QueryResampler

# How much a query prefers its own place to the next one, in units of the attention's logits: about
# half of the attention stays at home, most of the rest goes to the four neighbours.
PREFERENCE = 1.5


def farthest_order(side: int) -> list[int]:
    """Return the cells of a square grid so that each is as far as can be from those before it.

    Example:
        >>> farthest_order(3)[:3]
        [4, 0, 2]
    """
    rows, columns = np.divmod(np.arange(side * side), side)
    centre = (side - 1) / 2
    order = [int(np.argmin((rows - centre) ** 2 + (columns - centre) ** 2))]
    distance = np.full(side * side, np.inf)
    while len(order) < side * side:
        last = order[-1]
        distance = np.minimum(distance, (rows - rows[last]) ** 2 + (columns - columns[last]) ** 2)
        distance[order] = -1
        order.append(int(distance.argmax()))
    return order


@torch.no_grad()
def spread_queries(resampler: "QueryResampler", generator: torch.Generator) -> None:
    """Give a resampler these starting values, in place.

    Args:
        resampler: with as many queries as there are patches.
        generator: draws the rotations that mix the position table over the heads.
    """
    count, width = resampler.query.shape
    order = torch.tensor(farthest_order(math.isqrt(count)))
    # The query's input is query + position: its own position is taken out, its place put in.
    resampler.query.copy_(resampler.pos_embed[order] - resampler.pos_embed)
    look = _looks(resampler)
    attention = resampler.attn
    value, out = (_rotation(width, generator) for _ in range(2))
    attention.in_proj_weight.copy_(torch.cat([look, look, value]))
    attention.in_proj_bias.zero_()
    attention.out_proj.weight.copy_(out)
    attention.out_proj.bias.zero_()


def _looks(resampler: "QueryResampler") -> torch.Tensor:
    """Return the matrix that gives every head its own frequencies of the position table.

    Sines and cosines of one frequency, of column and row, make a similarity that is greatest at
    distance zero; each head is scaled so that it prefers that by ``PREFERENCE``.
    """
    count, width = resampler.pos_embed.shape
    heads, side = resampler.attn.num_heads, math.isqrt(count)
    position = resampler.ln_k(resampler.pos_embed)
    quarter = width // 4
    look = torch.zeros(width, width)
    for head in range(heads):
        frequencies = torch.arange(head, quarter, heads)
        parts = torch.cat([frequencies + part * quarter for part in range(4)])
        slots = head * (width // heads) + torch.arange(len(parts))
        picked = position[:, parts].reshape(side, side, -1)
        here, next_to = picked[:, :-1], picked[:, 1:]
        ahead = ((here * here).sum(-1) - (here * next_to).sum(-1)).mean()
        scale = PREFERENCE * math.sqrt(width // heads) / float(ahead)
        look[slots, parts] = math.sqrt(scale)
    return look


def _rotation(width: int, generator: torch.Generator) -> torch.Tensor:
    rotation: torch.Tensor = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    return rotation
