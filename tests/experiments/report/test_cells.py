"""Cells: exact in the CSV, rounded in the page."""

import csv
import io
import math

import numpy as np
import pytest

from experiments.report.cells import UNKNOWN, csv_header, csv_rows, show
from experiments.report.page import csv_text
from experiments.report.section import Column, Table, Value

GROUP = Column("group", "group")
PERCENT = Column("accuracy", "accuracy, %", 1, 100.0)
SHARE = Column("share", "share", 2)
THIRD = Value(1 / 3, 0.1 + 0.2, 0.7)


def table(*rows, columns=(GROUP, PERCENT)):
    return Table("t", "Some numbers.", columns, rows)


def test_a_value_becomes_three_columns_and_a_number_one():
    found = table(("a", THIRD, 3), columns=(GROUP, PERCENT, Column("n", "n")))
    assert csv_header(found) == ["group", "accuracy", "accuracy_low", "accuracy_high", "n"]


def test_a_column_with_one_value_has_empty_ends_where_others_have_none():
    assert csv_rows(table(("a", THIRD), ("b", 0.5), ("c", None))) == [
        ["a", 1 / 3, 0.1 + 0.2, 0.7],
        ["b", 0.5, None, None],
        ["c", None, None, None],
    ]


def test_numbers_survive_a_csv_bit_by_bit():
    numbers = np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-100, 100)
    text = csv_text(table(*((f"g{i}", number) for i, number in enumerate(numbers))))
    read = [float(row["accuracy"]) for row in csv.DictReader(io.StringIO(text))]
    assert read == numbers.tolist()


@pytest.mark.parametrize("name", ['a "quoted" group', "a, b", "two\nlines", "=1+1", "ü"])
def test_names_of_groups_survive_a_csv(name):
    text = csv_text(table((name, 0.5)))
    assert [row["group"] for row in csv.DictReader(io.StringIO(text))] == [name]


def test_what_is_not_finite_is_empty_in_a_csv():
    text = csv_text(table(("a", Value(math.nan, 0.0, math.inf)), ("b", math.nan)))
    assert text.splitlines()[1:] == ["a,,0.0,", "b,,,"]


@pytest.mark.parametrize(
    ("cell", "column", "text", "interval"),
    [
        (Value(0.5, 0.25, 0.75), PERCENT, "50.0", "25.0 to 75.0"),
        (Value(0.5, math.nan, math.nan), PERCENT, "50.0", ""),
        (Value(math.nan, math.nan, math.nan), PERCENT, UNKNOWN, ""),
        (-0.0001, PERCENT, "0.0", ""),
        (1234567, Column("n", "samples"), "1,234,567", ""),
        (1, Column("share", "share, %", 1, 100.0), "100.0", ""),
        (1234.5, SHARE, "1,234.50", ""),
        (np.float64(2.0), SHARE, "2.00", ""),
        (math.inf, SHARE, UNKNOWN, ""),
        (None, SHARE, UNKNOWN, ""),
        ("36", SHARE, "36", ""),
    ],
)
def test_a_page_shows(cell, column, text, interval):
    shown = show(cell, column)
    assert (shown.text, shown.interval) == (text, interval)


def test_words_stand_to_the_left_and_numbers_to_the_right():
    assert not show("a", PERCENT).numeric
    assert show(0.5, PERCENT).numeric


def test_a_row_with_too_few_cells_is_refused():
    with pytest.raises(ValueError, match="a row of t needs 2 cells, got 1"):
        csv_rows(table(("a",)))
