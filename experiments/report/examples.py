"""Samples with their images, questions and answers at every scale, to be looked at."""

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.report.disagreement import Disagreement, disagree, disagreement_parts
from experiments.report.example_choice import Part, needed_rungs, typical_parts
from experiments.report.example_page import Shown, render_examples
from experiments.report.example_words import example_words
from experiments.report.runs import Run
from experiments.report.section import Section
from experiments.report.thumbnails import SIZES, Pictures, read_pictures
from policies.allocation import IntArray

TITLE = "What do samples look like that need few or many tokens?"


def examples_section(
    run: Run,
    rng: np.random.Generator,
    *,
    num: int = 6,
    max_bytes: int = 8_000_000,
    threshold: float = 0.5,
) -> Section:
    """Return the section of examples, its ``html`` within a number of bytes.

    Thumbnails become smaller where there is little room, then examples fewer, then pictures go;
    the words say so.

    Args:
        run: the oracle run; without samples there are ids and answers only.
        rng: draws the samples; equal seeds draw equal ones.
        num: samples for each minimal scale, and of each policy's errors in each direction.
        max_bytes: of the section's html, in UTF-8.
        threshold: score from which an answer counts as right.

    Raises:
        ValueError: if ``num`` is negative.
    """
    if num < 0:
        raise ValueError(f"examples must be at least 0, got {num}")
    needed = needed_rungs(run.curves, threshold)
    found = [disagree(run.curves, policy, needed) for policy in run.policies]
    seed = int(rng.integers(2**63))
    read: dict[int, Pictures] = {}
    for fewer, size in _attempts(num, run.samples is not None):
        # Fewer examples are the first of more: every attempt draws alike.
        parts = _parts(run, needed, found, fewer, np.random.default_rng(seed))
        if size is not None and run.samples is not None:
            rows = {row for part in parts for row in part.rows}
            read |= read_pictures(run.samples, sorted(rows - set(read)))
        shown = Shown(parts, needed, read, size, threshold)
        html = render_examples(run, shown)
        if len(html.encode()) <= max_bytes:
            return Section("examples", TITLE, example_words(run, shown, found, num), html=html)
    words = example_words(run, Shown((), needed, read, None, threshold), found, num)
    return Section("examples", TITLE, words)


def _attempts(num: int, pictures: bool) -> Iterator[tuple[int, tuple[int, int] | None]]:
    """Yield numbers of examples and sizes of thumbnails, the wanted ones first."""
    halved = [num >> i for i in range(num.bit_length())]  # 6, 3, 1
    if pictures:
        yield from ((fewer, size) for fewer in halved for size in SIZES)
    yield from ((fewer, None) for fewer in halved)


def _parts(
    run: Run, needed: IntArray, found: Sequence[Disagreement], num: int, rng: np.random.Generator
) -> tuple[Part, ...]:
    parts = list(typical_parts(run.curves, needed, num, rng))
    for policy, own in zip(run.policies, found, strict=True):
        parts += disagreement_parts(run.curves, policy, own, needed, num)
    return tuple(parts)
