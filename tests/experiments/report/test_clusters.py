"""Clusters of questions: found, named, the same again, and refused where there are none."""

import numpy as np
import pytest

from budget.errors import DataError
from experiments.report.clusters import find_clusters

COLOURS = ("red", "blue", "green", "yellow", "purple")
THINGS = ("car", "dog", "chair", "boat", "apple", "shoe")
KINDS = {
    "counting": [f"How many {thing}s can be counted?" for thing in THINGS for _ in range(4)],
    "reading": [f"Read the text on the {colour} sign." for colour in COLOURS for _ in range(5)],
    "colour": [f"What color does this {thing} have?" for thing in THINGS for _ in range(4)],
}
QUESTIONS = [question for questions in KINDS.values() for question in questions]
TRUE = np.repeat(list(KINDS), [len(questions) for questions in KINDS.values()])


def purity(found, true):
    counts = [np.unique(true[found == name], return_counts=True)[1] for name in np.unique(found)]
    return sum(each.max() for each in counts) / len(true)


def test_questions_of_three_kinds_fall_into_three_clusters():
    found = find_clusters(QUESTIONS, 3, seed=0)
    assert purity(found.assign(QUESTIONS), TRUE) == 1


def test_the_names_are_words_of_the_clusters():
    found = find_clusters(QUESTIONS, 3, seed=0)
    labels = found.assign(QUESTIONS)
    for kind, word in (("counting", "how many"), ("reading", "read"), ("colour", "what color")):
        (name,) = set(labels[kind == TRUE].tolist())
        assert word in name, (kind, name)


def test_the_same_seed_gives_the_same_clusters():
    first, second = (find_clusters(QUESTIONS, None, seed=3) for _ in range(2))
    assert first.names == second.names
    assert first.silhouettes == second.silhouettes
    assert (first.assign(QUESTIONS) == second.assign(QUESTIONS)).all()


def test_without_a_number_that_of_the_largest_silhouette_is_taken():
    found = find_clusters(QUESTIONS, None, seed=0)
    best = max(found.silhouettes, key=lambda num: found.silhouettes[num])
    assert len(found.names) == best
    assert purity(found.assign(QUESTIONS), TRUE) == 1


def test_names_are_unique_even_where_words_are_the_same():
    found = find_clusters(["car car dog", "dog car", "car dog dog", "dog", "car"] * 3, 4, seed=0)
    assert len(set(found.names)) == 4


def test_further_questions_go_where_their_words_are():
    found = find_clusters(QUESTIONS, 3, seed=0)
    labels = found.assign(["How many lamps are there?", "Read the sign.", ""])
    assert "how many" in labels[0]
    assert "read" in labels[1]
    assert labels[2] in found.names


@pytest.mark.parametrize("questions", [["", " ", "?"], ["!", "!", "!"]])
def test_questions_without_words_are_refused(questions):
    with pytest.raises(DataError, match="no words to cluster by"):
        find_clusters(questions, 2, seed=0)


def test_one_wording_is_no_cluster():
    with pytest.raises(DataError, match="1 wordings, too few for clusters"):
        find_clusters(["What is this?"] * 20, None, seed=0)


def test_more_clusters_than_wordings_are_refused():
    with pytest.raises(DataError, match=r"9 clusters were asked for, .* only 2 wordings"):
        find_clusters(["Red car?", "Blue boat?"] * 20, 9, seed=0)
