"""Every feature belongs to one group, and groups are what their words say."""

import numpy as np
import pytest

from policies.feature_groups import GROUPS, group_columns, group_of, words_of
from policies.features import current_schema
from policies.image_features import IMAGE_NAMES
from policies.joint_features import JOINT_NAMES
from policies.question_features import QUESTION_NAMES

OF_QUESTIONS = {"kind", "wording", "length"}


def test_groups_part_the_features():
    columns = np.concatenate(list(group_columns().values()))
    assert sorted(columns.tolist()) == list(range(len(current_schema())))
    assert list(group_columns()) == [group.name for group in GROUPS]
    assert all(len(columns) for columns in group_columns().values())


def test_groups_keep_picture_and_question_apart():
    assert {group_of(name) for name in QUESTION_NAMES} == OF_QUESTIONS
    assert {group_of(name) for name in JOINT_NAMES} == {"named"}
    others = {group.name for group in GROUPS} - OF_QUESTIONS - {"named"}
    assert {group_of(name) for name in IMAGE_NAMES} == others


@pytest.mark.parametrize(
    ("feature", "group"),
    [
        ("log_aspect", "size"),
        ("thumbnail_07", "colours"),
        ("hues_present", "colours"),
        ("strong_edges_12", "detail"),
        ("strokes_both", "strokes"),
        ("height", "size"),
        ("height_0", "things"),
        ("run_length", "things"),
        ("num_options", "kind"),
        ("num_words", "length"),
        ("words_31", "wording"),
        ("named_height_50", "named"),
    ],
)
def test_features_lie_where_one_looks_for_them(feature, group):
    assert group_of(feature) == group


def test_a_feature_of_no_group_is_refused():
    with pytest.raises(ValueError, match="'smell' belongs to no group"):
        group_of("smell")


def test_every_group_has_words_of_its_own():
    assert len({words_of(group.name) for group in GROUPS}) == len(GROUPS)
