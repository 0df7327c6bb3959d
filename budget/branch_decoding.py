"""What comes behind each branch of a batch: greedy answers, random ones, or given choices.

All branches of all samples go on together, a token each at every step.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch

from budget.branches import Branches, run_masked
from budget.generation import Generated, doubt


class Rollouts(NamedTuple):
    """How answers are drawn instead of taking the most probable token.

    Attributes:
        number: answers per branch.
        temperature: what logits are divided by, above 0.
        draws: numbers in [0, 1), one per sample, step, branch and answer, shape
            [b, steps, k, number]: given from outside, so that a sample's answers do not depend on
            the batch that it is in.
    """

    number: int
    temperature: float
    draws: torch.Tensor


def decode(
    branches: Branches,
    head: torch.nn.Module,
    *,
    max_new_tokens: int,
    stop_ids: Collection[int] = (),
    rollouts: Rollouts | None = None,
) -> list[list[list[Generated]]]:
    """Generate behind every branch until a stop token or ``max_new_tokens``.

    Args:
        branches: what was read; its cache is added to and loses the rows that are finished.
        head: maps hidden states [..., d] to logits [..., vocabulary].
        max_new_tokens: tokens generated at most, the stop token included.
        stop_ids: ids that end an answer.
        rollouts: how to draw answers; None decodes greedily, once.

    Returns:
        Per sample, per branch, one result or as many as ``rollouts`` says. Confidence, margin and
        entropy are of the model's own distribution, whatever the temperature.

    Raises:
        ValueError: if ``max_new_tokens`` is below 1.
    """
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    each = 1 if rollouts is None else rollouts.number
    leaves = _Leaves(branches, each, stop_ids)
    logits = head(branches.last_hidden()).float()
    flat = doubt(logits.flatten(0, 1))
    leaves.take(logits.repeat_interleave(each, dim=1), _drawn(rollouts, 0))
    for step in range(1, max_new_tokens):
        if not leaves.go_on():
            break
        leaves.take(head(leaves.read()).float(), _drawn(rollouts, step))
    k = len(branches.seen)
    results = []
    for i, (ids, scores) in enumerate(zip(leaves.ids, leaves.scores, strict=True)):
        results.append(
            [
                [
                    Generated(
                        tuple(ids[leaf]),
                        sum(scores[leaf]) / len(scores[leaf]),
                        flat.margins[i * k + branch],
                        flat.entropies[i * k + branch],
                        "stop" if ids[leaf][-1] in stop_ids else "length",
                    )
                    for leaf in range(branch * each, (branch + 1) * each)
                ]
                for branch in range(k)
            ]
        )
    return results


def _drawn(rollouts: Rollouts | None, step: int) -> tuple[float, torch.Tensor] | None:
    """Return temperature and numbers of one step, shape [b, leaves]."""
    if rollouts is None:
        return None
    return rollouts.temperature, rollouts.draws[:, step].flatten(1)


class _Leaves:
    """Answers in the making: which go on, and what each of them sees.

    Samples of which every answer is finished leave the batch; of the others only as many answers
    are run as the sample with most unfinished ones has.
    """

    def __init__(self, branches: Branches, each: int, stop_ids: Collection[int]) -> None:
        self.model, self.cache = branches.language_model, branches.cache
        self.embed = self.model.get_input_embeddings()
        self.stop_ids = torch.tensor(list(stop_ids), device=branches.device)
        self.visible = branches.visible().repeat_interleave(each, dim=1)
        self.positions = branches.positions.repeat_interleave(each, dim=1)
        b, count = self.positions.shape
        self.ids: list[list[list[int]]] = [[[] for _ in range(count)] for _ in range(b)]
        self.scores: list[list[list[float]]] = [[[] for _ in range(count)] for _ in range(b)]
        self.rows = list(range(b))
        self.running = torch.arange(count, device=branches.device).expand(b, count)
        self.finished = torch.zeros(b, count, dtype=torch.bool, device=branches.device)
        self.tokens = torch.zeros(b, count, dtype=torch.long, device=branches.device)

    def take(self, logits: torch.Tensor, drawn: tuple[float, torch.Tensor] | None) -> None:
        """Add a token to every running answer, from logits with shape [b, running, vocabulary]."""
        log_probs = logits.log_softmax(dim=-1)
        if drawn is None:
            tokens = log_probs.argmax(dim=-1)
        else:
            temperature, numbers = drawn
            sums = (logits / temperature).softmax(dim=-1).cumsum(dim=-1)
            own = numbers[self.rows].to(sums).gather(1, self.running)[..., None]
            # The last sum is 1 but for rounding; a number beyond it means the last token.
            tokens = torch.searchsorted(sums, own * sums[..., -1:], right=True)[..., 0]
            tokens = tokens.clamp(max=logits.shape[-1] - 1)
        chosen = log_probs.gather(-1, tokens[..., None])[..., 0]
        before = self.finished.gather(1, self.running).tolist()
        for i, leaves, done, new, scores in zip(
            self.rows,
            self.running.tolist(),
            before,
            tokens.tolist(),
            chosen.tolist(),
            strict=True,
        ):
            for leaf, stopped, token, score in zip(leaves, done, new, scores, strict=True):
                if not stopped:
                    self.ids[i][leaf].append(token)
                    self.scores[i][leaf].append(score)
        ended = torch.isin(tokens, self.stop_ids) | self.finished.gather(1, self.running)
        self.finished = self.finished.scatter(1, self.running, ended)
        self.tokens = self.tokens.scatter(1, self.running, tokens)

    def go_on(self) -> bool:
        """Drop finished samples and answers; return whether any is left."""
        keep = (~self.finished).any(dim=1)
        if not keep.any():
            return False
        if not keep.all():
            rows = keep.nonzero()[:, 0]
            self.cache.keep(rows)
            self.rows = [self.rows[row] for row in rows.tolist()]
            for name in ("visible", "positions", "finished", "tokens"):
                setattr(self, name, getattr(self, name)[rows])
        width = int((~self.finished).sum(dim=1).max())
        # Unfinished ones first; a sample with fewer of them runs finished ones along, in vain.
        self.running = self.finished.byte().argsort(dim=1, stable=True)[:, :width]
        return True

    def read(self) -> torch.Tensor:
        """Run the running answers' last tokens; return hidden states, shape [b, running, d]."""
        b, width = self.running.shape
        new = self.visible.new_zeros(b, self.visible.shape[1], width)
        new.scatter_(1, self.running[:, None], True)
        self.visible = torch.cat([self.visible, new], dim=-1)
        columns = self.visible.shape[-1]
        mask = self.visible.gather(1, self.running[..., None].expand(b, width, columns))
        hidden = run_masked(
            self.model,
            self.cache,
            self.embed(self.tokens.gather(1, self.running)),
            self.positions.gather(1, self.running),
            mask,
        )
        self.positions = self.positions.scatter_add(1, self.running, torch.ones_like(self.running))
        return hidden


