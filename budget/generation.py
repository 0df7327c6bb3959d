"""Greedy decoding over prompts of different lengths, with a key-value cache."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from transformers import DynamicCache

if TYPE_CHECKING:
    from budget.kept_cache import KeptPrompts


class Generated(NamedTuple):
    """What greedy decoding gave for one prompt.

    Attributes:
        token_ids: generated ids, with the stop token at the end if one came.
        confidence: mean log-probability of ``token_ids``.
        margin: probability of the first token less that of the next best.
        entropy: of the first token's distribution, in nats.
    """

    token_ids: tuple[int, ...]
    confidence: float
    margin: float
    entropy: float


class Doubt(NamedTuple):
    """How sure a model is of a next token.

    Attributes:
        margins: probability of the best token less that of the next best, length b.
        entropies: of the whole distribution, in nats, length b.
    """

    margins: list[float]
    entropies: list[float]


def doubt(logits: torch.Tensor) -> Doubt:
    """Return margin and entropy of next tokens from logits with shape [b, vocabulary]."""
    log_probs = logits.float().log_softmax(dim=-1)
    probs = log_probs.exp()
    best, second = probs.topk(2, dim=-1).values.unbind(-1)
    entropies = torch.special.entr(probs).sum(-1)
    return Doubt((best - second).tolist(), entropies.tolist())


class PaddedPrompts(NamedTuple):
    """Prompts of different lengths, padded on the left.

    Attributes:
        embeds: embeddings with shape [b, t, d].
        mask: 1 where a prompt is, shape [b, t]; None if no prompt is padded.
        positions: position ids with shape [b, t].
    """

    embeds: torch.Tensor
    mask: torch.Tensor | None
    positions: torch.Tensor


def pad_left(prompts: Sequence[torch.Tensor]) -> PaddedPrompts:
    """Stack prompts with shapes [t_i, d] into one batch, padded on the left."""
    lengths = torch.tensor([len(p) for p in prompts], device=prompts[0].device)
    longest = int(lengths.max())
    columns = torch.arange(longest, device=lengths.device)
    positions = columns - (longest - lengths)[:, None]
    if int(lengths.min()) == longest:
        return PaddedPrompts(torch.stack(list(prompts)), None, positions)
    embeds = prompts[0].new_zeros(len(prompts), longest, prompts[0].shape[1])
    for row, prompt in zip(embeds, prompts, strict=True):
        row[longest - len(prompt) :] = prompt
    return PaddedPrompts(embeds, (positions >= 0).long(), positions.clamp(min=0))


@torch.inference_mode()
def generate_greedily(
    language_model: Any,
    head: torch.nn.Module,
    prompts: Sequence[torch.Tensor],
    *,
    max_new_tokens: int,
    stop_ids: Collection[int] = (),
    kept: "KeptPrompts | None" = None,
) -> list[Generated]:
    """Decode every prompt greedily until a stop token or ``max_new_tokens``.

    Args:
        language_model: a transformers decoder without its head.
        head: maps hidden states [b, d] to logits [b, vocabulary].
        prompts: embeddings of each prompt, shapes [t_i, d].
        max_new_tokens: tokens generated at most per prompt, the stop token included.
        stop_ids: ids that end an answer; none decodes to the limit.
        kept: beginnings of the prompts that were read before; ``prompts`` are what follows them.

    Returns:
        One result per prompt, in order.

    Raises:
        ValueError: if ``max_new_tokens`` is not positive.
    """
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    decoding = _Decoding(language_model, head, prompts, max_new_tokens, kept)
    ids: list[list[int]] = [[] for _ in prompts]
    scores: list[list[float]] = [[] for _ in prompts]
    alive = list(range(len(prompts)))
    unsure = doubt(decoding.logits())
    for step in range(max_new_tokens):
        tokens, log_probs = decoding.pick()
        keep = []
        for row, (i, token, score) in enumerate(zip(alive, tokens, log_probs, strict=True)):
            ids[i].append(token)
            scores[i].append(score)
            if token not in stop_ids:
                keep.append(row)
        if not keep or step + 1 == max_new_tokens:
            break
        if len(keep) < len(alive):
            decoding.keep(keep)
            alive = [alive[row] for row in keep]
        decoding.advance([tokens[row] for row in keep])
    return [
        Generated(tuple(i), sum(s) / len(s), margin, entropy)
        for i, s, margin, entropy in zip(ids, scores, *unsure, strict=True)
    ]


class _Decoding:
    """The running state of one batch: cache, mask, positions and the last hidden states."""

    def __init__(
        self,
        language_model: Any,
        head: Any,
        prompts: Sequence[torch.Tensor],
        new_tokens: int,
        kept: "KeptPrompts | None",
    ) -> None:
        self.language_model, self.head = language_model, head
        self.embed = language_model.get_input_embeddings()
        self.cache = DynamicCache(config=language_model.config)
        padded = pad_left(prompts)
        self.length = padded.embeds.shape[1]
        if kept is not None:
            padded = kept.begin(self.cache, padded)
            self.length += kept.columns
        self.next_position = padded.positions[:, -1:] + 1
        self.mask = padded.mask
        if padded.mask is not None:
            self.mask = torch.nn.functional.pad(padded.mask, (0, new_tokens), value=1)
        self.hidden = self._run(padded.embeds, padded.positions)
        if kept is not None:
            kept.end(self.cache, [len(prompt) for prompt in prompts])

    def _run(self, embeds: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        mask = None if self.mask is None else self.mask[:, : self.length]
        states = self.language_model(
            inputs_embeds=embeds,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
        ).last_hidden_state
        last: torch.Tensor = states[:, -1]
        return last

    def logits(self) -> torch.Tensor:
        """Return the next token's logits of every row, shape [b, vocabulary]."""
        logits: torch.Tensor = self.head(self.hidden)
        return logits

    def pick(self) -> tuple[list[int], list[float]]:
        """Return the most probable next token of every row and its log-probability."""
        best, tokens = self.logits().float().log_softmax(dim=-1).max(dim=-1)
        return tokens.tolist(), best.tolist()

    def keep(self, rows: list[int]) -> None:
        """Drop the rows that are finished."""
        # On the CPU an index serves layers on any device.
        index = torch.tensor(rows)
        self.cache.batch_select_indices(index)
        self.next_position = self.next_position[index]
        if self.mask is not None:
            self.mask = self.mask[index]

    def advance(self, tokens: list[int]) -> None:
        """Run the language model over one new token per row."""
        ids = torch.tensor(tokens, device=self.hidden.device)[:, None]
        self.length += 1
        self.hidden = self._run(self.embed(ids), self.next_position)
        self.next_position = self.next_position + 1
