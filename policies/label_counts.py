"""How many labels a user needs: the gap closed by fits on random parts of the fit split."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from policies.allocation import Sweep
from policies.rules import PER_GROUP, per_group_of, sweep_of
from policies.study_fit import Closed, Factory, StudyData, closed_by, fit_rule

Progress = Callable[[int, int], object]


class LabelRow(NamedTuple):
    """What a number of labels closes.

    Attributes:
        labels: samples that were fitted on.
        closed: by the mean over the draws.
        draws: share of the stable oracle's gain, draw by draw.
        per_group: what one fixed scale a group closes that has seen the same labels.
    """

    labels: int
    closed: Closed
    draws: tuple[float, ...]
    per_group: Closed


def parse_counts(text: str, available: int) -> list[int]:
    """Return numbers of labels from words such as ``250,1000,all``, rising, each once.

    Numbers above ``available`` are left out, as nobody can draw so many.

    Args:
        text: numbers with commas between; ``all`` is every label there is.
        available: how many there are.

    Raises:
        ValueError: if a word is neither, or nothing is left.

    Example:
        >>> parse_counts("250,1000,all", 800)
        [250, 800]
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    odd = [word for word in words if word != "all" and not (word.isdigit() and int(word) > 0)]
    if odd:
        raise ValueError(f"numbers of labels are positive numbers or 'all', got {odd[0]!r}")
    counts = {available if word == "all" else int(word) for word in words}
    usable = sorted(count for count in counts if count <= available)
    if not usable:
        raise ValueError(f"there are {available} labels, of which {text!r} names no number")
    return usable


def label_study(
    data: StudyData,
    make: Factory,
    counts: Sequence[int],
    rng: np.random.Generator,
    *,
    draws: int = 3,
    resamples: int = 200,
    progress: Progress = lambda done, total: None,
) -> list[LabelRow]:
    """Return what fits on so many labels close, judged on the same samples.

    The intervals are those of the mean over the draws as the judged samples are resampled; how far
    the draws lie apart is said apart.

    Args:
        data: rows to fit and to judge on.
        make: gives the unfitted estimator of a seed.
        counts: numbers of labels.
        rng: draws of labels and of the bootstrap.
        draws: of labels, for every number; of all labels there is one draw and as many seeds.
        resamples: of the bootstrap.
        progress: told how many fits of how many are done.
    """
    rules: dict[str, list[Sweep]] = {}
    for i, count in enumerate(counts):
        name, grouped = _names(count)
        rules |= {name: [], grouped: []}
        for draw in range(draws):
            rows = np.sort(rng.choice(len(data.features), size=count, replace=False))
            rules[name].append(fit_rule(data, make, rows=rows, seed=draw))
            known = per_group_of(
                data.test, data.groups[rows].tolist(), data.scores[rows], data.tokens_of(rows)
            )
            rules[grouped].append(sweep_of(data.test, *known))
            progress(i * draws + draw + 1, len(counts) * draws)
    reference = _names(counts[-1])[0]
    closed = closed_by(data.test, rules, reference, rng, resamples=resamples)
    spread = {name: _each(data, fits, rng) for name, fits in rules.items()}
    return [
        LabelRow(count, closed[name], spread[name], closed[grouped])
        for count in counts
        for name, grouped in [_names(count)]
    ]


def _names(count: int) -> tuple[str, str]:
    return f"{count} labels", f"{PER_GROUP}, {count} labels"


def _each(data: StudyData, fits: Sequence[Sweep], rng: np.random.Generator) -> tuple[float, ...]:
    apart = {str(i): [fit] for i, fit in enumerate(fits)}
    found = closed_by(data.test, apart, "0", rng, resamples=1)
    return tuple(each.stable for each in found.values())
