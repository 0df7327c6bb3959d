"""The Matryoshka query transformer: learned queries read an image in one cross-attention.

As in MQT-LLaVA (arXiv 2405.19315): no self-attention between queries, and the key input is a
position table alone, so the attention weights are the same for every image and the tokens for m
are the first m of the tokens for any larger m.
"""

import math

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


class QueryResampler(nn.Module):
    """Turn patch features into at most ``num_queries`` visual tokens.

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
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Give the queries, the table and the output matrix their starting values."""
        num_queries, width = self.pos_embed.shape
        self.pos_embed.copy_(sincos_table(width, math.isqrt(num_queries)))
        nn.init.trunc_normal_(self.query, std=0.02)
        nn.init.normal_(self.proj, std=width**-0.5)

    def attention_weights(self, num_patches: int) -> torch.Tensor:
        """Return how much each query reads of each patch, shape [heads, M, num_patches]."""
        width, heads = self.query.shape[1], self.attn.num_heads
        query_weight, key_weight, _ = self.attn.in_proj_weight.chunk(3)
        query_bias, key_bias, _ = self.attn.in_proj_bias.chunk(3)
        positions = resize_table(self.pos_embed, math.isqrt(num_patches))
        query = F.linear(self.ln_q(self.query + self.pos_embed), query_weight, query_bias)
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
        b, n, width = patches.shape
        heads = self.attn.num_heads
        value_weight, value_bias = (
            self.attn.in_proj_weight[-width:],
            self.attn.in_proj_bias[-width:],
        )
        value = F.linear(self.ln_v(patches), value_weight, value_bias)
        value = value.reshape(b, n, heads, width // heads).transpose(1, 2)
        read = (self.attention_weights(n) @ value).transpose(1, 2).reshape(b, -1, width)
        tokens: torch.Tensor = self.attn.out_proj(read) @ self.proj
        return tokens
