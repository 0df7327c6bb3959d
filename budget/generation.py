"""Decoding over prompts of different lengths, each in its own way, with a key-value cache."""

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from transformers import DynamicCache

from budget.draws import Draws
from budget.sampling import Generation

if TYPE_CHECKING:
    from budget.kept_cache import KeptPrompts
    from budget.listening import Reader


class Generated(NamedTuple):
    """What decoding gave for one prompt.

    Attributes:
        token_ids: generated ids, with the stop token at the end if one came.
        confidence: mean log-probability of ``token_ids``; NaN without any.
        margin: probability of the first token less that of the next best.
        entropy: of the first token's distribution, in nats.
        finish_reason: "stop" (a stop token or text), "length" (the limit) or "cancelled".
    """

    token_ids: tuple[int, ...]
    confidence: float
    margin: float
    entropy: float
    finish_reason: str = "stop"


NOTHING = Generated((), math.nan, math.nan, math.nan, "cancelled")


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


def generate_greedily(
    language_model: Any,
    head: torch.nn.Module,
    prompts: Sequence[torch.Tensor],
    *,
    max_new_tokens: int,
    stop_ids: Collection[int] = (),
) -> list[Generated]:
    """Decode every prompt greedily until a stop token or ``max_new_tokens``; see :func:`generate`.

    Raises:
        ValueError: if ``max_new_tokens`` is not positive.
    """
    alike = [Generation(max_new_tokens=max_new_tokens)] * len(prompts)
    return generate(language_model, head, prompts, alike, stop_ids=stop_ids)


@torch.inference_mode()
def generate(
    language_model: Any,
    head: torch.nn.Module,
    prompts: Sequence[torch.Tensor],
    generations: Sequence[Generation],
    *,
    stop_ids: Collection[int] = (),
    readers: "Sequence[Reader] | None" = None,
    kept: "KeptPrompts | None" = None,
) -> list[Generated]:
    """Decode every prompt in its own way; finished and cancelled rows leave the batch.

    Args:
        language_model: a transformers decoder without its head.
        head: maps hidden states [b, d] to logits [b, vocabulary].
        prompts: embeddings of each prompt, shapes [t_i, d].
        generations: how each prompt is decoded. Stop texts are the readers' business.
        stop_ids: ids that end an answer; none decodes to the limit.
        readers: what reads each row's tokens; None reads nothing.
        kept: beginnings of the prompts that were read before; ``prompts`` are what follows them.

    Returns:
        One result per prompt, in order. Confidence, margin and entropy are of the model's own
        distribution, whatever the temperature.
    """
    rows = [
        Row(each.max_new_tokens, stop_ids, readers[i] if readers else None)
        for i, each in enumerate(generations)
    ]
    draws = Draws(generations)
    longest = max(row.limit for row in rows)
    decoding = _Decoding(language_model, head, prompts, longest, kept)
    unsure = doubt(decoding.logits())
    alive = list(range(len(prompts)))
    while True:
        tokens, log_probs = decoding.pick(draws, alive)
        keep = [
            place
            for place, (i, token, score) in enumerate(zip(alive, tokens, log_probs, strict=True))
            if rows[i].goes_on(token, score)
        ]
        if not keep:
            break
        if len(keep) < len(alive):
            decoding.keep(keep)
            alive = [alive[place] for place in keep]
        decoding.advance([tokens[place] for place in keep])
    return [
        Generated(tuple(row.ids), sum(row.scores) / len(row.scores), *first, row.reason)
        for row, first in zip(rows, zip(*unsure, strict=True), strict=True)
    ]


class Row:
    """One answer in the making: its tokens, their log-probabilities, and why it ended.

    Args:
        limit: tokens at most.
        stop_ids: ids that end it.
        reader: of its tokens; None reads nothing.
    """

    def __init__(self, limit: int, stop_ids: Collection[int], reader: "Reader | None") -> None:
        self.limit, self.stop_ids, self.reader = limit, stop_ids, reader
        self.ids: list[int] = []
        self.scores: list[float] = []
        self.reason = ""

    def goes_on(self, token: int, score: float) -> bool:
        """Take a token; return whether another one is wanted."""
        self.ids.append(token)
        self.scores.append(score)
        stopped = self.reader is not None and self.reader.take(token)
        if stopped or token in self.stop_ids:
            self.reason = "stop"
        elif len(self.ids) == self.limit:
            self.reason = "length"
        if self.reader is not None:
            self._tell(self.reader)
        return not self.reason

    def _tell(self, reader: "Reader") -> None:
        # The last tokens may hold a stop text that was not certain before.
        if self.reason and reader.end():
            self.reason = "stop"
        # Asked last: a listener that has just raised counts as one that went away.
        if reader.cancelled():
            self.reason = "cancelled"


class _Decoding:
    """The running state of one batch: cache, mask, positions and the last hidden states."""

    def __init__(
        self,
        language_model: Any,
        head: Any,
        prompts: Sequence[torch.Tensor],
        new_tokens: int,
        kept: "KeptPrompts | None" = None,
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

    def pick(self, draws: Draws, rows: list[int]) -> tuple[list[int], list[float]]:
        """Return the next token of every row, the most probable or drawn, and its log-probability.

        Args:
            draws: draws for the rows that are not greedy.
            rows: which rows of the first batch are left.
        """
        log_probs = self.logits().float().log_softmax(dim=-1)
        best, tokens = log_probs.max(dim=-1)
        drawn = draws.draw(log_probs, rows)
        if drawn is not None:
            tokens[drawn.places] = drawn.tokens
            best = log_probs.gather(1, tokens[:, None])[:, 0]
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
