"""From chats and seen images to the token ids of one prompt."""

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import torch

from budget.chat import Question
from budget.families.paligemma import PALIGEMMA
from budget.families.seen import Seen
from budget.prompt import Prompt


class PromptRow(NamedTuple):
    """One prompt.

    Attributes:
        ids: token ids, placeholders included.
        images: the images, in the order of their placeholders.
        scales: the cap that each of them was seen under.
    """

    ids: list[int]
    images: list[Seen]
    scales: list[int]

    @property
    def visual_tokens(self) -> int:
        """Placeholders of all images."""
        return sum(each.num_visual_tokens for each in self.images)


def make_row(
    prompt: Prompt,
    question: Question,
    images: Sequence[Seen],
    scales: Sequence[int],
    token_id: int,
) -> PromptRow:
    """Return a question about images as the model reads it.

    The text is tokenised as a whole, as transformers' processors do.

    Args:
        prompt: writes chats.
        question: a text or a chat.
        images: seen, in the chat's order.
        scales: the cap of each.
        token_id: of the placeholder.

    Raises:
        ValueError: if the chat has another number of images, the template refuses it, or the
            question holds the placeholder itself.
    """
    texts = prompt.render(question, len(images))
    pieces = [texts[0]]
    for place, (image, text) in enumerate(zip(images, texts[1:], strict=True)):
        pieces += [image.text_at(place), text]
    tokenizer = prompt.tokenizer
    start = tokenizer.bos_token
    special = not (start and pieces[0].startswith(start))
    ids: list[int] = tokenizer("".join(pieces), add_special_tokens=special).input_ids
    row = PromptRow(ids, list(images), list(scales))
    if (found := row.ids.count(token_id)) != row.visual_tokens:
        raise ValueError(
            f"a question must not hold the model's mark of an image "
            f"({tokenizer.convert_ids_to_tokens(token_id)!r}): {found} placeholders for "
            f"{row.visual_tokens} visual tokens"
        )
    return row


def pad_rows(
    rows: Sequence[PromptRow],
    processor: Any,
    pad_id: int,
    device: torch.device,
    taken: Container[str],
) -> dict[str, torch.Tensor]:
    """Return prompts as one batch, padded on the left, as a model's ``forward`` takes them.

    Args:
        rows: the prompts.
        processor: of the model.
        pad_id: what they are padded with.
        device: where the batch goes.
        taken: names of what ``forward`` takes. What the processor calls the kinds of tokens it
            does not tell: names of its inputs are its tokenizer's as well.
    """
    longest = max(len(row.ids) for row in rows)
    padded = [[pad_id] * (longest - len(row.ids)) + row.ids for row in rows]
    mask = [[0] * (longest - len(row.ids)) + [1] * len(row.ids) for row in rows]
    batch = {"input_ids": torch.tensor(padded), "attention_mask": torch.tensor(mask)}
    if processor.return_mm_token_type_ids:
        names = [name for name in ("mm_token_type_ids", "token_type_ids") if name in taken]
        for name in names[:1]:
            batch[name] = torch.tensor(processor.create_mm_token_type_ids(padded))
    elif type(processor).__name__ == PALIGEMMA:
        batch["token_type_ids"] = torch.zeros_like(batch["input_ids"])
    return {name: value.to(device) for name, value in batch.items()}
