"""Decoding through transformers' ``generate``, each row in its own way.

``generate`` prepares what every family needs (caches, positions, masks); the steps are ours, so
that rows are drawn, stopped, followed and cancelled as those of the other models are. Settings of
a checkpoint's own ``generation_config`` that change the model's distribution are not applied.
"""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from budget.draws import Draws
from budget.generation import Generated, Row, doubt
from budget.listening import Reader
from budget.sampling import Generation


@torch.inference_mode()
def decode(
    model: Any,
    batch: dict[str, Any],
    generations: Sequence[Generation],
    readers: Sequence[Reader],
    *,
    stop_ids: Collection[int],
    pad_id: int,
) -> list[Generated]:
    """Decode a batch of prompts; it runs until its last row is done.

    Args:
        model: a transformers model that generates.
        batch: what its ``forward`` takes, padded on the left.
        generations: how each prompt is decoded.
        readers: of each row's tokens.
        stop_ids: ids that end an answer.
        pad_id: what rows that are done are fed.

    Returns:
        One result per prompt, in order, as ``budget.generation.generate`` gives them.
    """
    steps = _Steps(generations, readers, stop_ids, pad_id)
    longest = max(each.max_new_tokens for each in generations)
    config = GenerationConfig(
        max_new_tokens=longest,
        min_new_tokens=0,
        do_sample=False,
        num_beams=1,
        num_return_sequences=1,
        use_cache=True,
        pad_token_id=pad_id,
        return_dict_in_generate=False,
    )
    model.generate(**batch, generation_config=config, custom_generate=steps.run)
    return steps.results()


class _Steps:
    """The answers of one batch in the making."""

    def __init__(
        self,
        generations: Sequence[Generation],
        readers: Sequence[Reader],
        stop_ids: Collection[int],
        pad_id: int,
    ) -> None:
        self.rows = [
            Row(each.max_new_tokens, stop_ids, reader)
            for each, reader in zip(generations, readers, strict=True)
        ]
        self.draws, self.pad_id = Draws(generations), pad_id
        self.unsure: list[tuple[float, float]] = []

    def run(
        self,
        model: Any,
        input_ids: torch.Tensor,
        logits_processor: Any = None,
        stopping_criteria: Any = None,
        generation_config: Any = None,
        **model_kwargs: Any,
    ) -> torch.Tensor:
        """Take the place of ``generate``'s own loop; see its argument ``custom_generate``."""
        outputs = model._prefill(input_ids, generation_config, model_kwargs)
        while True:
            model_kwargs = model._update_model_kwargs_for_generation(outputs, model_kwargs)
            tokens = self._step(outputs.logits[:, -1].float())
            if tokens is None:
                return input_ids
            new = torch.tensor(tokens, device=input_ids.device)[:, None]
            input_ids = torch.cat([input_ids, new], dim=1)
            inputs = model.prepare_inputs_for_generation(
                input_ids, next_sequence_length=1, **model_kwargs
            )
            outputs = model(**inputs, return_dict=True)

    def _step(self, logits: torch.Tensor) -> list[int] | None:
        """Give every open row its next token; return what is fed next, None if all are done."""
        log_probs = logits.log_softmax(dim=-1)
        if not self.unsure:
            self.unsure = list(zip(*doubt(logits), strict=True))
        scores, tokens = log_probs.max(dim=-1)
        going = [i for i, row in enumerate(self.rows) if not row.reason]
        # Rows that are done draw no more numbers.
        drawn = self.draws.draw(log_probs[going], going)
        if drawn is not None:
            places = [going[place] for place in drawn.places]
            tokens[places] = drawn.tokens
            scores = log_probs.gather(1, tokens[:, None])[:, 0]
        found = list(zip(tokens.tolist(), scores.tolist(), strict=True))
        on = [i for i in going if self.rows[i].goes_on(*found[i])]
        fed = [self.pad_id] * len(self.rows)
        for i in on:
            fed[i] = found[i][0]
        return fed if on else None

    def results(self) -> list[Generated]:
        """Return what was generated for every row."""
        return [
            Generated(tuple(row.ids), sum(row.scores) / len(row.scores), *first, row.reason)
            for row, first in zip(self.rows, self.unsure, strict=True)
        ]
