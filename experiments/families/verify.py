"""Find out of a model what its entry in the table says."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from budget.errors import one_line
from budget.families.family import Family
from budget.families.processors import has_torchvision
from budget.families.runner import KnobRunner
from budget.llava import LlavaRunner
from budget.models import load_model
from experiments.families.checks import CHECKS, PICTURES, Case
from experiments.families.entry import SHAPES, Entry, shape_name

Builder = Callable[[Path], Path]


def describe(runner: Any, family: Family) -> Entry:
    """Return what is known of a loaded model without running it.

    Args:
        runner: a model as ``load_model`` gives it.
        family: that it is of.
    """
    realised = {
        shape_name(size): runner.realised(image)
        for size, image in zip(SHAPES, PICTURES, strict=True)
    }
    return Entry(
        family=family.name,
        model_types=family.model_types,
        knob=runner.knob.name,
        ladder=tuple(runner.ladder),
        realised=realised,
        why_not="not asked for",
        note=runner.knob.note,
    )


def verify_folder(folder: Path, family: Family) -> Entry:
    """Load a model and run every check on it.

    What fails does not end anything: the entry says it.
    """
    start = time.perf_counter()
    try:
        runner = load_model(folder)
        if not isinstance(runner, KnobRunner | LlavaRunner):
            raise TypeError(f"{family.name} is run by {type(runner).__name__}")
        entry = describe(runner, family)
    except Exception as error:  # whatever keeps a model from being loaded is what is to be told
        return _unknown(family, error)
    passed: list[str] = []
    for check in CHECKS:
        try:
            check(Case(runner, folder))
        except Exception as error:
            return replace(
                entry, checks=tuple(passed), why_not=f"{check.__name__}: {one_line(error)}"
            )
        passed.append(check.__name__)
    seconds = round(time.perf_counter() - start, 2)
    return replace(entry, verified=True, checks=tuple(passed), why_not="", seconds=seconds)


def verify_family(family: Family, build: Builder, real: Builder | None = None) -> Entry:
    """Build a tiny random model of a family, and run every check on it.

    Args:
        family: which.
        build: writes the tiny model.
        real: writes one that sees images as released checkpoints do, for ladder and costs.
    """
    with TemporaryDirectory() as folder:
        try:
            built = build(Path(folder))
        except Exception as error:
            return _unknown(family, error)
        entry = verify_folder(built, family)
    if real is None or not entry.ladder:
        return entry
    seen = describe_family(family, real)
    return replace(
        entry, ladder=seen.ladder, realised=seen.realised, tried_ladder=entry.ladder, note=seen.note
    )


def describe_family(family: Family, build: Builder) -> Entry:
    """Return what is known of a family without running it, from a model that is built for it."""
    with TemporaryDirectory() as folder:
        try:
            return describe(load_model(build(Path(folder))), family)
        except Exception as error:
            return _unknown(family, error)


def _unknown(family: Family, error: Exception) -> Entry:
    """Return the entry of a family of which no model can be loaded here."""
    missing = isinstance(error, ImportError) and not has_torchvision()
    why = "needs torchvision, which cannot be imported here" if missing else one_line(error)
    return Entry(family.name, family.model_types, "", why_not=why)
