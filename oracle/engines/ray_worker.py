"""What runs in a worker of Ray: a model that is loaded once and measures block after block.

Nothing here imports Ray before a worker does.
"""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from budget.ladder import ScaleLadder
from oracle.run_folder.identity import code_version, weights_hash
from oracle.run_folder.isolate import Isolator, Outcome


class Typed(NamedTuple):
    """Stands for a model's weights.

    Attributes:
        dtype: their type; None if the model does not tell.
    """

    dtype: str | None


class RemoteModel(NamedTuple):
    """What a run must know of a model that only its workers hold.

    Attributes:
        name: of the model.
        ladder: its scales.
        device: where it runs; None if it does not tell.
        model: its weights, as far as the manifest asks.
    """

    name: str
    ladder: ScaleLadder
    device: str | None
    model: Typed


class Found(NamedTuple):
    """What a worker found where it runs.

    Attributes:
        host: its machine.
        version: of this code.
        weights: hash of the model's files, None if it has none.
        model: the model that it loaded.
    """

    host: str
    version: str
    weights: str | None
    model: RemoteModel


class Source(NamedTuple):
    """How a model comes about, on whatever machine.

    Attributes:
        load: returns the model.
        find: returns the folder of its files, or None.
    """

    load: Callable[[], Any]
    find: Callable[[], Path | None]

    def weights(self) -> str | None:
        """Return the hash of the files, None if there are none."""
        files = self.find()
        return None if files is None else weights_hash(files)


class Worker:
    """Holds a model; Ray makes it an actor."""

    def __init__(self) -> None:
        self._model: Any = None
        self._isolator: Isolator | None = None
        self._samples: Any = None
        self._said: list[str] = []

    def open(self, source: Source) -> Found:
        """Load the model and say what it is."""
        self._model = source.load()
        device = getattr(self._model, "device", None)
        dtype = getattr(getattr(self._model, "model", None), "dtype", None)
        known = RemoteModel(
            self._model.name,
            self._model.ladder,
            None if device is None else str(device),
            Typed(None if dtype is None else str(dtype)),
        )
        return Found(socket.gethostname(), code_version(), source.weights(), known)

    def run(self, recipe: Sequence[Any], rows: list[int]) -> tuple[list[Outcome], list[str]]:
        """Measure a block.

        Args:
            recipe: one reference to (samples, maker of the isolator), fetched the first time.
            rows: of the dataset.

        Returns:
            What came of each row, and lines for the user.
        """
        if self._isolator is None:
            import ray

            self._samples, isolate = ray.get(recipe[0])
            self._isolator = isolate(self._model, notify=self._said.append)
        outcomes = [each for some in self._isolator.outcomes(self._samples, rows) for each in some]
        said = list(self._said)
        self._said.clear()
        return outcomes, said
