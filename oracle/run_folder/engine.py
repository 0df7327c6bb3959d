"""Where the samples of a run are measured: in this process, or wherever an engine has workers."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from oracle.measure import Samples
from oracle.run_folder.isolate import Isolator, Outcome

if TYPE_CHECKING:
    from budget.types import MatryoshkaVLM

Notify = Callable[[str], object]


class Engine(Protocol):
    """Measures blocks of rows; nothing inherits from this."""

    def outcomes(self, blocks: Iterable[list[int]]) -> Iterator[list[Outcome]]:
        """Yield what came of blocks, every row once, in any order.

        Args:
            blocks: rows of the dataset that are run together; asked for when there is a worker
                for the next one.
        """
        ...

    def rest(self) -> Iterator[list[Outcome]]:
        """Yield what is still on its way after ``outcomes`` was left early."""
        ...


class MakeIsolator(Protocol):
    """An ``Isolator`` but for what a worker brings along."""

    def __call__(self, model: Any, samples: Samples, *, notify: Notify) -> Isolator:
        """Return the isolator of one worker."""
        ...


class Begin(Protocol):
    """Starts an engine once it is known what is to be run."""

    def __call__(
        self, model: Any, samples: Samples, isolate: MakeIsolator, notify: Notify
    ) -> Engine:
        """Return the engine.

        Args:
            model: what the run was described by.
            samples: reads the dataset.
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

    def outcomes(self, blocks: Iterable[list[int]]) -> Iterator[list[Outcome]]:
        """Yield what came of blocks, in their order."""
        for rows in blocks:
            yield from self._isolator.outcomes(rows)

    def rest(self) -> Iterator[list[Outcome]]:
        """Yield nothing: here nothing is on its way."""
        yield from ()


def here(model: "MatryoshkaVLM", samples: Samples, isolate: MakeIsolator, notify: Notify) -> Engine:
    """Measure in this process."""
    return Here(isolate(model, samples, notify=notify))
