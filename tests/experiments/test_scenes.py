"""Scenes keep their promises: seeded, disjoint, answerable, labelled as drawn."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits

from experiments.scenes.data import SPLITS, iterate_scenes, load_scenes
from experiments.scenes.drawing import digit_mask, shape_mask, word_mask
from experiments.scenes.layout import CROWD_SIDE, CROWDS, IMAGE_SIZE, Layout, Thing
from experiments.scenes.questions import LIST_LENGTH, ask
from experiments.scenes.render import GRID, IGNORED, PATCH_CHANNELS, PATCH_WORDS, patch_labels
from experiments.scenes.vocabulary import COLOUR_NAMES, GROUPS, LISTS, SHAPES, WORDS


@pytest.fixture(scope="module")
def scenes():
    return list(iterate_scenes("fit", 120, questions=8))


def test_a_scene_does_not_depend_on_the_ones_before_it():
    first = list(iterate_scenes("test", 3, questions=4))[2]
    alone = next(iterate_scenes("test", 1, questions=4, start=2))
    assert np.array_equal(first.pixels, alone.pixels)
    assert first.questions == alone.questions


def test_splits_share_neither_seeds_nor_handwriting():
    assert len({split.seed for split in SPLITS.values()}) == len(SPLITS)
    ranges = sorted(split.digits for split in SPLITS.values())
    assert all(a[1] <= b[0] for a, b in pairwise(ranges))


def test_digits_of_a_split_come_from_its_own_handwriting(scenes):
    low, high = SPLITS["fit"].digits
    drawn = [t.digit_index for s in scenes for t in s.layout.things if t.kind == "digit"]
    assert drawn
    assert all(low <= index < high for index in drawn)


def test_every_group_is_asked_and_every_answer_is_one_word(scenes):
    questions = [question for scene in scenes for question in scene.questions]
    assert {question.group for question in questions} == set(GROUPS)
    assert all(question.answer and " " not in question.answer for question in questions)


def test_a_question_about_the_only_star_names_its_colour():
    star = Thing("shape", shape="star", colour="red", width=20, height=20, detail=20)
    moon = Thing("shape", shape="moon", colour="blue", width=8, height=8, detail=8)
    layout = Layout("plain", night=False, density=2, things=[star, moon], largest=star)
    asked = ask(layout, 60, np.random.default_rng(0))
    answers = {q.text: (q.answer, q.smallest_px) for q in asked}
    assert answers["What color is the star?"] == ("red", 20)
    assert answers["What shape is the blue one?"] == ("moon", 8)
    assert answers["What is the largest shape?"] == ("star", 20)
    assert answers["Is it day or night?"] == ("day", 96)
    assert answers["How many moon shapes are there?"] == ("1", 8)
    assert answers.get("Is there a red star?", ("yes",))[0] == "yes"
    assert answers.get("Is there a blue star?", ("no",))[0] == "no"


def test_two_stars_leave_no_question_about_the_colour_of_the_star():
    stars = [Thing("shape", shape="star", colour=c, width=9, height=9) for c in ("red", "blue")]
    layout = Layout("plain", night=False, density=2, things=stars, largest=None)
    texts = {q.text for q in ask(layout, 60, np.random.default_rng(0))}
    assert "What color is the star?" not in texts
    assert "How many star shapes are there?" in texts


def test_largest_is_asked_only_where_it_is_clearly_the_largest():
    big, other = (Thing("shape", shape="star", colour="red", width=w, detail=w) for w in (20, 18))
    layout = Layout("plain", night=False, density=2, things=[big, other], largest=big)
    assert "comparison" not in {q.group for q in ask(layout, 60, np.random.default_rng(0))}


def test_yes_and_no_are_about_equally_frequent():
    scenes = iterate_scenes("fit", 300, questions=8)
    answers = [q.answer for s in scenes for q in s.questions if q.group == "existence"]
    assert 0.4 < np.mean([answer == "yes" for answer in answers]) < 0.6


def test_patch_labels_name_the_thing_that_lies_there():
    thing = Thing("plated", shape="moon", colour="red", plate="blue", left=16, top=32)
    thing.width = thing.height = 24
    layout = Layout("dots", night=True, density=3, things=[thing], largest=None)
    labels = dict(zip([name for name, _ in PATCH_CHANNELS], patch_labels(layout), strict=True))
    inside = np.zeros((GRID, GRID), bool)
    inside[4:7, 2:5] = True
    assert np.array_equal(labels["kind"] == 1 + SHAPES.index("moon"), inside)
    assert np.array_equal(labels["plate"] == 1 + COLOUR_NAMES.index("blue"), inside)
    assert (labels["centre"] == 1).sum() == 1
    assert labels["centre"][5, 3] == 1
    assert (labels["value"] == IGNORED).all()
    assert (labels["night"] == 1).all()


def test_labels_stay_within_their_classes(scenes):
    for scene in scenes:
        for (name, classes), channel in zip(PATCH_CHANNELS, scene.labels, strict=True):
            assert ((channel == IGNORED) | (channel >= 0)).all(), name
            assert channel.max() < classes, name


def test_every_shape_looks_different_even_when_small():
    masks = [shape_mask(kind, 8) for kind in SHAPES]
    for i, first in enumerate(masks):
        for second in masks[i + 1 :]:
            assert np.abs(first - second).mean() > 0.05


def test_words_are_not_cut():
    for word in WORDS:
        for height in (10, 14, 30):
            whole = Image.new("L", (4 * height, 3 * height))
            font = ImageFont.load_default(height)
            ImageDraw.Draw(whole).text((height, height), word, fill=255, font=font)
            ink = np.asarray(whole, np.float32).sum() / 255
            assert word_mask(word, height).sum() == pytest.approx(ink, rel=0.01), word


def test_handwriting_is_not_cut():
    rng = np.random.default_rng(0)
    for pixels in load_digits().images[:300]:
        ink = digit_mask(pixels, 24, rng)
        border = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
        assert border.sum() < 0.02 * ink.sum()


def test_things_stand_inside_the_picture_and_apart(scenes):
    for scene in scenes:
        taken = np.zeros((IMAGE_SIZE, IMAGE_SIZE), int)
        for thing in scene.layout.things:
            assert min(thing.left, thing.top) >= 0
            rows, columns = thing.top + thing.height, thing.left + thing.width
            assert max(rows, columns) <= IMAGE_SIZE
            taken[thing.top : rows, thing.left : columns] += 1
        assert taken.max(initial=0) <= 1


def test_in_a_crowd_every_shape_shares_its_square_with_others(scenes):
    for scene in scenes:
        density = scene.layout.density
        if density not in CROWDS:
            continue
        side = IMAGE_SIZE // density * CROWD_SIDE
        bare = [
            t for t in scene.layout.things if t.kind == "shape" and t is not scene.layout.largest
        ]
        squares = Counter((t.left // side, t.top // side) for t in bare)
        assert len(squares) <= CROWDS[density][1]
        # Only beside the largest, which fills four cells, may a square be left half empty.
        assert sum(count < CROWD_SIDE**2 for count in squares.values()) <= 4


def test_lists_to_train_on_name_what_is_there():
    for scene in iterate_scenes("model-train", 40, questions=1):
        things = scene.layout.things
        for text, answer, group, *_ in scene.drills:
            words = answer.split()
            if text == LISTS["plates"]:
                names = {f"{t.plate} {t.value or t.colour + ' ' + t.shape}" for t in things}
                assert any(answer.startswith(name) for name in names)
            elif group == "list":
                pairs = list(zip(words[::2], words[1::2], strict=True))
                assert 1 <= len(pairs) <= LIST_LENGTH
                colour_first = text == LISTS["colours_first"]
                shown = {
                    (t.colour, t.shape) if colour_first else (t.shape, t.colour) for t in things
                }
                assert set(pairs) <= shown


def test_only_scenes_to_train_on_have_drills(scenes):
    assert not any(scene.drills for scene in scenes)
    assert "list" not in {question.group for scene in scenes for question in scene.questions}


def test_every_class_of_a_patch_has_its_place_among_the_words():
    sizes = [len(words) for words in PATCH_WORDS]
    assert sizes == [classes for _, classes in PATCH_CHANNELS]


def test_unknown_split_is_refused_by_name():
    with pytest.raises(ValueError, match="no split 'train'; there are model-train, fit"):
        next(iterate_scenes("train", 1))


def test_dataset_has_the_columns_of_every_dataset_and_patch_labels_only_to_train_on():
    test = load_scenes("test", 3)
    assert test.column_names[:5] == ["id", "image", "question", "answers", "group"]
    assert test[0]["image"].size == (96, 96)
    train = load_scenes("model-train", 2)
    assert np.asarray(train[0]["patch_labels"]).shape == (len(PATCH_CHANNELS), GRID, GRID)
    assert "patch_labels" not in test.column_names
