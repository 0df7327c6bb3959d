"""Which families an invocation of ``budget models`` is about, and their entries."""

from collections.abc import Callable, Sequence

from budget.errors import DataError
from budget.families.family import Family
from budget.families.registry import FAMILIES, family_of
from budget.json_files import read_json
from budget.models import find_model, load_model
from experiments.families.builders import BUILDERS, REAL_SIZES, UNTRIED
from experiments.families.entry import Entry
from experiments.families.verify import describe, describe_family, verify_family, verify_folder

Progress = Callable[[int, int], object]


def entries_of(
    model: str | None, names: Sequence[str], *, verify: bool, progress: Progress
) -> list[Entry]:
    """Return an entry for each family asked for, or the one of a given model.

    Args:
        model: a folder or hub id; None for the families.
        names: of families; none for all.
        verify: whether checks are run.
        progress: told how many of how many are done.

    Raises:
        DataError: if a name is not known, or given beside a model.
        ModelError: if there is no such model.
    """
    if model is not None:
        if names:
            raise DataError(f"give a model or --family, not both: {model!r} and {names[0]!r}")
        folder = find_model(model)
        family = family_of(read_json(folder / "config.json"))
        return [verify_folder(folder, family) if verify else describe(load_model(folder), family)]
    entries = []
    wanted = _named(names)
    for i, family in enumerate(wanted):
        entries.append(_entry(family, verify))
        progress(i + 1, len(wanted))
    return entries


def _entry(family: Family, verify: bool) -> Entry:
    build, real = BUILDERS.get(family.name), REAL_SIZES.get(family.name)
    if build is None:
        why = UNTRIED.get(family.name, "no tiny model is built of it")
        return Entry(family.name, family.model_types, "", why_not=why)
    if verify:
        return verify_family(family, build, real)
    return describe_family(family, real or build)


def _named(names: Sequence[str]) -> list[Family]:
    known = {family.name.lower(): family for family in FAMILIES}
    if unknown := [name for name in names if name.lower() not in known]:
        listed = ", ".join(family.name for family in FAMILIES)
        raise DataError(f"no family is called {unknown[0]!r}; known are {listed}")
    return [known[name.lower()] for name in names] or list(FAMILIES)
