"""What a report says, run by run, in the order in which an analyst asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from experiments.report.assessment import Assessment, assess
from experiments.report.compare import compare_section
from experiments.report.examples import examples_section
from experiments.report.gap import gap_section
from experiments.report.groups_needed import groups_section
from experiments.report.harm import harm_section
from experiments.report.importance import importance_section
from experiments.report.importance_tables import shuffled
from experiments.report.money import Money
from experiments.report.need import need_section
from experiments.report.policy import policy_section
from experiments.report.published import published_section
from experiments.report.runs import Run
from experiments.report.savings import savings_section
from experiments.report.section import Section


class Settings(NamedTuple):
    """What a user may change about a report.

    Attributes:
        resamples: of every bootstrap.
        seed: of everything that is drawn.
        tolerance_points: accuracy that may be lost against the best scale, in points.
        examples: samples shown for each minimal scale; 0 shows none.
        money: what a user pays; None is unknown.
    """

    resamples: int = 1000
    seed: int = 0
    tolerance_points: float = 1.0
    examples: int = 6
    money: Money | None = None


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


@dataclass(frozen=True)
class Subject:
    """What sections are made from; what several need is measured once."""

    run: Run
    settings: Settings

    @cached_property
    def assessed(self) -> Assessment:
        """What policies, baselines and oracles reach."""
        rng = np.random.default_rng([self.settings.seed, len(SECTIONS)])
        return assess(self.run, rng, resamples=self.settings.resamples)


Make = Callable[[Subject, np.random.Generator], Section | None]


def _need(of: Subject, rng: np.random.Generator) -> Section:
    points, resamples = of.settings.tolerance_points, of.settings.resamples
    return need_section(of.run, rng, tolerance_points=points, resamples=resamples)


def _groups(of: Subject, rng: np.random.Generator) -> Section:
    points, resamples = of.settings.tolerance_points, of.settings.resamples
    return groups_section(of.run, rng, tolerance_points=points, resamples=resamples)


def _harm(of: Subject, rng: np.random.Generator) -> Section:
    return harm_section(of.run, rng, resamples=of.settings.resamples)


def _published(of: Subject, rng: np.random.Generator) -> Section:
    points, resamples = of.settings.tolerance_points, of.settings.resamples
    return published_section(of.run, rng, tolerance_points=points, resamples=resamples)


def _gap(of: Subject, rng: np.random.Generator) -> Section:
    return gap_section(of.run, of.assessed, rng, resamples=of.settings.resamples)


def _policy(of: Subject, rng: np.random.Generator) -> Section:
    return policy_section(of.run, of.assessed, rng, resamples=of.settings.resamples)


def _savings(of: Subject, rng: np.random.Generator) -> Section:
    money, resamples = of.settings.money, of.settings.resamples
    return savings_section(of.run, of.assessed, rng, resamples=resamples, money=money)


def _importance(of: Subject, rng: np.random.Generator) -> Section | None:
    tables = shuffled(of.run, rng, resamples=of.settings.resamples)
    return importance_section(tables) if tables else None


# In the order in which an analyst asks.
SECTIONS: tuple[Make, ...] = (
    _need,
    _groups,
    _harm,
    _gap,
    _policy,
    _savings,
    _importance,
    _published,
)


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
        section = compare_section(
            runs,
            np.random.default_rng([settings.seed, len(SECTIONS) + 2]),
            tolerance_points=settings.tolerance_points,
            resamples=settings.resamples,
        )
        progress(1, 1)
        return (Chapter("", (section,)),)
    chapters: list[Chapter] = []
    total = len(runs) * len(SECTIONS)
    for run, prefix in zip(runs, _prefixes(len(runs)), strict=True):
        sections: list[Section] = []
        subject = Subject(run, settings)
        for i, make in enumerate(SECTIONS):
            # Draws of a section do not depend on those before it.
            made = make(subject, np.random.default_rng([settings.seed, i]))
            sections += [made] if made is not None else []
            progress(len(chapters) * len(SECTIONS) + i + 1, total)
        chapters.append(_chapter(run, prefix, sections))
    return tuple(chapters)


def add_examples(
    chapters: Sequence[Chapter], runs: Sequence[Run], settings: Settings, room: int
) -> tuple[Chapter, ...]:
    """Return the chapters of runs with examples at their end.

    Args:
        chapters: one a run, as :func:`chapters_of` gives them.
        runs: of these chapters.
        settings: what the user asked for.
        room: bytes of the page that all examples may take.
    """
    each, made = room // len(runs), []
    for chapter, run, prefix in zip(chapters, runs, _prefixes(len(runs)), strict=True):
        rng = np.random.default_rng([settings.seed, len(SECTIONS) + 1])
        # What stands around the html in the page takes a little, too.
        section = examples_section(run, rng, num=settings.examples, max_bytes=max(0, each - 8_000))
        made.append(chapter._replace(sections=(*chapter.sections, prefixed(section, prefix))))
    return tuple(made)


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
