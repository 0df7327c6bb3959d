"""What ``budget policy study`` does, once its options are read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from budget.console import print_json_line, print_table, progress
from policies.ablations import Ablation, ablation_study
from policies.evaluation_inputs import table_measured
from policies.features import current_schema
from policies.features_cache import SampleSource
from policies.label_counts import label_study, parse_counts
from policies.reading import CurveTable, Readers, refuse_overlap, same_ladder
from policies.study_fit import Factory, StudyData
from policies.study_tables import as_json, cells_of, label_cells, write_json, write_rows
from policies.unseen_groups import UnseenGroup, unseen_group_study


class Studies(NamedTuple):
    """Which studies are wanted.

    Attributes:
        labels: numbers of labels such as "250,1000,all"; empty for no such study.
        draws: of labels, and fits of every view.
        leave_one_group_out: fit without each group.
        ablations: fit on parts of the features.
    """

    labels: str = ""
    draws: int = 3
    leave_one_group_out: bool = False
    ablations: bool = False


def run_study(
    readers: Readers,
    source: SampleSource,
    *,
    fit_curves: Path,
    fit_split: str,
    curves: Path,
    split: str,
    make: Factory,
    studies: Studies,
    out: Path | None = None,
    resamples: int = 200,
    seed: int = 0,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Fit the same estimator on less and say what is lost; print, save, one JSON line.

    Args:
        readers: how files are read.
        source: gives features.
        fit_curves: to fit on.
        fit_split: of the dataset, for ``fit_curves``.
        curves: to judge on.
        split: of the dataset, for ``curves``.
        make: gives the unfitted estimator of a seed.
        studies: which are wanted.
        out: folder for tables and figures; ``None`` saves nothing.
        resamples: of the bootstrap.
        seed: of draws and bootstrap.
        about: what else the line of JSON says.

    Raises:
        BudgetError: if a file cannot be used.
        ValueError: if no study is wanted, or a number of labels is none.
    """
    if not (studies.labels or studies.leave_one_group_out or studies.ablations):
        raise ValueError("no study is wanted: give --labels, --leave-one-group-out or --ablations")
    fit, test = readers.curves(fit_curves), readers.curves(curves)
    same_ladder((str(fit_curves), fit.scales), (str(curves), test.scales))
    refuse_overlap("fit", fit, "evaluated", test)
    counts = parse_counts(studies.labels, len(fit.scores)) if studies.labels else []
    data = _data(source, fit, fit_split, test, split)
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {**(about or {}), "n_fit": len(fit.scores), "n": len(test.scores)}
    if counts:
        found["labels"] = _labels(data, make, counts, studies.draws, rng, resamples, out)
    if studies.ablations:
        found["ablations"] = _ablations(data, make, studies.draws, rng, resamples, out)
    if studies.leave_one_group_out:
        found["unseen_groups"] = _unseen(data, make, rng, resamples, out)
    if out is not None:
        write_json(out / "study.json", found)
    print_json_line(found)
    return found


def _data(
    source: SampleSource, fit: CurveTable, fit_split: str, test: CurveTable, split: str
) -> StudyData:
    with progress(f"Features of {fit_split}", "samples") as update:
        learned = source.features(fit, fit_split, update)
    with progress(f"Features of {split}", "samples") as update:
        judged = source.features(test, split, update)
    measured = table_measured(test)
    return StudyData(
        learned.features, fit.scores, fit.groups, judged.features, measured, fit.num_visual_tokens
    )


def _labels(
    data: StudyData,
    make: Factory,
    counts: Sequence[int],
    draws: int,
    rng: np.random.Generator,
    resamples: int,
    out: Path | None,
) -> list[dict[str, Any]]:
    with progress("Fits on fewer labels", "fits") as update:
        rows = label_study(
            data, make, counts, rng, draws=draws, resamples=resamples, progress=update
        )
    cells = [label_cells(row) for row in rows]
    columns = ("labels", "gap, stable", "draws", "gap, any", "behind the most", "per-group fixed")
    print_table(columns, cells, "How many labels: % of the oracles' gain closed, with 95 %")
    if out is not None:
        from policies.study_figures import draw_labels

        write_rows(out / "labels.csv", columns, cells)
        draw_labels(rows, out / "labels.png")
    return [
        {
            "labels": row.labels,
            **as_json(row.closed),
            "draws": list(row.draws),
            "per_group_gap_closed_stable": row.per_group.stable,
        }
        for row in rows
    ]


def _ablations(
    data: StudyData,
    make: Factory,
    seeds: int,
    rng: np.random.Generator,
    resamples: int,
    out: Path | None,
) -> list[dict[str, Any]]:
    names = current_schema().names
    with progress("Views", "views") as update:
        rows: list[Ablation] = ablation_study(
            data, make, names, rng, seeds=seeds, resamples=resamples, progress=update
        )
    columns = ("sees", "features", "ms", "gap, stable", "gap, any", "behind both")
    cells = [(row.view, row.num_columns, f"{row.ms:.3f}", *cells_of(row.closed)) for row in rows]
    print_table(columns, cells, "What it sees: % of the oracles' gain closed; ms of one core")
    write_rows(out and out / "ablations.csv", columns, cells)
    return [
        {"view": row.view, "features": row.num_columns, "ms": row.ms, **as_json(row.closed)}
        for row in rows
    ]


def _unseen(
    data: StudyData, make: Factory, rng: np.random.Generator, resamples: int, out: Path | None
) -> list[dict[str, Any]]:
    with progress("Fits without a group", "groups") as update:
        rows: list[UnseenGroup] = unseen_group_study(
            data, make, rng, resamples=resamples, progress=update
        )
    columns = ("group", "n", "with it", "without it", "lost by that", "mean of the others")
    cells = [
        (
            row.group,
            row.num_test,
            cells_of(row.seen)[0],
            cells_of(row.unseen)[0],
            cells_of(row.unseen)[-1],
            cells_of(row.per_group)[0],
        )
        for row in rows
    ]
    print_table(columns, cells, "A group that was not fitted on: % of its stable gap closed")
    write_rows(out and out / "unseen_groups.csv", columns, cells)
    return [
        {
            "group": row.group,
            "n_fit": row.num_fit,
            "n": row.num_test,
            "seen": as_json(row.seen),
            "unseen": as_json(row.unseen),
            "per_group": as_json(row.per_group),
        }
        for row in rows
    ]
