"""The Matryoshka query transformer: learned queries read an image in one cross-attention.

As in MQT-LLaVA (arXiv 2405.19315): no self-attention between queries, and the key input is a
position table alone, so the attention weights are the same for every image and the tokens for m
are the first m of the tokens for any larger m.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn


def sincos_table(width: int, side: int) -> torch.Tensor:
    """Return the 2-D sine-cosine position table, shape [side * side, width], float32.

    The first half of the width encodes the column, the second the row.

    Raises:
        ValueError: if ``width`` is not a multiple of 4.
    """
    if width % 4:
        raise ValueError(f"the width of a position table must be a multiple of 4, got {width}")
    quarter = torch.arange(width // 4, dtype=torch.float64) / (width / 4)
    angles = torch.arange(side, dtype=torch.float64)[:, None] * 10000.0**-quarter
    line = torch.cat([angles.sin(), angles.cos()], dim=1)
    columns = line[None, :, :].expand(side, side, -1)
    rows = line[:, None, :].expand(side, side, -1)
    return torch.cat([columns, rows], dim=2).reshape(side * side, width).float()


def resize_table(table: torch.Tensor, side: int) -> torch.Tensor:
    """Resize a square position table bicubically.

    Args:
        table: positions with shape [s * s, d].
        side: side of the wanted grid.

    Returns:
        Positions with shape [side * side, d] and the dtype of ``table``.
    """
    source = math.isqrt(table.shape[0])
    grid = table.float().reshape(1, source, source, -1).permute(0, 3, 1, 2)
    resized = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False)
    return resized.permute(0, 2, 3, 1).flatten(0, 2).to(table.dtype)


class FixedReading(NamedTuple):
    """What of a resampler is the same for every image, computed once.

    Attributes:
        weights: how much each query reads of each patch, shape [heads, M, n].
        value: matrix from a normalised patch to what is read, shape [width, width].
        value_bias: shape [width].
        output: matrix from what was read to the language model, shape [output_width, width].
        output_bias: shape [output_width].
    """

    weights: torch.Tensor
    value: torch.Tensor
    value_bias: torch.Tensor
    output: torch.Tensor
    output_bias: torch.Tensor


class QueryResampler(nn.Module):
    """Turn patch features into at most ``num_queries`` visual tokens.

    Where no gradients are asked for, what does not depend on the image is computed once and kept
    until a parameter changes: the attention weights, the value matrix with the scale of the
    LayerNorm before it, and the two matrices behind the attention as one. What is written past
    autograd's sight, through ``parameter.data``, cannot be noticed: call ``forget`` after it.

    Args:
        num_queries: M, the learned queries; a square number.
        width: width of the patch features and of the attention.
        output_width: width of the language model.
        num_heads: attention heads; divides ``width``.

    Raises:
        ValueError: if ``num_queries`` is not square or ``num_heads`` does not divide ``width``.
    """

    def __init__(self, num_queries: int, width: int, output_width: int, num_heads: int) -> None:
        super().__init__()
        side = math.isqrt(num_queries)
        if side * side != num_queries or num_queries < 1:
            raise ValueError(f"num_queries must be a square number, got {num_queries}")
        if num_heads < 1 or width % num_heads:
            raise ValueError(f"num_heads must divide the width {width}, got {num_heads}")
        self.pos_embed = nn.Parameter(torch.empty(num_queries, width), requires_grad=False)
        self.query = nn.Parameter(torch.empty(num_queries, width))
        self.proj = nn.Parameter(torch.empty(width, output_width))
        self.attn = nn.MultiheadAttention(width, num_heads)
        self.ln_q = nn.LayerNorm(width, eps=1e-6)
        self.ln_k = nn.LayerNorm(width, eps=1e-6)
        self.ln_v = nn.LayerNorm(width, eps=1e-6)
        self._fixed: tuple[_State, FixedReading] | None = None
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Give the queries, the table and the output matrix their starting values."""
        num_queries, width = self.pos_embed.shape
        self.pos_embed.copy_(sincos_table(width, math.isqrt(num_queries)))
        nn.init.trunc_normal_(self.query, std=0.02)
        nn.init.normal_(self.proj, std=width**-0.5)

    def forget(self) -> None:
        """Compute anew, at the next call, what does not depend on the image."""
        self._fixed = None

    def train(self, mode: bool = True) -> "QueryResampler":
        """Switch between training and evaluation; either way, parameters may have changed."""
        self.forget()
        return super().train(mode)

    def attention_weights(self, num_patches: int) -> torch.Tensor:
        """Return how much each query reads of each patch, shape [heads, M, num_patches]."""
        width, heads = self.query.shape[1], self.attn.num_heads
        query_weight, key_weight, _ = self.attn.in_proj_weight.chunk(3)
        query_bias, key_bias, _ = self.attn.in_proj_bias.chunk(3)
        # The table may be kept in more bits than the weights.
        own = self.pos_embed.to(self.query.dtype)
        positions = resize_table(self.pos_embed, math.isqrt(num_patches)).to(self.query.dtype)
        query = F.linear(self.ln_q(self.query + own), query_weight, query_bias)
        key = F.linear(self.ln_k(positions), key_weight, key_bias)
        query = query.reshape(-1, heads, width // heads).transpose(0, 1)
        key = key.reshape(-1, heads, width // heads).transpose(0, 1)
        scores = query @ key.transpose(1, 2) / math.sqrt(width // heads)
        return scores.softmax(dim=-1)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Return all visual tokens.

        Args:
            patches: patch features with shape [b, n, width]; ``n`` is a square number.

        Returns:
            Visual tokens with shape [b, M, output_width]; the tokens for m are the first m.
        """
        if torch.is_grad_enabled():
            return self.read_plainly(patches)
        fixed = self._fixed_reading(patches.shape[1])
        normal = F.layer_norm(patches, patches.shape[-1:], eps=self.ln_v.eps)
        read = _attend(fixed.weights, F.linear(normal, fixed.value, fixed.value_bias))
        return F.linear(read, fixed.output, fixed.output_bias)

    def read_plainly(self, patches: torch.Tensor) -> torch.Tensor:
        """Return what ``forward`` returns, computing everything anew, as training needs it."""
        return self.read_normal(self.ln_v(patches))

    def read_normal(self, normal: torch.Tensor) -> torch.Tensor:
        """Return all visual tokens of patches that went through ``ln_v``, computed anew."""
        width = normal.shape[-1]
        value = F.linear(normal, self.attn.in_proj_weight[-width:], self.attn.in_proj_bias[-width:])
        read = _attend(self.attention_weights(normal.shape[1]), value)
        tokens: torch.Tensor = self.attn.out_proj(read) @ self.proj
        return tokens

    def _fixed_reading(self, num_patches: int) -> FixedReading:
        state = _State(num_patches, list(self.parameters()))
        if self._fixed is None or not self._fixed[0].is_still(state):
            self._fixed = (state, self._fix(num_patches))
        return self._fixed[1]

    @torch.no_grad()
    def _fix(self, num_patches: int) -> FixedReading:
        width = self.query.shape[1]
        value, bias = self.attn.in_proj_weight[-width:], self.attn.in_proj_bias[-width:]
        out, after = self.attn.out_proj, self.proj.T
        # Products of matrices are taken in float32, so that half precision rounds once.
        return FixedReading(
            weights=self.attention_weights(num_patches),
            value=value * self.ln_v.weight,
            value_bias=(value.float() @ self.ln_v.bias.float() + bias.float()).to(value.dtype),
            output=(after.float() @ out.weight.float()).to(value.dtype),
            output_bias=(after.float() @ out.bias.float()).to(value.dtype),
        )


def _attend(weights: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Read ``value`` [b, n, width] with ``weights`` [heads, M, n]; returns [b, M, width]."""
    b, n, width = value.shape
    heads, queries, _ = weights.shape
    split = value.reshape(b, n, heads, width // heads).transpose(1, 2)
    return (weights @ split).transpose(1, 2).reshape(b, queries, width)


class _State:
    """The parameters at one moment, to tell later whether one was replaced or written to."""

    def __init__(self, num_patches: int, parameters: list[nn.Parameter]) -> None:
        self.parameters = parameters
        self.values: list[object] = [num_patches]
        for parameter in parameters:
            # Tensors made in inference mode do not count their writes; an object is like no other.
            writes = object() if parameter.is_inference() else parameter._version
            self.values += [parameter.data_ptr(), writes]

    def is_still(self, other: "_State") -> bool:
        """Return whether nothing happened between this moment and ``other``."""
        pairs = zip(self.parameters, other.parameters, strict=True)
        return self.values == other.values and all(a is b for a, b in pairs)
