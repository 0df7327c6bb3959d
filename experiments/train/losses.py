"""The losses: dense labels, and answers behind one visual prefix at one scale."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F

from experiments.train.examples import Packed

IGNORED = -100


def dense_loss(logits: torch.Tensor, labels: torch.Tensor, classes: Sequence[int]) -> torch.Tensor:
    """Return the mean over channels of the cross-entropy per patch.

    Args:
        logits: shape [b, patches, sum(classes)].
        labels: shape [b, channels, patches]; -100 is ignored.
        classes: classes of every channel.
    """
    losses = []
    for channel, part in enumerate(logits.split(list(classes), dim=-1)):
        target = labels[:, channel]
        total = F.cross_entropy(part.transpose(1, 2), target, ignore_index=IGNORED, reduction="sum")
        # A batch may hold no patch that a channel applies to: the mean over none is 0, not NaN.
        losses.append(total / (target >= 0).sum().clamp(min=1))
    return torch.stack(losses).mean()


@lru_cache(maxsize=64)
def packed_mask(prefix: int, questions: int, length: int) -> torch.Tensor:
    """Return the additive mask of questions that share a prefix and do not see each other.

    Returns:
        Shape [1, 1, t, t] with t = prefix + questions * length; 0 where a row may look.
    """
    total = prefix + questions * length
    which = torch.full((total,), -1)
    which[prefix:] = torch.arange(questions).repeat_interleave(length)
    same = (which[:, None] == which[None, :]) | (which[None, :] == -1)
    seen = same & torch.ones(total, total, dtype=torch.bool).tril()
    mask = torch.zeros(total, total).masked_fill(~seen, torch.finfo(torch.float32).min)
    return mask[None, None]


@lru_cache(maxsize=64)
def packed_positions(prefix: int, questions: int, length: int) -> torch.Tensor:
    """Return position ids in which every question begins right behind the prefix, shape [1, t]."""
    behind = torch.arange(prefix, prefix + length).repeat(questions)
    return torch.cat([torch.arange(prefix), behind])[None]


def answer_loss(
    model: Any, visual: torch.Tensor, before: torch.Tensor, packed: Packed
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the next-token loss of all answers behind one set of visual tokens.

    Args:
        model: a LLaVA-like transformers model (``model.model.language_model``, ``lm_head``).
        visual: visual tokens at one scale, shape [b, m, d].
        before: ids before the image, shape [p].
        packed: the questions.

    Returns:
        The loss, mean over tokens; and the share of answers whose every token is the argmax.
    """
    language = model.model.language_model
    embed = language.get_input_embeddings()
    batch = visual.shape[0]
    start = embed(before)[None].expand(batch, -1, -1)
    inputs = torch.cat([start, visual, embed(packed.ids)], dim=1)
    prefix = before.shape[0] + visual.shape[1]
    questions = packed.ids.shape[1] // packed.length
    hidden = language(
        inputs_embeds=inputs,
        attention_mask=packed_mask(prefix, questions, packed.length),
        position_ids=packed_positions(prefix, questions, packed.length),
        use_cache=False,
    ).last_hidden_state
    picked = hidden[packed.rows, packed.positions + prefix]
    logits = model.lm_head(picked).float()
    loss = F.cross_entropy(logits, packed.targets)
    right = (logits.argmax(-1) == packed.targets).float()
    return loss, _all_right(right, packed, batch * questions)


def _all_right(right: torch.Tensor, packed: Packed, count: int) -> torch.Tensor:
    """Return the share of questions with no wrong token."""
    questions = packed.ids.shape[1] // packed.length
    which = packed.rows * questions + packed.positions // packed.length
    wrong = torch.zeros(count).index_add_(0, which, 1 - right)
    return (wrong == 0).float().mean()
