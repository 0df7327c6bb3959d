"""The report's section on what moves a policy's choices."""

import numpy as np
import pytest
from known_policies import column, looking, rows

from experiments.report.importance import TITLE, importance_section
from policies.feature_groups import GROUPS
from policies.importance import importance


@pytest.fixture(scope="module")
def tables():
    X = rows(120, seed=3)
    need = np.minimum((X[:, column("height_50")] * 3).astype(int), 2)
    scores = (np.arange(3) >= need[:, None]).astype(float)
    policies = {
        "sizes": looking(lambda X: X[:, column("height_50")]),
        "blind": looking(lambda X: 0.5),
    }
    return {
        name: importance(policy, X, scores, np.random.default_rng(0), draws=2, resamples=20)
        for name, policy in policies.items()
    }


def test_words_come_first_and_say_which_group_matters(tables):
    section = importance_section(tables)
    assert section.title == TITLE
    assert section.anchor == "importance"
    first, *_, last = section.words
    assert first.startswith("The choices of sizes at price 0.1 are moved most by the sizes of")
    assert any("none of the choices of blind" in sentence for sentence in section.words)
    assert "shuffled together 2 times" in last
    for sentence in section.words:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "nan" not in sentence


def test_the_table_has_every_group_of_every_policy_with_intervals(tables):
    (table,) = importance_section(tables).tables
    assert len(table.rows) == 2 * len(GROUPS)
    assert all(len(row) == len(table.columns) for row in table.rows)
    policy, words, features, changed, *_ = table.rows[0]
    assert (policy, words) == ("sizes", "the sizes of coloured things in the image")
    assert features == 8
    assert changed.low <= changed.value <= changed.high
    assert "120 samples" in table.caption


def test_the_picture_is_one_and_is_told_in_words_too(tables):
    (picture,) = importance_section(tables).pictures
    assert picture.png.startswith(b"\x89PNG")
    assert "95 % intervals" in picture.caption
    assert picture.alt.startswith("Groups of features by how far they move the choices of sizes")
    assert all(group.words in picture.alt for group in GROUPS)


def test_without_policies_it_says_so():
    section = importance_section({})
    assert section.words == (
        "No policy was asked about these samples, so nothing is known of what moves one.",
    )
    assert section.tables == section.pictures == ()
