"""Examples of a report: who is shown, what is said of them, and that nothing of them is run."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from gap_world import Made, curves_of, drawn_scores, policy_of, run_of
from PIL import Image

from budget.stable import stable_scores
from experiments.report.disagreement import disagree
from experiments.report.example_cards import cut
from experiments.report.example_choice import needed_rungs, spread, typical_parts
from experiments.report.examples import examples_section
from experiments.report.thumbnails import MOST_IMAGES, SIZES, Album

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \"quotes\" 'too' 😀 ünï"


class Page(HTMLParser):
    """Tags, attributes and texts as a browser would read them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.cards, self.values = [], [], [], {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        own = dict(attrs)
        self.tags.append((tag, own))
        if tag == "article":
            self.cards.append(own)
        if tag == "select":
            self.values[own["name"]] = []
        if tag == "option" and own["value"]:
            list(self.values.values())[-1].append(own["value"])

    def handle_data(self, data):
        self.texts.append(data.strip())


def picture(side=40, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def made_run(n=60, *, images=1, broken=(), policies=True, question=EVIL, side=40):
    curves = curves_of(
        drawn_scores(n), groups=[f"group {i % 3} <i>" for i in range(n)], answers=[[EVIL] * 3] * n
    )
    samples = Made(
        [f"{i}: {question}" for i in range(n)],
        [[picture(side, i)] * images for i in range(n)],
        broken=broken,
    )
    own = (policy_of(np.random.default_rng(1).random((n, 3))),) if policies else ()
    return run_of(curves, *own, samples=samples)


def shown_of(run, **kwargs):
    section = examples_section(run, np.random.default_rng(0), **kwargs)
    return section, Page(section.html)


def test_nothing_of_a_sample_becomes_a_tag_or_a_script():
    run = made_run()
    run = replace(run, policies=(replace(run.policies[0], name=EVIL),))
    section, page = shown_of(run, num=3)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert all(
        own["src"].startswith("data:image/webp;base64,") for t, own in page.tags if t == "img"
    )
    assert not any(name.startswith("on") for _, own in page.tags for name in own)
    assert any(text.endswith(EVIL) for text in page.texts)
    assert {own["data-group"] for own in page.cards} == {f"group {i} <i>" for i in range(3)}
    assert "http" not in re.sub(r"data:image/webp;base64,[^\"]+", "", section.html)


def test_every_scale_that_is_enough_is_shown_in_samples_of_all_groups():
    curves = made_run().curves
    needed = needed_rungs(curves)
    parts = typical_parts(curves, needed, 3, np.random.default_rng(0))
    assert [part.of for part in parts] == [int((needed == rung).sum()) for rung in (0, 1, 2, -1)]
    for part, rung in zip(parts, (0, 1, 2, -1), strict=True):
        assert (needed[list(part.rows)] == rung).all()
        there = np.unique(curves.groups[needed == rung])
        assert len(set(curves.groups[list(part.rows)])) == min(3, len(there))


def test_draws_are_spread_over_groups_however_large_they_are():
    groups = np.array(["large"] * 95 + ["b"] * 3 + ["c"] * 2)
    rows = list(spread(np.arange(100), groups, np.random.default_rng(0)))
    assert sorted(rows) == list(range(100))
    assert sorted(groups[rows[:6]]) == ["b", "b", "c", "c", "large", "large"]


def test_equal_seeds_show_equal_pages():
    run = made_run()
    again = [shown_of(run, num=2)[0].html for _ in range(2)]
    assert again[0] == again[1]
    other = examples_section(run, np.random.default_rng(5), num=2).html
    assert other != again[0]


def test_disagreements_are_sorted_by_what_they_cost():
    # Needs 16; needs 4; needs 1; never right; right at once, wrong later: nobody knows.
    scores = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 1], [0, 0, 0], [1, 0, 0]], dtype=float)
    curves = curves_of(scores)
    chosen = np.array([0, 0, 2, 2, 2])
    expected = np.eye(3)[chosen]
    found = disagree(curves, policy_of(expected, price=0.0), needed_rungs(curves))
    assert found.cheap.tolist() == [1, 0]  # three more tokens would have spared the first
    assert found.dear.tolist() == [2]
    assert found.score_lost == 2 / 5
    assert found.tokens_wasted == 15 / 5
    assert found.cheap_share.value == 2 / 5
    assert found.cheap_share.low < 0.2 < 0.6 < found.cheap_share.high


def test_of_errors_of_one_cost_the_surest_comes_first():
    curves = curves_of([[0, 0, 1]] * 3)
    expected = [[0.6, 0, 0], [0.9, 0, 0], [0.7, 0, 0]]
    found = disagree(curves, policy_of(expected), needed_rungs(curves))
    assert found.cheap.tolist() == [1, 2, 0]


