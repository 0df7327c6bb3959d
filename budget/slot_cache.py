"""A key-value cache in one piece of memory per layer: nothing is copied when tokens are added."""

from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin


class SlotLayer(CacheLayerMixin):
    """One layer's keys and values, shape [rows, heads, room, head size], filled from the left.

    Args:
        rows: rows that the buffer has, whatever the batch of the first tokens: keys of one row
            are written to all, so that a prompt's shared beginning is run once.
        room: columns to begin with; when they are full, half as many are added.
    """

    def __init__(self, rows: int, room: int) -> None:
        super().__init__()
        self.rows, self.room, self.length = rows, room, 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Make the buffers, like what comes first."""
        self.keys = self._buffer(key_states)
        self.values = self._buffer(value_states)
        self.is_initialized = True

    def _buffer(self, like: torch.Tensor) -> torch.Tensor:
        _, heads, _, size = like.shape
        return like.new_empty(self.rows, heads, self.room, size)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write behind what is there; return all that is there, for the rows that were given."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        given, _, new, _ = key_states.shape
        end = self.length + new
        if end > self.room:
            self.room = end + end // 2
            self._move(slice(None))
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:given, :, :end], self.values[:given, :, :end]

    def keep(self, rows: torch.Tensor) -> None:
        """Keep these rows alone."""
        self.rows = len(rows)
        self._move(rows.to(self.keys.device))

    def _move(self, rows: Any) -> None:
        for name in ("keys", "values"):
            old = getattr(self, name)
            new = self._buffer(old)
            new[:, :, : self.length] = old[rows, :, : self.length]
            setattr(self, name, new)

    def get_seq_length(self) -> int:
        """Return how many columns are filled."""
        return self.length

    def get_max_length(self) -> int:
        """Return -1: there is no limit."""
        return -1

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return length and offset of the keys that so many new tokens would see."""
        return self.length + query_length, 0


class SlotCache(Cache):
    """Slots for every layer of a language model; see ``SlotLayer``.

    Args:
        layers: layers of the language model.
        rows: rows of the batch.
        room: columns to begin with.
    """

    def __init__(self, layers: int, rows: int, room: int) -> None:
        super().__init__(layers=[SlotLayer(rows, room) for _ in range(layers)])

    def keep(self, rows: torch.Tensor) -> None:
        """Keep these rows of the batch alone, in this order."""
        for layer in self.layers:
            layer.keep(rows)