def score_choices(
    branches: Branches, head: torch.nn.Module, choices: Sequence[Sequence[Sequence[int]]]
) -> list[torch.Tensor]:
    """Return the log-likelihood of given continuations behind every branch.

    Args:
        branches: what was read; its cache is added to.
        head: maps hidden states [..., d] to logits [..., vocabulary].
        choices: per sample, the ids of each choice, at least one of each.

    Returns:
        Per sample, sums of log-probabilities, shape [k, choices of the sample].

    Raises:
        ValueError: if a choice has no ids.
    """
    if any(not ids for sample in choices for ids in sample):
        raise ValueError("every choice needs at least one token")
    firsts = head(branches.last_hidden()).float().log_softmax(dim=-1)
    found = [
        row[:, [ids[0] for ids in sample]].clone()
        for row, sample in zip(firsts, choices, strict=True)
    ]
    most = max(len(sample) for sample in choices)
    longest = max(len(ids) for sample in choices for ids in sample) - 1
    if not longest:
        return found
    b, k = branches.positions.shape
    # Every choice's tokens but its last, padded on the right, behind every branch.
    ids = torch.zeros(b, most, longest, dtype=torch.long)
    for row, sample in zip(ids, choices, strict=True):
        for line, own in zip(row, sample, strict=False):
            line[: len(own) - 1] = torch.tensor(own[:-1], dtype=torch.long)
    ids = ids.to(branches.device)[:, None].expand(b, k, most, longest)
    embeds = branches.language_model.get_input_embeddings()(ids).flatten(1, 3)
    steps = torch.arange(longest, device=branches.device)
    positions = branches.positions[:, :, None, None] + steps.expand(most, longest)
    before = branches.visible().repeat_interleave(most * longest, dim=1)
    own = torch.block_diag(
        *[torch.ones(longest, longest, device=branches.device).tril()] * (k * most)
    ).bool()
    mask = torch.cat([before, own.expand(b, *own.shape)], dim=-1)
    hidden = run_masked(branches.language_model, branches.cache, embeds, positions.flatten(1), mask)
    log_probs = head(hidden).float().log_softmax(dim=-1).unflatten(1, (k, most, longest))
    for row, sums, sample in zip(log_probs, found, choices, strict=True):
        for c, own_ids in enumerate(sample):
            for step, token in enumerate(own_ids[1:]):
                sums[:, c] += row[:, c, step, token]
    return found
