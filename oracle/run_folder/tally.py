"""How many samples went well and which failed, and when that is too bad to go on."""

from collections.abc import Sequence
from pathlib import Path

from budget.errors import DataError
from oracle.run_folder.isolate import Outcome
from oracle.run_folder.parts import Failure

_SHARE = 0.05
_AT_LEAST = 10
_SHOWN = 3


class TooManyErrors(DataError):
    """A run was given up because it fails throughout; what was measured is kept."""


def default_limit(num_samples: int) -> int:
    """Return how many of so many samples may fail: 5 %, but at least 10.

    Example:
        >>> default_limit(40), default_limit(1000)
        (10, 50)
    """
    return max(_AT_LEAST, int(_SHARE * num_samples))


class Tally:
    """Counts what came of the samples of a run.

    Args:
        num_samples: of the dataset, ``None`` if that is unknown.
        num_good: measured before.
        failures: of before, unless they are tried again.
        max_errors: samples that may fail; by default those of ``default_limit``, and a run none of
            whose first 10 samples can be measured is given up too, however large the dataset is.
            Of unknown size, it counts as large as the number of samples done.

    Attributes:
        num_samples: of the dataset, ``None`` if that is unknown.
        num_good: samples measured.
        failures: samples that failed, by row.
    """

    def __init__(
        self,
        num_samples: int | None,
        *,
        num_good: int,
        failures: Sequence[Failure],
        max_errors: int | None = None,
    ) -> None:
        self.num_good = num_good
        self.failures = {failure.row: failure for failure in failures}
        self.num_samples = num_samples
        self._max_errors = max_errors

    @property
    def num_done(self) -> int:
        """Samples measured or failed."""
        return self.num_good + len(self.failures)

    @property
    def too_bad(self) -> bool:
        """Whether more samples failed than may."""
        if self._max_errors is not None:
            return len(self.failures) > self._max_errors
        if not self.num_good and len(self.failures) >= _AT_LEAST:
            return True
        size = self.num_done if self.num_samples is None else self.num_samples
        return len(self.failures) > default_limit(size)

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count what came of some samples."""
        bad = {each.row: each for each in outcomes if isinstance(each, Failure)}
        self.failures |= bad
        self.num_good += len(outcomes) - len(bad)

    def check(self, kept: str | Path) -> None:
        """Give up where it is too bad.

        Args:
            kept: where the results so far are.

        Raises:
            TooManyErrors: names the first few failures and says how to go on.
        """
        if self.too_bad:
            shown = list(self.failures.values())[:_SHOWN]
            first = "; ".join(f"{each.sample_id!r}: {each.error}" for each in shown)
            of = f"the first {self.num_done}" if self.num_samples is None else self.num_samples
            raise TooManyErrors(
                f"stopped: {len(self.failures)} of {of} samples failed, first "
                f"{first}. What was measured is kept in {kept}; run it again with --retry-errors "
                "once the cause is gone, or with a larger --max-errors to go on without them"
            )
