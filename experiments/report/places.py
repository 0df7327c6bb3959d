"""Where the runs of a report lie, and what they are called."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple, TypeVar

from budget.errors import DataError

T = TypeVar("T")


class RunPlace(NamedTuple):
    """One run and what belongs to it.

    Attributes:
        name: its label, unique in a report.
        curves: a run's folder, or a file of curves.
        data: the dataset it was measured on, if that is given.
        split: of the dataset.
        fit: curves that baselines learn from, if given.
        fit_split: of the dataset, for ``fit``.
    """

    name: str
    curves: Path
    data: str | None
    split: str
    fit: Path | None
    fit_split: str


def find_places(
    runs: Sequence[str],
    *,
    data: Sequence[str],
    split: Sequence[str],
    fit: Sequence[Path],
    fit_split: str,
) -> tuple[RunPlace, ...]:
    """Return where runs lie; data, splits and fit curves are given once for all or one a run.

    Args:
        runs: paths, or ``NAME=PATH``; a name is by default that of the folder or file.
        data: datasets.
        split: of the datasets; "test" where none is given.
        fit: curves that baselines learn from.
        fit_split: of the datasets, for ``fit``.

    Raises:
        DataError: if two runs have one name, or something is given for some runs only.
    """
    named = [_named(run) for run in runs]
    names = [name for name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"two runs are called {twice[0]!r}; give them names of their own: NAME=PATH"
        )
    num = len(runs)
    datasets = _each("--data", data, num)
    splits = _each("--split", split, num)
    fits = _each("--fit-curves", fit, num)
    return tuple(
        RunPlace(name, path, datasets[i], splits[i] or "test", fits[i], fit_split)
        for i, (name, path) in enumerate(named)
    )


def _named(run: str) -> tuple[str, Path]:
    path = Path(run)
    name, equals, rest = run.partition("=")
    if equals and name and rest and not path.exists():
        return name, Path(rest)
    return path.resolve().stem if path.is_file() else path.resolve().name, path


def _each(flag: str, given: Sequence[T], num: int) -> list[T | None]:
    if not given:
        return [None] * num
    if len(given) == 1:
        return [given[0]] * num
    if len(given) != num:
        raise DataError(
            f"{flag} is given once for all runs or once for each of the {num}, got {len(given)}"
        )
    return list(given)


def check_out(out: Path) -> None:
    """Refuse a place that cannot become a folder, before anything long begins.

    Raises:
        DataError: if it is a file or lies in one, or nothing can be written there.
    """
    for place in (out, *out.parents):
        if place.exists() and not place.is_dir():
            raise DataError(f"--out must be a folder, but {place} is a file")
    home = next(place for place in (out, *out.parents) if place.exists())
    try:
        with TemporaryFile(dir=home):
            pass
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise DataError(f"--out {out} cannot be written, as {home} says: {reason}") from problem