def test_a_policy_that_agrees_has_no_part_of_its_own():
    curves = curves_of(drawn_scores(40))
    run = run_of(curves, policy_of(stable_scores(curves.scores)))
    section, page = shown_of(run, num=2)
    assert "on 0.0 % (0.0 to" in " ".join(section.words)
    assert not any("too dear" in text for text in page.texts if "m" in text)


def test_filters_offer_what_the_cards_have():
    _, page = shown_of(made_run(), num=3)
    assert list(page.values) == ["part", "group", "need", "policy0"]
    for name, values in page.values.items():
        assert set(values) == {card[f"data-{name}"] for card in page.cards}
    lone = run_of(curves_of(np.ones((5, 3))))
    assert not shown_of(lone, num=3)[1].values  # one group, one scale: nothing to choose


def test_signs_do_not_rest_on_colour_alone():
    _, page = shown_of(made_run(policies=False), num=2)
    marks = [own for tag, own in page.tags if own.get("role") == "img"]
    assert len(marks) == 3 * len(page.cards)
    assert {own["aria-label"] for own in marks} == {"right", "wrong"}
    assert {"✓", "✗"} <= set(page.texts)


def test_soft_scores_stand_beside_the_sign():
    curves = curves_of(np.tile([0.25, 0.75, 1.0], (20, 1)))
    section, page = shown_of(run_of(curves), num=2)
    assert {"0.25", "0.75"} <= set(page.texts)
    assert "beside it the score" in section.html


def test_without_data_there_are_ids_and_answers_only():
    run = made_run()
    section, page = shown_of(replace(run, samples=None), num=2)
    assert "give the data with `--data`" in " ".join(section.words)
    assert page.cards
    assert not any(tag == "img" for tag, _ in page.tags)
    assert "This sample has no image." not in page.texts


def test_images_that_cannot_be_read_cost_no_report():
    section, page = shown_of(made_run(n=12, broken=range(12)), num=2)
    assert "The image cannot be shown: cannot identify <this> file" in page.texts
    assert "cannot be read" in section.words[-1]


def test_of_many_images_the_first_are_shown_and_the_rest_are_counted():
    _, page = shown_of(made_run(n=6, images=MOST_IMAGES + 2, policies=False), num=1)
    images = [own for tag, own in page.tags if tag == "img"]
    assert len(images) == MOST_IMAGES * len(page.cards)
    assert "2 more images not shown." in page.texts
    assert all(own["alt"] for own in images)


def test_less_room_makes_thumbnails_smaller_then_examples_fewer_then_pictures_go():
    run = made_run(n=30, side=300)
    whole = shown_of(run, num=2)[0]
    assert len(whole.words) == 2  # nothing was left out
    sizes = []
    for part in (3, 20, 60):
        room = len(whole.html) // part
        section = examples_section(run, np.random.default_rng(0), num=2, max_bytes=room)
        assert len(section.html.encode()) <= room
        assert "For the size of the page" in " ".join(section.words)
        sizes.append(section.html.count("<article"))
    assert sizes[0] == whole.html.count("<article")
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0]
    nothing = examples_section(run, np.random.default_rng(0), num=2, max_bytes=10)
    assert nothing.html == ""
    assert nothing.words[0] == "No example of the 30 samples is shown."


def test_thumbnails_are_never_larger_than_the_picture():
    for side, seen in ((30, 30), (2000, SIZES[0][0])):
        samples = Made(["?"], [[picture(side)]])
        assert Album(samples).pictures(0).images[0].size == (seen, seen)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_kind_become_thumbnails(mode):
    grey = Image.fromarray(np.arange(900, dtype=np.uint16).reshape(30, 30) * 70)
    image = grey if mode == "I;16" else picture(30).convert("RGBA").convert("RGB")
    image = image.convert("LA" if mode == "LA" else mode) if mode != "I;16" else grey
    shown = Album(Made(["?"], [[image]])).pictures(0)
    assert shown.problem == ""
    assert shown.images[0].mode == "RGB"


def test_long_texts_are_cut_and_say_so():
    assert cut("x" * 180).whole == ""
    long = cut("x" * 5000)
    assert len(long.start) == 182
    assert len(long.whole) == 3000
    assert long.note == "the first 3,000 of 5,000 characters"


def test_no_examples_are_shown_where_none_are_wanted():
    assert shown_of(made_run(), num=0)[0].html == ""
    with pytest.raises(ValueError, match="examples must be at least 0, got -1"):
        shown_of(made_run(), num=-1)
