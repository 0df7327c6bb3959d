"""Samples with their images, questions and answers at every scale, to be looked at."""

from collections.abc import Sequence

import numpy as np

from experiments.report.disagreement import Disagreement, disagree, disagreement_parts
from experiments.report.example_choice import Part, needed_rungs, typical_parts
from experiments.report.example_page import Shown, render_examples
from experiments.report.example_words import example_words
from experiments.report.runs import Run
from experiments.report.section import Section
from experiments.report.thumbnails import SIZES, Album
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

    def shown(fewer: int) -> Shown:
        # Fewer examples are the first of more: all are drawn alike.
        parts = _parts(run, needed, found, fewer, np.random.default_rng(seed))
        return Shown(parts, needed, album, None, threshold)

    album = Album(run.samples)
    tried = [shown(num >> i) for i in range(num.bit_length())]  # 6, 3, 1
    best, html = _fitting(run, tried, max_bytes) or (shown(0), "")
    return Section("examples", TITLE, example_words(run, best, found, num), html=html)


def _fitting(run: Run, tried: Sequence[Shown], room: int) -> tuple[Shown, str] | None:
    """Return the first of what is tried that fits, with the largest pictures, and its HTML."""
    without: list[tuple[Shown, str]] = []
    for plain in tried:
        html = render_examples(run, plain)
        left = room - len(html.encode())
        if left < 0:
            continue
        without.append((plain, html))
        if run.samples is None:
            break
        for size in SIZES:
            pictured = plain._replace(size=size)
            if _size_of_links(pictured, size) > left:
                continue
            html = render_examples(run, pictured)
            if len(html.encode()) <= room:
                return pictured, html
    return without[0] if without else None


def _size_of_links(shown: Shown, size: tuple[int, int]) -> int:
    rows = (row for part in shown.parts for row in part.rows)
    return sum(len(link) for row in rows for link in shown.album.links(row, size))


def _parts(
    run: Run, needed: IntArray, found: Sequence[Disagreement], num: int, rng: np.random.Generator
) -> tuple[Part, ...]:
    parts = list(typical_parts(run.curves, needed, num, rng))
    for policy, own in zip(run.policies, found, strict=True):
        parts += disagreement_parts(run.curves, policy, own, needed, num)
    return tuple(parts)
