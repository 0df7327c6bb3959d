"""Ways to split a total of visual tokens over the pictures of a prompt, on the testbed.

Scale m stands for the total of m times the number of pictures. *uniform* gives all pictures m,
*policy* splits the total by a policy's scores (``Budget(total_visual_tokens=...)``), *meant* is
told which picture the question is about and gives it the largest scale that leaves the others the
smallest, *greedy* knows the right answers (``oracle.greedy_split``). The last two are references
that no policy can be held to: one knows what is hidden, the other also tries again and again.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.adaptive import AdaptiveVLM
from budget.bootstrap import Interval, mean_interval
from budget.budgets import Budget, BudgetPolicy
from oracle.answering import GREEDY, Answering
from oracle.greedy_split import GreedySplit
from oracle.scoring import exact
from oracle.sweeping import sweep

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.types import Answer, MatryoshkaVLM

FloatArray = NDArray[np.float64]
WAYS = ("uniform", "policy", "meant", "greedy")
Progress = Callable[[int, int], object]


class Measured(NamedTuple):
    """What a way reached.

    Attributes:
        scores: of n prompts at k totals, shape [n, k].
        tokens: visual tokens that they took, shape [n, k].
    """

    scores: FloatArray
    tokens: FloatArray


class Row(NamedTuple):
    """One way at one total.

    Attributes:
        way: of ``WAYS``.
        scale: visual tokens of each picture that the total stands for.
        accuracy: mean score in [0, 1].
        mean_tokens: visual tokens of a prompt.
        gain: accuracy over uniform's, score units.
        interval: of the gain, 95 %, prompts resampled.
    """

    way: str
    scale: int
    accuracy: float
    mean_tokens: float
    gain: float
    interval: Interval


def measure(
    model: "MatryoshkaVLM",
    policy: BudgetPolicy,
    prompts: "Dataset",
    *,
    max_new_tokens: int = 4,
    batch_size: int = 32,
    progress: Progress = lambda done, total: None,
) -> dict[str, Measured]:
    """Answer prompts in every way at every total.

    Args:
        model: answers.
        policy: splits.
        prompts: what ``load_several`` returns.
        max_new_tokens: longest answer, in tokens.
        batch_size: prompts that run together.
        progress: told how many prompts of how many are done.
    """
    ways: tuple[tuple[str, Answering], ...] = (("uniform", GREEDY), ("greedy", GreedySplit()))
    parts: dict[str, list[Measured]] = {way: [] for way in WAYS}
    for start in range(0, len(prompts), batch_size):
        rows = prompts.select(range(start, min(start + batch_size, len(prompts))))
        for way, how in ways:
            curves = sweep(
                model, rows, how=how, batch_size=batch_size, max_new_tokens=max_new_tokens
            )
            parts[way].append(Measured(curves.scores, curves.num_visual_tokens.astype(np.float64)))
        asked = rows[:]
        parts["policy"].append(_by_policy(model, policy, asked, max_new_tokens))
        parts["meant"].append(_by_meant(model, asked, max_new_tokens))
        progress(start + len(rows), len(prompts))
    return {
        way: Measured(*(np.concatenate(column) for column in zip(*found, strict=True)))
        for way, found in parts.items()
    }


def rows_of(
    measured: Mapping[str, Measured], scales: tuple[int, ...], rng: np.random.Generator
) -> list[Row]:
    """Return one row a way and total, gains paired by prompt."""
    uniform = measured["uniform"].scores
    return [
        Row(
            way,
            m,
            float(own.scores[:, k].mean()),
            float(own.tokens[:, k].mean()),
            float((own.scores - uniform)[:, k].mean()),
            mean_interval((own.scores - uniform)[:, k], rng),
        )
        for way, own in measured.items()
        for k, m in enumerate(scales)
    ]


def focused(num_images: int, asked: int, total: int, scales: tuple[int, ...]) -> list[int]:
    """Return the scales that give one picture the most and the others the least.

    Example:
        >>> focused(3, 1, 27, (1, 4, 9, 36))
        [1, 9, 1]
    """
    left = total - (num_images - 1) * scales[0]
    most = max(m for m in scales if m <= left)
    return [most if i == asked else scales[0] for i in range(num_images)]


def _by_policy(
    model: "MatryoshkaVLM", policy: BudgetPolicy, asked: Mapping[str, Any], max_new_tokens: int
) -> Measured:
    vlm = AdaptiveVLM(model, policy)
    found = []
    for m in model.ladder:
        totals = [Budget(total_visual_tokens=m * len(images)) for images in asked["image"]]
        found.append(
            vlm.answer(
                asked["image"], asked["question"], budget=totals, max_new_tokens=max_new_tokens
            )
        )
    return _judged(found, asked["answers"])


def _by_meant(model: "MatryoshkaVLM", asked: Mapping[str, Any], max_new_tokens: int) -> Measured:
    scales = tuple(model.ladder)
    found = []
    for m in scales:
        wanted = [
            focused(len(images), place, m * len(images), scales)
            for images, place in zip(asked["image"], asked["asked"], strict=True)
        ]
        found.append(
            model.answer(
                asked["image"],
                asked["question"],
                num_visual_tokens=wanted,
                max_new_tokens=max_new_tokens,
            )
        )
    return _judged(found, asked["answers"])


def _judged(found: "list[list[Answer]] | list[Any]", right: list[list[str]]) -> Measured:
    """Return scores and tokens of answers, which come as one list for each total."""
    scores = [
        [exact(a.text, own) for a, own in zip(answers, right, strict=True)] for answers in found
    ]
    tokens = [[float(a.num_visual_tokens) for a in answers] for answers in found]
    return Measured(np.array(scores).T, np.array(tokens).T)
