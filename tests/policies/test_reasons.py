"""What is said of a request is true of it, and nothing is said of what is usual."""

import numpy as np
import pytest
from known_policies import NAMES, column, rows
from PIL import Image, ImageDraw

from policies import featurize
from policies.contributions import GroupContribution
from policies.feature_groups import GROUPS, group_of
from policies.reasons import Reader, listed
from policies.sentences import sentence_of

QUESTIONS = [
    "What is written on the sign?",
    "How many dots are there?",
    "Which colour is the ball?",
    "Is there a red circle on the left?",
    "Does this show day or night?",
]


def picture(size, *, dots=0, text=False):
    image = Image.new("RGB", size, "#a0a0a0")
    draw = ImageDraw.Draw(image)
    for i in range(dots):
        x, y = 16 * (i % 6), 16 * (i // 6)
        draw.ellipse((x, y, x + 5, y + 5), fill="red")
    if text:
        for y in range(2, size[1] - 10, 10):
            draw.text((2, y), "minimum illicit mill", fill="black")
    return image


@pytest.fixture(scope="module")
def typical():
    """Squares of five sizes with big red balls, and five questions each."""
    pictures = []
    for i in range(25):
        image = picture((90 + i % 5, 90 + i % 5))
        ImageDraw.Draw(image).ellipse((20, 20, 50 + i, 50 + i), fill="red")
        pictures.append(image)
    return featurize(pictures, [QUESTIONS[i % 5] for i in range(25)])


def said(image, question, typical):
    return {claim.text for claim in Reader(featurize([image], [question])[0], typical).claims()}


def test_a_page_of_text_is_said_to_be_one(typical):
    found = said(picture((90, 90), text=True), "What does the page say?", typical)
    assert "the question asks for text" in found
    assert "the image has more thin strokes than usual" in found
    assert "the image has more sharp edges than usual" in found
    assert "the question names no colour" in found
    assert not any("larger than usual" in claim and "image is" in claim for claim in found)


def test_small_things_are_said_to_be_small(typical):
    found = said(picture((90, 90), dots=20), "How many red dots?", typical)
    assert "coloured things in the image are smaller than usual" in found
    assert "what has the colour that the question names is smaller than usual" in found
    assert "the question asks for a number" in found
    assert "the question names no colour" not in found


@pytest.mark.parametrize(
    ("size", "claim"),
    [
        ((300, 300), "the image is larger than usual"),
        ((40, 40), "the image is smaller than usual"),
        ((200, 90), "the image is wider for its height than usual"),
        ((90, 200), "the image is taller for its width than usual"),
    ],
)
def test_size_and_shape_are_said_as_they_are(typical, size, claim):
    assert claim in said(picture(size), "What?", typical)


@pytest.mark.parametrize(
    ("question", "claim"),
    [
        ("What does the label say?", "the question asks for text"),
        ("Is the word long?", "the question is about text"),
        ("Is the word long?", "the question is to be answered by yes or no"),
        ("Which colour is the word?", "the question is about text and colours"),
        ("Which one?\nA. tea\nB. milk", "the question gives a choice of answers"),
        ("What hue?", "the question asks for a colour"),
        ("Where is it?", "the question is about positions"),
    ],
)
def test_questions_are_said_to_ask_what_their_words_ask(typical, question, claim):
    assert claim in said(picture((90, 90)), question, typical)


def test_nothing_is_compared_in_a_request_from_the_middle():
    typical = rows(40)
    middle = np.median(typical, axis=0)
    claims = Reader(middle, typical).claims()
    assert not [claim for claim in claims if "usual" in claim.text]


@pytest.mark.parametrize("seed", range(5))
def test_every_comparison_holds_of_most_typical_requests(seed):
    rng = np.random.default_rng(seed)
    typical, row = rng.normal(size=(40, len(NAMES))), rng.normal(size=len(NAMES)) * 2
    claims = [claim for claim in Reader(row, typical).claims() if "usual" in claim.text]
    assert claims
    more = ("more ", "larger", "brighter", "richer", "wider", "longer")
    for claim in claims:
        columns = [column(name) for name in claim.features]
        usual = typical[:, columns].sum(axis=1)
        if claim.group == "named":
            usual = usual[typical[:, column("named_colours")] > 0]
        above = row[columns].sum() > usual
        end = claim.text.removeprefix("the larger ").removeprefix("the smaller ")
        assert (above if any(word in end for word in more) else ~above).mean() >= 0.75, claim


def test_claims_are_filed_under_the_group_of_their_features(typical):
    row = featurize([picture((300, 100), dots=9, text=True)], ["Is there text in red?"])[0]
    claims = Reader(row, typical).claims()
    assert len(claims) > 5
    for claim in claims:
        assert {group_of(name) for name in claim.features} == {claim.group}


def test_a_colour_is_compared_only_where_others_name_one_too(typical):
    few = typical.copy()
    few[:, [i for i, name in enumerate(NAMES) if name.startswith("named_")]] = 0
    found = said(picture((90, 90), dots=20), "How many red dots?", few)
    assert not any("that the question names" in claim for claim in found)


def group(name, bits, claim=""):
    words = {each.name: each.words for each in GROUPS}[name]
    return GroupContribution(name, words, bits, bits / 10, claim)


TEXT = group("kind", 1.2, "the question asks for text")
STROKES = group("strokes", 0.8, "the image has more thin strokes than usual")
WORDING, LENGTH = group("wording", 0.7), group("length", -0.3)


@pytest.mark.parametrize(
    ("tokens", "usual", "common", "groups", "sentence"),
    [
        (
            36,
            9,
            True,
            [TEXT, STROKES, LENGTH],
            "36 tokens rather than the usual 9: the question asks for text; the image has more "
            "thin strokes than usual",
        ),
        (
            36,
            9,
            False,
            [TEXT, WORDING],
            "36 tokens, where typical requests get about 9: the question asks for text; also "
            "because of the wording of the question",
        ),
        (
            1,
            9,
            True,
            [TEXT, LENGTH],
            "1 token rather than the usual 9, because of the length of the question",
        ),
        (
            9,
            9,
            True,
            [TEXT, LENGTH],
            "9 tokens, as is usual (for more tokens: the question asks for text; for fewer tokens: "
            "the length of the question)",
        ),
        (9, 9, True, [group("size", 0.01)], "9 tokens, as is usual"),
        (9, 9, False, [], "9 tokens, about what typical requests get on average"),
        (
            36,
            9,
            True,
            [group("kind", 2.0, "A"), group("named", 0.2, "B")],
            "36 tokens rather than the usual 9: A",
        ),
    ],
)
def test_sentences(tokens, usual, common, groups, sentence):
    assert sentence_of(tokens, usual, common, groups) == sentence


def test_lists():
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
