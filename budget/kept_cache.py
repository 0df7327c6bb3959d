"""Keys and values of what prompts begin with, kept from one answer to the next.

The visual tokens of a nested model for m are the first of those for any larger number, so when a
sample is answered again with more of them, the text before the picture and the visual tokens that
were read stay in the cache: only new visual tokens and the text behind them are run. What the
first answer ran behind its visual tokens (the question, the answer itself) is left out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import DynamicCache

from budget.generation import PaddedPrompts

Layers = list[tuple[torch.Tensor, torch.Tensor]]  # keys and values, [b, heads, columns, size] each


class Trunk(NamedTuple):
    """Where one sample's beginning lies: rows of a batch that was run before.

    Attributes:
        layers: keys and values of that batch.
        row: the sample's row in it.
        columns: columns of the beginning's tokens, in order, shape [t].
    """

    layers: Layers
    row: int
    columns: torch.Tensor


def can_keep(config: Any) -> bool:
    """Return whether a language model sees all before each token; windows let go of the past.

    Args:
        config: of the language model.
    """
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return kinds == {"full_attention"} and getattr(config, "sliding_window", None) is None


class KeptPrompts:
    """One batch of prompts of which some beginnings were read before.

    A prompt's *trunk* is its beginning that may be kept for later. Decoding calls ``begin`` before
    it reads the prompts, and ``end`` once it has.

    Args:
        kept: what is kept of each row, None where nothing is.
        used: tokens of it that the row begins with, 0 where nothing is kept.
        trunks: tokens of each row's trunk; at least ``used``.
    """

    def __init__(
        self, kept: Sequence[Trunk | None], used: Sequence[int], trunks: Sequence[int]
    ) -> None:
        self._kept, self._used, self._trunks = list(kept), list(used), list(trunks)
        self.columns = max(used)
        self._new = 0
        self.found: list[Trunk] = []

    def begin(self, cache: DynamicCache, prompts: PaddedPrompts) -> PaddedPrompts:
        """Put what is kept into an empty cache; return the prompts as they stand behind it.

        Args:
            cache: of the decoding.
            prompts: the rest of each prompt, padded on the left.

        Returns:
            The same embeddings, with positions that go on, and a mask over what is kept too.
        """
        self._new = prompts.embeds.shape[1]
        if not self.columns:
            return prompts
        for layer, (keys, values) in enumerate(self._gather()):
            cache.update(keys, values, layer)
        used = torch.tensor(self._used, device=prompts.positions.device)
        positions = prompts.positions + used[:, None]
        if prompts.mask is None and min(self._used) == self.columns:
            return prompts._replace(positions=positions)
        columns = torch.arange(self.columns, device=used.device)
        before = (columns >= self.columns - used[:, None]).long()
        behind = prompts.mask
        if behind is None:
            behind = before.new_ones(len(used), self._new)
        return PaddedPrompts(prompts.embeds, torch.cat([before, behind], dim=1), positions)

    def end(self, cache: DynamicCache, lengths: Sequence[int]) -> None:
        """Note where each row's trunk lies now that the prompts were read.

        Args:
            cache: of the decoding; what it is given later does not change what is kept.
            lengths: tokens of each row's rest.
        """
        layers = [(layer.keys, layer.values) for layer in cache.layers]
        width = self.columns + self._new
        for row, (used, trunk, length) in enumerate(
            zip(self._used, self._trunks, lengths, strict=True)
        ):
            old = torch.arange(self.columns - used, self.columns)
            new = torch.arange(width - length, width - length + trunk - used)
            self.found.append(Trunk(layers, row, torch.cat([old, new])))

    def _gather(self) -> Layers:
        """Return the kept beginnings as one batch, padded on the left."""
        sources: dict[int, list[int]] = {}
        for row, trunk in enumerate(self._kept):
            if trunk is not None and self._used[row]:
                sources.setdefault(id(trunk.layers), []).append(row)
        picks = [self._pick(rows) for rows in sources.values()]
        rows = [row for found in sources.values() for row in found]
        first = self._kept[rows[0]]
        assert first is not None  # some row keeps something, or there were no columns
        return [
            (
                self._batch([p[i][0] for p in picks], rows),
                self._batch([p[i][1] for p in picks], rows),
            )
            for i in range(len(first.layers))
        ]

    def _pick(self, rows: Sequence[int]) -> Layers:
        """Return what is kept of rows of one source, [rows, heads, columns, size] per layer."""
        trunks = [trunk for row in rows if (trunk := self._kept[row]) is not None]
        index = torch.zeros(len(rows), self.columns, dtype=torch.long)
        for line, row, trunk in zip(index, rows, trunks, strict=True):
            line[self.columns - self._used[row] :] = trunk.columns[: self._used[row]]
        lines = torch.tensor([trunk.row for trunk in trunks])[:, None]
        # Indices apart come first: [rows, columns, heads, size].
        return [
            (keys[lines, :, index].transpose(1, 2), values[lines, :, index].transpose(1, 2))
            for keys, values in trunks[0].layers
        ]

    def _batch(self, parts: Sequence[torch.Tensor], rows: Sequence[int]) -> torch.Tensor:
        """Return a batch of all rows from parts that hold ``rows``; others stay empty."""
        joined = torch.cat(list(parts)) if len(parts) > 1 else parts[0]
        if list(rows) == list(range(len(self._used))):
            return joined
        batch = joined.new_zeros(len(self._used), *joined.shape[1:])
        batch[torch.tensor(rows, device=joined.device)] = joined
        return batch
