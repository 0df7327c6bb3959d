"""How the cells of a table are shown in a page, and how they stand in a CSV."""

import math
from typing import NamedTuple, TypeAlias

from experiments.report.section import Cell, Column, Table, Value

UNKNOWN = "\N{EN DASH}"
Plain: TypeAlias = str | int | float | None


class Shown(NamedTuple):
    """A cell as a page shows it.

    Attributes:
        text: the number or the text; a dash where nothing is known.
        interval: its 95 % interval in words; empty where there is none.
        numeric: whether it stands to the right.
    """

    text: str
    interval: str = ""
    numeric: bool = True


def show(cell: Cell, column: Column) -> Shown:
    """Return a cell as a page shows it, rounded and in the unit of its column's title.

    Example:
        >>> show(Value(0.5, 0.45, 0.55), Column("accuracy", "accuracy, %", 1, 100.0))
        Shown(text='50.0', interval='45.0 to 55.0', numeric=True)
        >>> show(1234, Column("n", "samples")).text
        '1,234'
    """
    if isinstance(cell, str):
        return Shown(cell, numeric=False)
    if cell is None:
        return Shown(UNKNOWN)
    if isinstance(cell, Value):
        value, low, high = (_number(number, column) for number in cell)
        known = UNKNOWN not in (value, low, high)
        return Shown(value, f"{low} to {high}" if known else "")
    return Shown(_number(cell, column))


def _number(number: float, column: Column) -> str:
    if isinstance(number, int) and column.factor == 1:
        return f"{number:,d}"
    scaled = float(number) * column.factor
    if not math.isfinite(scaled):
        return UNKNOWN
    return f"{round(scaled, column.digits) + 0.0:,.{column.digits}f}"  # no minus before a zero


def csv_header(table: Table) -> list[str]:
    """Return the names of a CSV's columns; intervals have two of their own."""
    names: list[str] = []
    for i, column in enumerate(table.columns):
        ends = ("", "_low", "_high") if _has_intervals(table, i) else ("",)
        names += [column.name + end for end in ends]
    return names


def csv_rows(table: Table) -> list[list[Plain]]:
    """Return the rows of a CSV, numbers exact; what is unknown is None.

    Raises:
        ValueError: if a row has not one cell a column.
    """
    wide = [_has_intervals(table, i) for i in range(len(table.columns))]
    rows: list[list[Plain]] = []
    for row in table.rows:
        if len(row) != len(wide):
            raise ValueError(f"a row of {table.name} needs {len(wide)} cells, got {len(row)}")
        cells: list[Plain] = []
        for cell, has in zip(row, wide, strict=True):
            numbers = cell if isinstance(cell, Value) else (cell, None, None)
            cells += [_exact(number) for number in (numbers if has else numbers[:1])]
        rows.append(cells)
    return rows


def _has_intervals(table: Table, i: int) -> bool:
    return any(isinstance(row[i], Value) for row in table.rows if len(row) > i)


def _exact(cell: Plain) -> Plain:
    if isinstance(cell, float):
        return float(cell) if math.isfinite(cell) else None
    return cell
