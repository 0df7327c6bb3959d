"""What a report says, run by run, in the order in which an analyst asks."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.report.need import need_section
from experiments.report.runs import Run
from experiments.report.section import Section

class Settings(NamedTuple):
    """What a user may change about a report.

    Attributes:
        resamples: of every bootstrap.
        seed: of everything that is drawn.
        tolerance: score in [0, 1] that may be lost against the best scale.
        examples: samples shown for each minimal scale.
        dollars_per_million_tokens: price of visual tokens; None is unknown.
        dollars_per_hour: price of the machine; None is unknown.
    """

    resamples: int = 1000
    seed: int = 0
    tolerance: float = 0.01
    examples: int = 6
    dollars_per_million_tokens: float | None = None
    dollars_per_hour: float | None = None


class Chapter(NamedTuple):
    """What is said of one run, or of all of them.

    Attributes:
        title: the run's name; empty where the report has one chapter.
        sections: in order.
        in_short: whether their first words stand at the top of the page, too.
    """

    title: str
    sections: tuple[Section, ...]
    in_short: bool = True


class Asked(NamedTuple):
    """What a section is made from.

    Attributes:
        run: the run.
        settings: what the user asked for.
        rng: draws of this section.
    """

    run: Run
    settings: Settings
    rng: np.random.Generator


def _need(it: Asked) -> Section:
    points = 100 * it.settings.tolerance
    return need_section(
        it.run, it.rng, tolerance_points=points, resamples=it.settings.resamples
    )


# In the order in which the questions are asked.
SECTIONS: Mapping[str, Callable[[Asked], Section]] = {"need": _need}


def chapters_of(
    runs: Sequence[Run],
    settings: Settings,
    *,
    compare: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[Chapter, ...]:
    """Return a chapter a run, or one of all runs side by side; examples are not among them.

    Args:
        runs: of the report, by unique names.
        settings: what the user asked for.
        compare: whether runs stand side by side.
        progress: told how many sections of how many are done.
    """
    if compare:
        raise NotImplementedError
    chapters: list[Chapter] = []
    total = len(runs) * len(SECTIONS)
    for run, prefix in zip(runs, _prefixes(len(runs)), strict=True):
        sections: list[Section] = []
        for i, make in enumerate(SECTIONS.values()):
            # Draws of a section do not depend on those before it.
            sections.append(make(Asked(run, settings, np.random.default_rng([settings.seed, i]))))
            progress(len(chapters) * len(SECTIONS) + i + 1, total)
        chapters.append(_chapter(run, prefix, sections))
    return tuple(chapters)


def add_examples(
    chapters: Sequence[Chapter], runs: Sequence[Run], settings: Settings, room: int
) -> tuple[Chapter, ...]:
    """Return the chapters of runs with examples at their end.

    Args:
        chapters: as :func:`chapters_of` gives them.
        runs: of these chapters; side by side they have no examples.
        settings: what the user asked for.
        room: bytes of the page that all examples may take.
    """
    return tuple(chapters)


def _chapter(run: Run, prefix: str, sections: Sequence[Section]) -> Chapter:
    return Chapter(run.name if prefix else "", tuple(prefixed(each, prefix) for each in sections))


def prefixed(section: Section, prefix: str) -> Section:
    """Return a section whose anchor, figures and tables have names of their own in a report."""
    return section._replace(
        anchor=prefix + section.anchor,
        pictures=tuple(each._replace(name=prefix + each.name) for each in section.pictures),
        tables=tuple(each._replace(name=prefix + each.name) for each in section.tables),
    )


def _prefixes(num: int) -> Sequence[str]:
    """Return what names of each run's parts begin with; nothing where there is one run."""
    return [""] if num == 1 else [f"run{i + 1}-" for i in range(num)]
