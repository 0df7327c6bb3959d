"""What was measured so far and is not on the disk yet."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oracle.curves import to_table
from oracle.draw_scores import with_draw_scores
from oracle.image_splits import with_image_splits
from oracle.measure import Measured, to_curves
from oracle.run_folder.isolate import Outcome
from oracle.run_folder.parts import Failure, write_part


class PartWriter:
    """Collects outcomes and writes them as parts.

    Args:
        folder: of the run.
        scales: of the ladder.
        about: how the curves come about, written into every part.
        max_samples: of a part.
        max_seconds: that a part is held back, so that a kill costs no more than these.
    """

    def __init__(
        self,
        folder: Path,
        scales: Sequence[int],
        about: Mapping[str, Any],
        *,
        max_samples: int,
        max_seconds: float = 300.0,
    ) -> None:
        self._folder, self._scales, self._about = folder, tuple(scales), about
        self._max_samples, self._max_seconds = max_samples, max_seconds
        self._held: list[Outcome] = []
        self._since = time.monotonic()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Take what came of some samples."""
        self._held += outcomes

    def make_room(self, num_samples: int) -> None:
        """Write a part if so many samples more would not fit in it, or if it is old."""
        old = time.monotonic() - self._since >= self._max_seconds
        if old or len(self._held) + num_samples > self._max_samples:
            self.flush()

    def flush(self) -> None:
        """Write what is held, in the dataset's order.

        Raises:
            DiskFullError: if there is no room.
        """
        import pyarrow.parquet as pq

        if self._held:
            good = [each for each in self._held if isinstance(each, Measured)]
            bad = [each for each in self._held if isinstance(each, Failure)]
            good.sort(key=lambda each: each.sample.row)
            curves = to_curves(good, self._scales)
            rows = np.array([each.sample.row for each in good], dtype=np.int64)
            table = with_draw_scores(to_table(curves, self._about, rows), good)
            table = with_image_splits(table, good)
            write_part(self._folder, lambda file: pq.write_table(table, file), sorted(bad))
        self._held, self._since = [], time.monotonic()
