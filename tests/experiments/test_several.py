"""Prompts of several scenes: one right answer each, and the ways to split totals over them."""

from itertools import islice

import numpy as np
import pytest

from budget.errors import DataError
from experiments.scenes.data import iterate_scenes, load_scenes
from experiments.scenes.several import GROUPS, is_clear, iterate_several, load_several
from experiments.split_bench import Measured, focused, rows_of
from policies.reading import features_of


@pytest.fixture(scope="module")
def prompts():
    return list(islice(iterate_several("fit"), 25))


@pytest.fixture(scope="module")
def scenes():
    return list(iterate_scenes("fit", 50))


def test_the_question_is_about_one_picture_and_no_other(prompts, scenes):
    home = {scene.pixels.tobytes(): i for i, scene in enumerate(scenes)}
    for prompt in prompts:
        places = [home[pixels.tobytes()] for pixels in prompt.pictures]
        assert len(set(places)) == len(places)
        assert places[prompt.asked] == prompt.number
        assert scenes[prompt.number].questions[0] == prompt.question
        assert prompt.question.group in GROUPS
        assert not is_clear(prompt.question.text, scenes[prompt.number].layout)
        for i, place in enumerate(places):
            if i != prompt.asked:
                assert is_clear(prompt.question.text, scenes[place].layout)


def test_numbers_and_places_are_mixed(prompts):
    assert {len(prompt.pictures) for prompt in prompts} == {2, 3, 4}
    assert {prompt.asked for prompt in prompts} >= {0, 1, 2}
    assert len({prompt.question.group for prompt in prompts}) > 2


def test_a_dataset_holds_them_whatever_its_length(prompts):
    data = load_several("fit", 3)
    assert data["question"] == [prompt.question.text for prompt in prompts[:3]]
    assert data["asked"] == [prompt.asked for prompt in prompts[:3]]
    assert data["group"] == [f"{len(prompt.pictures)} pictures" for prompt in prompts[:3]]
    np.testing.assert_array_equal(np.array(data[1]["image"][0]), prompts[1].pictures[0])
    with pytest.raises(ValueError, match="no split 'train'"):
        load_several("train", 1)


def test_a_policy_is_not_fitted_on_prompts_of_several_images():
    with pytest.raises(DataError, match=r"a sample has \d images; a policy is fitted"):
        features_of(load_several("fit", 2), [0, 1])
    scenes = load_scenes("fit", 2)
    listed = [[image] for image in scenes["image"][:]]
    lone = {"image": listed, "question": scenes["question"][:]}

    class Rows:
        def __getitem__(self, rows):
            return {name: [values[i] for i in rows] for name, values in lone.items()}

    np.testing.assert_array_equal(features_of(Rows(), [0, 1])[0], features_of(scenes, [0, 1])[0])


def test_a_focus_takes_what_the_others_leave():
    scales = (1, 4, 9, 36, 144)
    assert focused(4, 2, 4 * 36, scales) == [1, 1, 36, 1]  # 144 would be three too many
    assert focused(2, 0, 2, scales) == [1, 1]
    assert focused(2, 1, 2 * 144, scales) == [1, 144]


def test_gains_are_paired_by_prompt():
    rng = np.random.default_rng(0)
    uniform = rng.integers(0, 2, (200, 2)).astype(float)
    better = uniform.copy()
    better[:20, 1] = 1 - better[:20, 1]
    found = rows_of(
        {"uniform": Measured(uniform, uniform + 5), "policy": Measured(better, uniform + 4)},
        (1, 4),
        rng,
    )
    assert [(row.way, row.scale) for row in found] == [
        ("uniform", 1),
        ("uniform", 4),
        ("policy", 1),
        ("policy", 4),
    ]
    assert found[2].gain == found[2].interval.low == found[2].interval.high == 0
    assert found[3].gain == pytest.approx(found[3].accuracy - found[1].accuracy)
    # Twenty prompts differ: a paired interval is far narrower than that of two means.
    assert 0 < found[3].interval.high - found[3].interval.low < 0.1
    assert found[3].mean_tokens == pytest.approx(found[1].mean_tokens - 1)
