"""What one step up takes with a kept cache, and without: the same samples, both ways by turns."""

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from experiments.escalate.ways import Questions

if TYPE_CHECKING:
    from budget.llava import LlavaRunner


class Step(NamedTuple):
    """One step up, from an answer to the next.

    Attributes:
        tokens_from: visual tokens of the answer before.
        tokens_to: visual tokens of the answer that was timed.
        kept_ms: median milliseconds per sample with a kept cache.
        anew_ms: with the encoder's features alone.
        kept_flops: mean FLOPs per sample with a kept cache.
        anew_flops: with the features alone.
        same_answers: share of samples answered alike both ways.
    """

    tokens_from: int
    tokens_to: int
    kept_ms: float
    anew_ms: float
    kept_flops: float
    anew_flops: float
    same_answers: float


def time_steps(
    model: "LlavaRunner",
    asked: Questions,
    steps: Sequence[tuple[int, int]],
    *,
    rounds: int,
    max_new_tokens: int,
) -> list[Step]:
    """Time steps up of one batch.

    Args:
        model: a nested one.
        asked: the samples of the batch.
        steps: from how many visual tokens to how many.
        rounds: measurements of each, both ways by turns.
        max_new_tokens: longest answer, in tokens.
    """
    features, rows = model.encode(asked.images), range(len(asked.questions))
    found = []
    for low, high in steps:
        taken: dict[bool, list[float]] = {True: [], False: []}
        flops, texts = {}, {}
        for _ in range(rounds):
            for keep in (True, False):
                session = model.session(asked.images, asked.questions, features=features, keep=keep)
                session.answer(rows, low, max_new_tokens=max_new_tokens)
                before, start = sum(session.spent), time.perf_counter()
                answers = session.answer(rows, high, max_new_tokens=max_new_tokens)
                taken[keep].append(1e3 * (time.perf_counter() - start) / len(rows))
                flops[keep] = (sum(session.spent) - before) / len(rows)
                texts[keep] = [answer.token_ids for answer in answers]
        same = sum(a == b for a, b in zip(texts[True], texts[False], strict=True))
        medians = {keep: statistics.median(own) for keep, own in taken.items()}
        found.append(
            Step(
                low,
                high,
                medians[True],
                medians[False],
                flops[True],
                flops[False],
                same / len(rows),
            )
        )
    return found
