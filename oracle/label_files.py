"""Labels on disk: one row a sample with id, group, rung, tokens and solved.

``rung`` is an index into the ladder, ``tokens`` the visual tokens that the sample really used
there, ``solved`` whether the rule found a rung or the rule for unsolved samples stood in. Dropped
samples have no row.
"""

import csv
import json
import os
from pathlib import Path

import numpy as np

from oracle.curves import Curves
from oracle.labels import Labels, rule_word

COLUMNS = ("id", "group", "rung", "tokens", "solved")
KINDS = (".parquet", ".csv")


def check_kind(path: Path) -> None:
    """Refuse a file that is neither Parquet nor CSV by its name.

    Raises:
        ValueError: names the file and the legal endings.
    """
    if path.suffix not in KINDS:
        raise ValueError(f"labels go to a {' or '.join(KINDS)} file, got {str(path)!r}")


def write_labels(path: Path, curves: Curves, labels: Labels, tolerance: float = 0.0) -> int:
    """Write labels to a Parquet or CSV file, whole or not at all; return the number of rows.

    The Parquet file says in its metadata by which rules the labels were found.

    Args:
        path: ends in ``.parquet`` or ``.csv``; its folder is made, an older file is replaced.
        curves: what the labels were found on.
        labels: what ``oracle.labels.label`` returned.
        tolerance: with which it was called, for the metadata.

    Raises:
        ValueError: if the file is of another kind.
    """
    check_kind(path)
    rows = np.flatnonzero(labels.kept)
    rungs = labels.rungs[rows]
    values = (
        curves.sample_ids[rows].tolist(),
        curves.groups[rows].tolist(),
        rungs.tolist(),
        curves.num_visual_tokens[rows, rungs].tolist(),
        labels.solved[rows].tolist(),
    )
    columns = dict(zip(COLUMNS, values, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    if path.suffix == ".csv":
        _write_csv(unfinished, columns)
    else:
        about = {"rule": rule_word(labels.rule, tolerance), "unsolved": labels.unsolved}
        _write_parquet(unfinished, columns, {**about, "ladder": list(curves.scales)})
    os.replace(unfinished, path)
    return int(rows.size)


def _write_csv(path: Path, columns: dict[str, list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for *first, solved in zip(*columns.values(), strict=True):
            writer.writerow([*first, str(solved).lower()])


def _write_parquet(path: Path, columns: dict[str, list[object]], about: dict[str, object]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, number, flag = pa.string(), pa.int64(), pa.bool_()
    schema = pa.schema(list(zip(COLUMNS, (text, text, number, number, flag), strict=True)))
    table = pa.table(columns, schema=schema)
    pq.write_table(table.replace_schema_metadata({"matryoshka_budget": json.dumps(about)}), path)
