"""Run a model at every scale over a dataset, encoding each image once."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from budget.data_choice import ROW_NUMBERS
from oracle.answering import GREEDY, Answering
from oracle.curves import Curves
from oracle.measure import Measured, scored, to_curves
from oracle.samples import Samples
from oracle.scoring import get_scorer

if TYPE_CHECKING:
    from datasets import Dataset
    from PIL.Image import Image

    from budget.types import MatryoshkaVLM

Progress = Callable[[int, int], None]


def sweep(
    model: "MatryoshkaVLM",
    dataset: "Dataset",
    *,
    scorer: str = "exact",
    batch_size: int = 64,
    max_new_tokens: int = 8,
    how: Answering = GREEDY,
    progress: Progress | None = None,
) -> Curves:
    """Return score, answer and cost of every sample at every rung of the model's ladder.

    All is held in memory, and the first sample that fails ends it; a sweep that outlives both is
    ``oracle.run_folder.runner.sweep_to``.

    The cost of a rung is what a run at that rung alone would pay: the vision encoder counts in
    full at every rung although it runs once here. ``flops`` comes from ``model.cost`` with the text
    and generated tokens (stop token included) that each answer really had. ``seconds`` is those
    FLOPs at the speed of the sample's batch, which was measured, so it holds for this batch size on
    this machine; see ``oracle.batch``. One sample is answered beforehand and thrown away, as
    warm-up.

    Args:
        model: answers questions at every scale of its ladder.
        dataset: columns id, image, question, answers (not needed by the scorer ``agreement``),
            group (``"all"`` where it is missing), and options for scorers that take them.
        scorer: name of a scorer in ``oracle.scoring``, or ``module:function``.
        batch_size: samples that run together.
        max_new_tokens: longest answer, in tokens.
        how: the model is asked; by default for one greedy answer.
        progress: called with (answers done, answers in all) after each batch.

    Raises:
        ValueError: if the scorer is unknown, the dataset is empty or repeats an id, or the model or
            a sample cannot be asked like this.
    """
    how.check_model(model)
    score = get_scorer(scorer)
    check_dataset(dataset)
    check_sizes(batch_size=batch_size)
    samples, n, k = Samples(dataset), len(dataset), len(model.ladder)
    done: list[Measured] = []
    for start in range(0, n, batch_size):
        batch = [samples.sample(row) for row in range(start, min(start + batch_size, n))]
        for sample in batch:
            how.check_sample(sample)
        images = [samples.image(sample.row) for sample in batch]
        if not start:
            warm_up(model, images[0], batch[0].question)
        results = how.run(model, batch, images, max_new_tokens=max_new_tokens, score=score)
        done += [scored(score, *pair) for pair in zip(batch, results, strict=True)]
        if progress is not None:
            progress(len(done) * k, n * k)
    return to_curves(done, model.ladder)


def check_dataset(dataset: "Dataset") -> None:
    """Refuse, before anything runs, a dataset that has no rows or repeats an id.

    Raises:
        ValueError: says how many ids are repeated.
    """
    if not len(dataset):
        raise ValueError("cannot sweep a dataset without rows")
    ids = dataset["id"][:]  # of this column alone: no image is decoded
    if repeated := len(ids) - len(set(ids)):
        first = next(name for name, count in Counter(ids).items() if count > 1)
        raise ValueError(
            f"ids of a dataset must be unique, {repeated} of {len(ids)} are repeated, first "
            f"{str(first)!r:.80}; --id-column '{ROW_NUMBERS}' takes row numbers for ids"
        )


def check_sizes(**sizes: int) -> None:
    """Refuse a number of samples below 1.

    Raises:
        ValueError: names it.
    """
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def warm_up(model: "MatryoshkaVLM", image: "Image", question: str) -> None:
    """Answer one question at the cheapest rung and throw the answer away.

    A served model was asked when it was loaded.
    """
    if hasattr(model, "served"):
        return
    model.answer([image], [question], num_visual_tokens=model.ladder[0], max_new_tokens=1)
