"""Prompts of one model as batches that its ``forward`` takes."""

import math
from collections.abc import Sequence
from inspect import signature
from typing import Any

import torch

from budget.chat import Question
from budget.families.encoding import encode, merge
from budget.families.knob import Knob
from budget.families.prompts import PromptRow, make_row, pad_rows
from budget.families.seen import Seen
from budget.prompt import Prompt


class Batches:
    """Makes prompts and batches of them.

    Args:
        model: of transformers.
        processor: of the model.
        knob: of the model.
        prompt: writes its chats.
        token_id: of the placeholder.
        stop_ids: ids that end an answer.
        name: what errors call the model.

    Attributes:
        device: where inputs go.
        pad_id: what stands before prompts that are shorter than others.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        knob: Knob,
        prompt: Prompt,
        *,
        token_id: int,
        stop_ids: Sequence[int],
        name: str,
    ) -> None:
        self._model, self._processor, self._knob = model, processor, knob
        self._prompt, self._token_id, self._name = prompt, token_id, name
        # Of a model in parts on several devices, some parameters may be elsewhere until needed.
        places = (parameter.device for parameter in model.parameters())
        self.device = next((place for place in places if place.type != "meta"), model.device)
        self._taken = frozenset(signature(model.forward).parameters)
        pad = prompt.tokenizer.pad_token_id
        self.pad_id = int(pad if pad is not None else (*stop_ids, 0)[0])

    @property
    def longest(self) -> float:
        """Tokens of the longest prompt that the model reads; infinity where it does not say."""
        limit = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        return math.inf if limit is None else limit

    def row(self, question: Question, images: Sequence[Seen], scales: Sequence[int]) -> PromptRow:
        """Return a question about images, seen under caps, as the model reads it.

        Raises:
            ValueError: if it cannot be written as a prompt, or is too long for the model.
        """
        row = self.written(question, images, scales)
        if len(row.ids) > self.longest:
            raise ValueError(
                f"the prompt of {len(row.ids)} tokens, {row.visual_tokens} of them visual, is too "
                f"long: {self._name} reads {self.longest:.0f}"
            )
        return row

    def written(
        self, question: Question, images: Sequence[Seen], scales: Sequence[int]
    ) -> PromptRow:
        """Return what ``row`` does, however long it is."""
        row = make_row(self._prompt, question, images, scales, self._token_id)
        if self._processor.return_mm_token_type_ids:
            # Models take positions from these kinds: 0 is text and 1 an image's.
            (kinds,) = self._processor.create_mm_token_type_ids([row.ids])
            if set(kinds) - {0, 1}:
                raise ValueError("a question must not hold the model's marks of a video or a sound")
        return row

    def inputs(self, rows: Sequence[PromptRow]) -> dict[str, Any]:
        """Return prompts as one batch, with their images encoded."""
        batch: dict[str, Any] = dict(
            pad_rows(rows, self._processor, self.pad_id, self.device, self._taken)
        )
        seen = [pair for row in rows for pair in zip(row.images, row.scales, strict=True)]
        if seen:
            batch["mm_encoder_outputs"] = {"image": merge([self.encode(*pair) for pair in seen])}
            batch |= _beside([each for each, _ in seen], self.device)
        return batch

    def encode(self, seen: Seen, scale: int) -> Any:
        """Return what the vision encoder gives for an image seen under a cap."""
        encoder = self._knob.encoder(self._model, scale)
        return encode(encoder, seen, device=self.device, dtype=self._model.dtype)


def _beside(seen: Sequence[Seen], device: torch.device) -> dict[str, Any]:
    """Return what positions are made from, beside the features: the grids of all images."""
    tensors = [each.tensors for each in seen]
    if "image_grid_thw" in tensors[0]:
        return {
            "image_grid_thw": torch.cat([each["image_grid_thw"] for each in tensors]).to(device)
        }
    if "downsample_mode" in tensors[0]:
        # One mode holds for a whole batch: a grid of patches merged by 2 x 2 has the places that
        # one of twice its sides has merged by 4 x 4.
        sizes = [each["target_sizes"] * _FINER[each["downsample_mode"]] for each in tensors]
        return {"target_sizes": torch.cat(sizes).to(device), "downsample_mode": "16x"}
    return {}


_FINER = {"16x": 1, "4x": 2}
