import numpy as np
import pytest

from budget.errors import PolicyError
from policies.features import FeatureSchema, current_schema
from policies.text_features import MAX_CHARACTERS, featurize_texts, text_schema


def value(prompt, name, **more):
    schema = text_schema(more.get("known", ()))
    return featurize_texts([prompt], **more)[0, schema.names.index(name)]


def test_rows_do_not_depend_on_their_neighbours():
    prompts = ["How many?", "Write {x: 1};", "", "Wer?\nWo?"]
    table = featurize_texts(prompts)
    assert table.shape == (4, len(text_schema()))
    assert np.isfinite(table).all()
    alone = np.concatenate([featurize_texts([prompt]) for prompt in prompts])
    np.testing.assert_array_equal(table, alone)
    assert featurize_texts([]).shape == (0, len(text_schema()))


def test_what_a_prompt_is_made_of_is_counted():
    assert value("one\ntwo\nthree", "text_num_lines") == 3
    assert value("from 3.5 to 1,000 or 7", "text_num_numbers") == 3
    assert value("a longest b", "text_longest_word") == 7
    assert value("12ab", "text_share_digits") == 0.5
    assert value("猜字ab", "text_share_not_ascii") == 0.5
    assert value("{};x", "text_share_code_marks") == 0.75
    assert value("ABcd", "text_share_capitals") == 0.5
    assert value("How many?", "text_asks_counting") == 1


def test_a_very_long_prompt_is_read_from_both_ends():
    middle = "x" * (3 * MAX_CHARACTERS)
    table = featurize_texts([f"How many? {middle} 5 6", f"How many? {middle}{middle} 5 6"])
    np.testing.assert_array_equal(table[0], table[1])
    assert value(f"Who? {middle} 5 6", "text_num_numbers") == 2


def test_groups_are_columns_only_if_asked_for():
    assert not [name for name in text_schema().names if name.startswith("group")]
    table = featurize_texts(["?"] * 3, groups=["b", "a", "new"], known=["a", "b"])
    assert table[:, -2:].tolist() == [[0, 1], [1, 0], [0, 0]]
    assert text_schema(["a", "b"]).names[-2:] == ("group_a", "group_b")
    with pytest.raises(ValueError, match="3 prompts need as many groups, got 0"):
        featurize_texts(["?"] * 3, known=["a"])


def test_no_schema_is_taken_for_another():
    schemas: list[FeatureSchema] = [
        current_schema(),
        text_schema(),
        text_schema(["a"]),
        text_schema(["b"]),
    ]
    assert len({schema.sha256 for schema in schemas}) == 4
    with pytest.raises(PolicyError, match="fit it again"):
        text_schema().refuse_other(current_schema().sha256)
