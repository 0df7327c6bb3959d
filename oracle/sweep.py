"""Run a model at every scale over a dataset, encoding each image once."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oracle.batch import run_batch
from oracle.curves import Curves
from oracle.options import takes_options
from oracle.scoring import agreement, get_scorer, score_batch

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.types import MatryoshkaVLM

Progress = Callable[[int, int], None]

# Column of the curves and field of a ``RungResult``.
_FIELDS = {
    "answers": "answer",
    "confidence": "confidence",
    "flops": "flops",
    "seconds": "seconds",
    "num_visual_tokens": "num_visual_tokens",
    "prompt_tokens": "prompt_tokens",
}


def sweep(
    model: "MatryoshkaVLM",
    dataset: "Dataset",
    *,
    scorer: str = "exact",
    batch_size: int = 64,
    max_new_tokens: int = 8,
    progress: Progress | None = None,
) -> Curves:
    """Return score, answer and cost of every sample at every rung of the model's ladder.

    The cost of a rung is what a run at that rung alone would pay: the vision encoder counts in
    full at every rung although it runs once here. ``seconds`` is the measured time of the sample's
    batch divided by the batch's size, so it holds for this batch size on this machine; one sample
    is answered beforehand and thrown away, as warm-up. ``flops`` comes from ``model.cost`` with
    the text and generated tokens (stop token included) that each answer really had.

    Args:
        model: answers questions at every scale of its ladder.
        dataset: columns id, image, question, answers (not needed by the scorer ``agreement``),
            group (``"all"`` where it is missing), and options for scorers that take them.
        scorer: name of a scorer in ``oracle.scoring``, or ``module:function``.
        batch_size: samples that run together.
        max_new_tokens: longest answer, in tokens.
        progress: called with (answers done, answers in all) after each batch.

    Raises:
        ValueError: if the scorer is unknown, the dataset is empty or repeats an id.
    """
    score = get_scorer(scorer)
    check_dataset(dataset)
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    columns: dict[str, list[list[Any]]] = {name: [] for name in ("scores", *_FIELDS)}
    done, total = 0, len(dataset) * len(model.ladder)
    _warm_up(model, dataset[:1])
    wanted = ("image", "question", "answers") + ("options",) * takes_options(score)
    for batch in _batches(dataset, batch_size, wanted):
        results = run_batch(model, batch["image"], batch["question"], max_new_tokens=max_new_tokens)
        if score is agreement:
            batch["answers"] = [[rungs[-1].answer] for rungs in results]
        for name, field in _FIELDS.items():
            columns[name] += [[getattr(rung, field) for rung in rungs] for rungs in results]
        texts = zip(*([rung.answer for rung in rungs] for rungs in results), strict=True)
        per_rung = [score_batch(score, column, batch) for column in texts]
        columns["scores"] += [list(row) for row in zip(*per_rung, strict=True)]
        done += len(results) * len(model.ladder)
        if progress is not None:
            progress(done, total)
    named = dataset["group"][:] if "group" in dataset.column_names else [None] * len(dataset)
    groups = ["all" if group is None else group for group in named]
    return Curves(
        sample_ids=np.array(dataset["id"][:], dtype=np.str_),
        groups=np.array(groups, dtype=np.str_),
        scales=tuple(model.ladder),
        **{name: np.array(rows) for name, rows in columns.items()},
    )


def check_dataset(dataset: "Dataset") -> None:
    """Refuse, before anything runs, a dataset that has no rows or repeats an id.

    Raises:
        ValueError: says how many ids are repeated.
    """
    if not len(dataset):
        raise ValueError("cannot sweep a dataset without rows")
    ids = dataset["id"][:]
    if repeated := len(ids) - len(set(ids)):
        raise ValueError(f"ids of a dataset must be unique, {repeated} of {len(ids)} are repeated")


def _batches(
    dataset: "Dataset", size: int, wanted: Sequence[str]
) -> Iterator[dict[str, list[Any]]]:
    there = dataset.select_columns([name for name in wanted if name in dataset.column_names])
    for start in range(0, len(dataset), size):
        yield there[start : start + size]


def _warm_up(model: "MatryoshkaVLM", batch: dict[str, list[Any]]) -> None:
    model.answer(
        batch["image"], batch["question"], num_visual_tokens=model.ladder[0], max_new_tokens=1
    )
