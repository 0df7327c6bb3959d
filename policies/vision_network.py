"""A small network that sees the visual tokens and the question, and expects a score per rung."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class VisionNetworkSize:
    """How large the network is, and what it takes.

    Attributes:
        side: of the square of visual tokens.
        width: of a visual token and of a word's embedding.
        rungs: scores to expect.
        pools: sides that the ladder's scales pool the square to, where they do; what each pooling
            loses is told to the network.
        merge: side of the squares of tokens that become one cell.
        channels: a token is made as narrow as this before it is merged.
        hidden: width of a cell and of a word inside.
        blocks: mixing blocks over the cells.
        heads: of every attention.
        words: words of a question that have a place; later ones share the last.
        dropout: while it is trained.
    """

    side: int
    width: int
    rungs: int
    pools: tuple[int, ...] = ()
    merge: int = 2
    channels: int = 24
    hidden: int = 64
    blocks: int = 2
    heads: int = 4
    words: int = 16
    dropout: float = 0.1

    def __post_init__(self) -> None:
        numbers = [value for key, value in asdict(self).items() if key not in ("pools", "dropout")]
        if any(not isinstance(value, int) or not 0 < value <= 65_536 for value in numbers):
            raise ValueError(f"sizes must be whole numbers from 1 to 65536, got {self}")
        if self.side % self.merge or self.hidden % self.heads:
            raise ValueError(f"merge must divide side and heads must divide hidden, got {self}")
        if any(side < 1 or self.side % side for side in self.pools):
            raise ValueError(f"every pooled side must divide {self.side}, got {self.pools}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")


class VisionNetwork(nn.Module):
    """Cells of merged tokens are mixed with their neighbours, then the question looks at them.

    Shape notation: b samples, p visual tokens, d their width, w words, k rungs.
    """

    def __init__(self, size: VisionNetworkSize) -> None:
        super().__init__()
        self.size = size
        hidden, cells = size.hidden, (size.side // size.merge) ** 2
        merged = (size.channels + len(size.pools)) * size.merge**2
        self.token_norm = nn.LayerNorm(size.width)
        self.narrow = nn.Linear(size.width, size.channels)
        self.merge = nn.Linear(merged, hidden)
        self.cell_places = nn.Parameter(torch.randn(cells, hidden) * 0.02)
        self.blocks = nn.ModuleList(_MixingBlock(size) for _ in range(size.blocks))
        self.word_norm = nn.LayerNorm(size.width)
        self.word = nn.Linear(size.width, hidden)
        self.word_places = nn.Parameter(torch.randn(size.words, hidden) * 0.02)
        self.summary = nn.Parameter(torch.randn(2, hidden) * 0.02)
        attention: dict[str, Any] = {"batch_first": True, "norm_first": True}
        layer = (hidden, size.heads, 2 * hidden, size.dropout)
        self.reader = nn.TransformerEncoderLayer(*layer, **attention)
        self.looker = nn.TransformerDecoderLayer(*layer, **attention)
        self.head = nn.Sequential(
            nn.LayerNorm(4 * hidden),
            nn.Linear(4 * hidden, 2 * hidden),
            nn.GELU(),
            nn.Dropout(size.dropout),
            nn.Linear(2 * hidden, size.rungs),
        )

    def forward(
        self, tokens: torch.Tensor, words: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Return the logit of the expected score of every rung, shape [b, k].

        Args:
            tokens: visual tokens, shape [b, p, d].
            words: embeddings, shape [b, w, d].
            lengths: words that count, shape [b].
        """
        cells = self._cells(self.token_norm(tokens))
        for block in self.blocks:
            cells = block(cells)
        places = torch.arange(words.shape[1], device=words.device)
        question = self.word(self.word_norm(words))
        question = question + self.word_places[places.clamp(max=self.size.words - 1)]
        seen = torch.cat([self.summary.expand(len(words), -1, -1), question], dim=1)
        absent = F.pad(places >= lengths[:, None], (2, 0), value=False)
        seen = self.reader(seen, src_key_padding_mask=absent)
        seen = self.looker(seen, cells, tgt_key_padding_mask=absent)
        present = (~absent)[..., None].to(seen.dtype)
        mean = (seen * present).sum(dim=1) / present.sum(dim=1)
        logits: torch.Tensor = self.head(
            torch.cat([seen[:, 0], seen[:, 1], mean, cells.mean(dim=1)], dim=1)
        )
        return logits

    def _cells(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return squares of tokens as one cell each, with what every pooling loses there."""
        b, side, merge = len(tokens), self.size.side, self.size.merge
        lost = lost_by_pooling(tokens, self.size.pools)
        square = torch.cat([self.narrow(tokens), *lost], dim=2)
        cut = square.reshape(b, side // merge, merge, side // merge, merge, -1)
        merged: torch.Tensor = self.merge(cut.transpose(2, 3).flatten(3).flatten(1, 2))
        return merged + self.cell_places


def lost_by_pooling(tokens: torch.Tensor, pools: "Sequence[int]") -> list[torch.Tensor]:
    """Return, at every token, how much its pooled cell differs inside, per pooled side.

    Args:
        tokens: a square of tokens, shape [b, p, d].
        pools: sides that the square is pooled to.

    Returns:
        Per side the root of the mean square deviation from the cell's mean, shape [b, p, 1].
    """
    b, p, _ = tokens.shape
    side = int(p**0.5)
    grid = tokens.transpose(1, 2).reshape(b, -1, side, side)
    energy = grid.square().mean(dim=1, keepdim=True)
    lost = []
    for pooled in pools:
        cell = side // pooled
        kept = F.avg_pool2d(grid, cell).square().mean(dim=1, keepdim=True)
        left = (F.avg_pool2d(energy, cell) - kept).clamp(min=0).sqrt()
        lost.append(F.interpolate(left, size=(side, side)).flatten(2).transpose(1, 2))
    return lost


class _MixingBlock(nn.Module):
    """Each cell looks at its neighbourhood, channel by channel, then at itself."""

    def __init__(self, size: VisionNetworkSize) -> None:
        super().__init__()
        hidden = size.hidden
        self.side = size.side // size.merge
        self.norm = nn.LayerNorm(hidden)
        self.neighbours = nn.Conv2d(hidden, hidden, 5, padding=2, groups=hidden)
        self.inner = nn.Linear(hidden, 2 * hidden)
        self.outer = nn.Linear(2 * hidden, hidden)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        """Return mixed cells, shape [b, cells, hidden]."""
        grid = self.norm(cells).transpose(1, 2).unflatten(2, (self.side, self.side))
        mixed = self.neighbours(grid).flatten(2).transpose(1, 2)
        added: torch.Tensor = self.dropout(self.outer(F.gelu(self.inner(mixed))))
        return cells + added
