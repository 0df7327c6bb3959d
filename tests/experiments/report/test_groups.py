"""Groups of a report: by a column, by bands of its numbers, by clusters."""

import numpy as np
import pytest

from budget.errors import DataError
from experiments.report.groups import GroupChoice, find_groups, parse_groups


class Columns:
    """Data with some columns."""

    def __init__(self, **columns):
        self.columns = columns
        self.column_names = list(columns)

    def column(self, name):
        return self.columns[name]


def by(name):
    return GroupChoice(column=name)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        (None, GroupChoice()),
        ("column:kind", GroupChoice(column="kind")),
        ("column:a:b", GroupChoice(column="a:b")),
        ("clusters", GroupChoice(clusters=True)),
        ("clusters:12", GroupChoice(clusters=True, num=12)),
    ],
)
def test_groups_are_asked_for_by_a_word(text, choice):
    assert parse_groups(text) == choice


@pytest.mark.parametrize("text", ["clusters:0", "clusters:1", "clusters:-3", "clusters:many"])
def test_a_number_of_clusters_that_is_none_is_refused(text):
    with pytest.raises(DataError, match=f"a K from 2 to 200, got '{text.partition(':')[2]}'"):
        parse_groups(text)


@pytest.mark.parametrize("text", ["kind", "column:", "", "cluster:3", "columns:a"])
def test_other_words_are_refused(text):
    with pytest.raises(DataError, match="takes column:NAME, clusters or clusters:K"):
        parse_groups(text)


def test_values_of_a_column_are_the_groups():
    data = Columns(kind=["a", "b", None, " ", "b"])
    found = find_groups(by("kind"), data, Columns(kind=["b", "c"]), seed=0)
    assert found.groups.tolist() == ["a", "b", "none", "none", "b"]
    assert found.fit.tolist() == ["b", "c"]
    assert found.said == "the column 'kind'"


def test_few_numbers_are_groups_and_whole_ones_look_so():
    found = find_groups(by("n"), Columns(n=[1.0, 2.0, 2.5, 1.0]), None, seed=0)
    assert found.groups.tolist() == ["1", "2", "2.5", "1"]
    assert found.fit is None


def test_many_numbers_are_cut_into_bands_of_about_equal_size():
    numbers = np.random.default_rng(0).lognormal(size=1000)
    found = find_groups(by("size"), Columns(size=numbers.tolist()), None, seed=0)
    names, counts = np.unique(found.groups, return_counts=True)
    assert len(names) == 5
    assert counts.min() >= 195
    highest = [numbers[found.groups == name].max() for name in names]
    assert highest == sorted(highest)  # names sort as the bands do
    assert "5 bands of about equal size" in found.said


def test_bands_of_the_fit_curves_are_those_of_the_run():
    numbers = [float(i) for i in range(100)]
    fit = Columns(size=[-5.0, 50.0, 1e9, None])
    found = find_groups(by("size"), Columns(size=numbers), fit, seed=0)
    assert found.fit[0] == found.groups[0]
    assert found.fit[1] == found.groups[50]
    assert found.fit[2] == found.groups[99]
    assert found.fit[3] == "none"


def test_an_unknown_column_is_refused_with_those_there_are():
    with pytest.raises(DataError, match=r"no column 'kidn'; they have kind, n$"):
        find_groups(by("kidn"), Columns(kind=[], n=[]), None, seed=0)


def test_a_column_of_texts_that_all_differ_is_refused():
    texts = [f"text {i}" for i in range(201)]
    with pytest.raises(DataError, match="201 different values, which are no groups"):
        find_groups(by("text"), Columns(text=texts), None, seed=0)


def test_a_column_of_lists_is_refused():
    with pytest.raises(DataError, match="it holds list values; texts and numbers can"):
        find_groups(by("answers"), Columns(answers=[["a"], ["b"]]), None, seed=0)


def test_clusters_of_the_fit_curves_are_those_of_the_run():
    questions = ["How many dogs?", "How many cats?", "Read the sign.", "Read the label."] * 5
    data = Columns(question=questions)
    found = find_groups(parse_groups("clusters:2"), data, Columns(question=questions[:4]), seed=0)
    assert found.fit.tolist() == found.groups[:4].tolist()
    assert found.said.startswith("2 clusters of questions by their words")
