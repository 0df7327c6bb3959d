"""One bad sample costs itself alone: a batch that fails is halved until the culprit is found."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.errors import ModelLost
from oracle.answering import Answering
from oracle.batch import RungResult
from oracle.measure import Measured, scored
from oracle.run_folder.out_of_memory import is_out_of_memory, release_memory
from oracle.run_folder.parts import Failure
from oracle.samples import Sample, Samples
from oracle.scoring import Scorer
from oracle.sweeping import warm_up

if TYPE_CHECKING:
    from budget.types import MatryoshkaVLM

Outcome = Measured | Failure
_LONGEST = 500  # characters of an error that are kept


class _Ready(NamedTuple):
    """A sample whose image could be read."""

    sample: Sample
    image: Any


class _Trouble(NamedTuple):
    """Why a batch failed; the exception itself would keep the batch's tensors alive."""

    error: str
    out_of_memory: bool


class Isolator:
    """Measures samples in batches; whatever fails becomes a ``Failure`` of that sample alone.

    A batch that runs out of memory is halved, and later ones stay at the size that fitted, unless
    it was a sample that does not fit alone either.

    Args:
        model: see ``oracle.sweeping``, like the arguments not named here.
        score: what ``get_scorer`` returns.
        batch_size: samples that run together at most.
        max_new_tokens: longest answer, in tokens.
        how: the model is asked.
        notify: called with one line when batches have become smaller.

    Raises:
        ValueError: if the model cannot be asked like this.
    """

    def __init__(
        self,
        model: "MatryoshkaVLM",
        score: Scorer,
        *,
        batch_size: int,
        max_new_tokens: int,
        how: Answering,
        notify: Callable[[str], object],
    ) -> None:
        how.check_model(model)
        self.largest = batch_size
        self._model, self._score = model, score
        self._max_new_tokens, self._how, self._notify = max_new_tokens, how, notify
        self._warm = False
        self._tells_confidence = getattr(model, "tells_confidence", True)

    def outcomes(self, samples: Samples, rows: Sequence[int]) -> Iterator[list[Outcome]]:
        """Yield what came of some rows of the dataset, every row once, a batch at a time."""
        before = self.largest
        ready: list[_Ready] = []
        for row in rows:
            opened = self._open(samples, row)
            if isinstance(opened, _Ready):
                ready.append(opened)
            else:
                yield [opened]
        yield from self._attempt(ready, before)
        if self.largest < before:
            self._notify(
                f"memory ran out with {before} samples at once; going on with {self.largest}"
            )

    def _open(self, samples: Samples, row: int) -> _Ready | Failure:
        try:
            sample = samples.sample(row)
            self._how.check_sample(sample)
            return _Ready(sample, samples.image(row))
        except Exception as problem:  # whatever a decoder, a disk or a network says
            return Failure(row, samples.sample_id(row), _named(problem))

    def _attempt(self, batch: Sequence[_Ready], before: int) -> Iterator[list[Outcome]]:
        """Run a batch, or its halves if it is too large or fails.

        Args:
            batch: may be empty.
            before: largest batch when this began, to go back to where one sample is to blame.
        """
        if 0 < len(batch) <= self.largest:
            ran = self._run(batch)
            if not isinstance(ran, _Trouble):
                yield [self._judge(each.sample, own) for each, own in zip(batch, ran, strict=True)]
                return
            if ran.out_of_memory:
                release_memory()
                self.largest = before if len(batch) == 1 else len(batch) // 2
            if len(batch) == 1:
                yield [Failure(batch[0].sample.row, batch[0].sample.sample_id, ran.error)]
                return
        if batch:
            yield from self._attempt(batch[: len(batch) // 2], before)
            yield from self._attempt(batch[len(batch) // 2 :], before)

    def _run(self, batch: Sequence[_Ready]) -> list[list[RungResult]] | _Trouble:
        try:
            if not self._warm:
                warm_up(self._model, batch[0].image, batch[0].sample.question)
                self._warm = True
            return self._how.run(
                self._model,
                [each.sample for each in batch],
                [each.image for each in batch],
                max_new_tokens=self._max_new_tokens,
                score=self._score,
            )
        except ModelLost:  # which no sample is to blame for
            raise
        except Exception as problem:  # whatever a model says to a sample that it cannot take
            return _Trouble(_named(problem), is_out_of_memory(problem))

    def _judge(self, sample: Sample, rungs: list[RungResult]) -> Outcome:
        """Return a sample with its scores, or why it has none."""
        try:
            odd = [rung.confidence for rung in rungs if not math.isfinite(rung.confidence)]
            if odd and self._tells_confidence:
                raise ValueError(f"confidence of an answer must be finite, got {odd[0]}")
            return scored(self._score, sample, rungs)
        except Exception as problem:  # whatever a scorer says to an answer
            return Failure(sample.row, sample.sample_id, _named(problem))


def _named(problem: Exception) -> str:
    """Return kind and message in one line."""
    said = " ".join(str(problem).split())
    kind = type(problem).__name__
    return f"{kind}: {said}"[:_LONGEST] if said else kind
