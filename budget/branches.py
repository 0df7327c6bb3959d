"""Prompts that begin alike, run together: one trunk, and many branches behind it.

A language model reads what comes before and nothing else, so whatever several prompts share at
their beginning is run once. All branches of a sample lie side by side in one key-value cache; a
mask keeps each to the trunk and to itself, and its positions go on from where it leaves the trunk.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from budget.slot_cache import SlotCache

# Implementations of attention that take a mask of any form.
MASKED_ATTENTION = ("sdpa", "eager")


class Tree(NamedTuple):
    """One sample's prompts.

    Attributes:
        trunk: embeddings that the branches leave from, shape [t, d]; t may be 0.
        branches: embeddings behind it, shapes [t_k, d].
        seen: how many of the trunk's tokens come before each branch, length k.
        common: how many of the trunk's tokens are the same in every tree of the batch.
    """

    trunk: torch.Tensor
    branches: Sequence[torch.Tensor]
    seen: tuple[int, ...]
    common: int

    @property
    def kind(self) -> tuple[int, int, tuple[int, ...]]:
        """What trees of one batch must have in common."""
        return len(self.trunk), self.common, self.seen


class Branches:
    """A batch of trees that a language model has read.

    Args:
        language_model: a transformers decoder without its head, of ``MASKED_ATTENTION``.
        trees: of one kind.
        pass_tokens: tokens that one pass of the model reads at most, padding included: branches
            are read together as long as they fit. None for no limit.
        room: columns of the cache to keep free for what is generated.

    Attributes:
        cache: keys and values: the trunk, then every branch at its widest, then what is generated.
        hidden: of every token of every branch, padding included: one tensor a branch, shape
            [b, widest, d].
        lengths: tokens of every branch, shape [b, k].
        starts: column of the cache where each branch begins, length k.
        positions: position of every branch's next token, shape [b, k].

    Raises:
        ValueError: if the trees are not of one kind.
    """

    def __init__(
        self,
        language_model: Any,
        trees: Sequence[Tree],
        *,
        pass_tokens: int | None = None,
        room: int = 0,
    ) -> None:
        if len({tree.kind for tree in trees}) != 1:
            raise ValueError(f"trees of one batch must be of one kind, got {len(trees)} others")
        first = trees[0]
        self.language_model = language_model
        self.trunk, self.seen = len(first.trunk), first.seen
        widths = [max(len(t.branches[k]) for t in trees) for k in range(len(first.seen))]
        columns = self.trunk + sum(widths)
        layers = language_model.config.num_hidden_layers
        self.cache = SlotCache(layers, len(trees), columns + room)
        self.device = first.trunk.device
        self._read_trunk(trees)
        self.starts: list[int] = []
        self.hidden: list[torch.Tensor] = []
        for which in passes(widths, len(trees), pass_tokens):
            self._read_branches(trees, which, widths)
        self.lengths = torch.tensor(
            [[len(branch) for branch in tree.branches] for tree in trees], device=self.device
        )
        self.positions = self.lengths + torch.tensor(self.seen, device=self.device)

    def last_hidden(self) -> torch.Tensor:
        """Return the hidden state of every branch's last token, shape [b, k, d]."""
        rows = torch.arange(len(self.lengths), device=self.device)
        ends = (self.lengths - 1).unbind(1)
        return torch.stack(
            [states[rows, end] for states, end in zip(self.hidden, ends, strict=True)], dim=1
        )

    def visible(self) -> torch.Tensor:
        """Return which columns what comes behind each branch sees, shape [b, k, columns]."""
        columns = torch.arange(self.cache.get_seq_length(), device=self.device)
        seen = torch.tensor(self.seen, device=self.device)[:, None]
        starts = torch.tensor(self.starts, device=self.device)[:, None]
        ends = starts + self.lengths[..., None]
        return (columns < seen) | ((columns >= starts) & (columns < ends))

    def _read_trunk(self, trees: Sequence[Tree]) -> None:
        """Read what all trees share in one row, and the rest of their trunks in one each."""
        common = trees[0].common
        if common:
            self._run(trees[0].trunk[None, :common], torch.arange(common, device=self.device)[None])
        if self.trunk > common:
            rest = torch.stack([tree.trunk[common:] for tree in trees])
            columns = torch.arange(self.trunk, device=self.device)
            mask = columns <= columns[common:, None] if common else None
            self._run(rest, columns[None, common:], mask)

    def _read_branches(self, trees: Sequence[Tree], which: range, widths: Sequence[int]) -> None:
        """Read some branches of every tree in one pass, each padded on the right."""
        width = sum(widths[k] for k in which)
        start = self.cache.get_seq_length()
        embeds = trees[0].trunk.new_zeros(len(trees), width, trees[0].trunk.shape[1])
        mask = torch.zeros(width, start + width, dtype=torch.bool, device=self.device)
        places = []
        begin = 0
        for k in which:
            end = begin + widths[k]
            for row, tree in zip(embeds, trees, strict=True):
                row[begin : begin + len(tree.branches[k])] = tree.branches[k]
            # Padding stands behind a branch's own tokens, so causality hides it from them.
            own = torch.ones(widths[k], widths[k], dtype=torch.bool, device=self.device).tril()
            mask[begin:end, : self.seen[k]] = True
            mask[begin:end, start + begin : start + end] = own
            places.append(self.seen[k] + torch.arange(widths[k], device=self.device))
            self.starts.append(start + begin)
            begin = end
        alone = not start and len(which) == 1
        states = self._run(embeds, torch.cat(places)[None], None if alone else mask)
        self.hidden += states.split([widths[k] for k in which], dim=1)

    def _run(
        self, embeds: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Run the language model; ``mask`` says what may be seen, shape [..., q, columns]."""
        return run_masked(self.language_model, self.cache, embeds, positions, mask)


def passes(widths: Sequence[int], rows: int, pass_tokens: int | None) -> list[range]:
    """Return which branches are read together: neighbours, as long as they fit in one pass.

    Example:
        >>> passes([12, 15, 20, 47, 155], 8, 1250)
        [range(0, 4), range(4, 5)]
    """
    found, begin, tokens = [], 0, 0
    for k, width in enumerate(widths):
        if pass_tokens is not None and k > begin and tokens + rows * width > pass_tokens:
            found.append(range(begin, k))
            begin, tokens = k, 0
        tokens += rows * width
    return [*found, range(begin, len(widths))]


def run_masked(
    language_model: Any,
    cache: SlotCache,
    embeds: torch.Tensor,
    positions: torch.Tensor,
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """Run a language model behind a cache and return its hidden states, shape [b, q, d].

    Args:
        language_model: a transformers decoder without its head.
        cache: what was read before; is added to.
        embeds: shape [b, q, d].
        positions: shape [b or 1, q].
        mask: what may be seen, shape [q, columns] or [b, q, columns]; None for all before.
    """
    if mask is not None:
        # transformers' eager attention adds the mask, so it cannot be of booleans.
        lowest = torch.finfo(embeds.dtype).min
        mask = mask if mask.dim() == 3 else mask[None]
        added = torch.zeros(mask.shape, dtype=embeds.dtype, device=embeds.device)
        mask = added.masked_fill_(~mask, lowest)[:, None]
    states: torch.Tensor = language_model(
        inputs_embeds=embeds,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    return states
