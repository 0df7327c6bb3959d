"""Where the samples of a run are measured: in this process, or wherever an engine has workers."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from oracle.run_folder.blocks import Block
from oracle.run_folder.isolate import Isolator, Outcome

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.types import MatryoshkaVLM
    from oracle.question_stream import QuestionStream

Notify = Callable[[str], object]


class Engine(Protocol):
    """Measures blocks of rows; nothing inherits from this."""

    def outcomes(self, blocks: Iterable[Block]) -> Iterator[list[Outcome]]:
        """Yield what came of blocks, every row once, in any order.

        Args:
            blocks: asked for when there is a worker for the next one.
        """
        ...

    def rest(self) -> Iterator[list[Outcome]]:
        """Yield what is still on its way after ``outcomes`` was left early."""
        ...


class MakeIsolator(Protocol):
    """An ``Isolator`` but for what a worker brings along."""

    def __call__(self, model: Any, *, notify: Notify) -> Isolator:
        """Return the isolator of one worker."""
        ...


class Begin(Protocol):
    """Starts an engine once it is known what is to be run."""

    def __call__(
        self, model: Any, dataset: "Dataset | QuestionStream", isolate: MakeIsolator, notify: Notify
    ) -> Engine:
        """Return the engine.

        Args:
            model: what the run was described by.
            dataset: that the blocks are of.
            isolate: makes the isolator of each worker.
            notify: called with one line when something happened that a user should know.
        """
        ...


class Here:
    """Measures in this process, block after block.

    Args:
        isolator: measures one block.
    """

    def __init__(self, isolator: Isolator) -> None:
        self._isolator = isolator

    def outcomes(self, blocks: Iterable[Block]) -> Iterator[list[Outcome]]:
        """Yield what came of blocks, in their order."""
        for block in blocks:
            yield from self._isolator.outcomes(block.samples, block.rows)

    def rest(self) -> Iterator[list[Outcome]]:
        """Yield nothing: here nothing is on its way."""
        yield from ()


def here(
    model: "MatryoshkaVLM",
    dataset: "Dataset | QuestionStream",
    isolate: MakeIsolator,
    notify: Notify,
) -> Engine:
    """Measure in this process."""
    return Here(isolate(model, notify=notify))
