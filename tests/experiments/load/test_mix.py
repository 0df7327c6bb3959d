import json
import struct
from collections import Counter

import pytest

from budget.errors import DataError
from budget.pictures import open_image
from experiments.load.call import Manner
from experiments.load.material import bomb, data_url, draw_pictures, large_image
from experiments.load.mix import SHARES, draw_calls

LADDER = (1, 4, 9, 36, 144)
SMALL = {"max_body_bytes": 5_000, "max_images": 2}


@pytest.fixture(scope="module")
def calls():
    return draw_calls(200, model="m3", ladder=LADDER, **SMALL)


def test_the_same_seed_gives_the_same_requests():
    first, again, other = (
        draw_calls(40, model="m3", ladder=LADDER, seed=seed, **SMALL) for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


def test_every_kind_is_sent_and_two_in_three_are_owed_an_answer(calls):
    counts = Counter(call.kind for call in calls)
    assert len(calls) == 200
    assert set(counts) == set(SHARES)
    assert 0.55 < sum(call.asked is not None for call in calls) / 200 < 0.75


def test_without_keys_nobody_asks_without_one():
    count = len(SHARES) - 1
    open_calls = draw_calls(count, model="m3", ladder=LADDER, keyed=False, **SMALL)
    assert all(call.key for call in open_calls)


def test_as_few_requests_as_kinds_are_one_of_each():
    few = draw_calls(len(SHARES), model="m3", ladder=LADDER, **SMALL)
    assert {call.kind for call in few} == set(SHARES)
    with pytest.raises(ValueError, match=f"at least {len(SHARES)} requests"):
        draw_calls(len(SHARES) - 1, model="m3", ladder=LADDER, **SMALL)


def test_a_good_request_holds_what_its_answer_is_checked_against(calls):
    for call in [call for call in calls if call.asked is not None]:
        (message,) = json.loads(call.body)["messages"]
        parts = message["content"]
        if isinstance(parts, str):
            assert (parts, call.asked.images) == (call.asked.question, ())
            continue
        urls = [part["image_url"]["url"] for part in parts[:-1]]
        assert parts[-1]["text"] == call.asked.question
        assert [url.partition(",")[2] for url in urls] == [
            data_url(file).partition(",")[2] for file in call.asked.images
        ]


def test_good_requests_are_told_apart_by_image_and_question(calls):
    asked = [(call.asked.images, call.asked.question) for call in calls if call.asked]
    assert len(set(asked)) > 0.75 * len(asked)


def test_fixed_scales_are_those_of_the_ladder_and_are_checked(calls):
    for call in [call for call in calls if call.kind == "fixed m"]:
        assert json.loads(call.body)["budget"] == {
            "num_visual_tokens": call.asked.num_visual_tokens
        }
        assert call.asked.num_visual_tokens in LADDER
    ends = {call.asked.num_visual_tokens for call in calls if call.kind.startswith("detail")}
    assert ends == {1, 144}


def test_only_clients_that_leave_are_owed_nothing(calls):
    for call in calls:
        assert (0 in call.expected) == call.manner.leaves
    assert {call.manner for call in calls} == set(Manner)


def test_bodies_that_must_be_too_large_are(calls):
    assert all(len(call.body) > 5_000 for call in calls if call.kind == "oversized body")


def test_the_bomb_is_small_and_declares_more_than_is_read():
    file = bomb()
    assert struct.unpack(">II", file[16:24]) == (50_000, 50_000)
    assert len(file) < 2_000
    with pytest.raises(DataError, match="pixels"):
        open_image(file)


def test_a_large_image_is_whole_and_only_a_servers_limit_stops_it():
    file = large_image(side=2_000)
    assert len(file) < 2_000
    assert open_image(file).size == (2_000, 2_000)


def test_pictures_are_distinct_and_have_questions():
    pictures = draw_pictures(30)
    assert len({picture.png for picture in pictures}) == 30
    assert all(picture.questions for picture in pictures)
