"""What a server can do wrong: retried where that helps, said in one line where it does not."""

import re
import socket
import sys
import time

import pytest
from odd_server import PIXELS, odd_server
from PIL import Image

from budget.errors import ModelError, ModelLost
from budget.models import load_model
from budget.remote.failures import RequestFailed

IMAGE = Image.new("RGB", (64, 64), "green")
WORDS = {
    "dialect": "resize",
    "ladder": (1, 4),
    "knobs": [{"max_pixels": PIXELS}, {"max_pixels": 4 * PIXELS}],
    "probe": False,
}


def loaded(address, **more):
    return load_model(address, **{**WORDS, **more})


def ask(model, question="?"):
    return model.answer([IMAGE], [question], num_visual_tokens=4)[0].text


@pytest.mark.parametrize("trouble", [[500], [(429, 0.1)], ["cut"], [503, (502, 0.1)]])
def test_what_passes_by_itself_is_tried_again(trouble):
    with odd_server(tells=True) as (address, odd):
        model = loaded(address, max_retries=2)
        odd.plan.extend(trouble)
        assert ask(model) == "? saw 4"
        assert len(odd.bodies) == len(trouble) + 1
        model.close()


def test_a_pause_is_as_long_as_the_server_asks_and_does_not_count_as_its_time():
    with odd_server(tells=True) as (address, odd):
        model = loaded(address, max_retries=1)
        odd.plan.append((429, 1.5))
        ((timed, _),) = model.timed_every_scale([IMAGE], ["?"], max_new_tokens=1)
        pauses = [later - first for first in odd.times for later in odd.times if later > first]
        assert max(pauses) >= 1.5
        assert timed.seconds < 1.5
        model.close()


@pytest.mark.parametrize(
    ("trouble", "kind", "said"),
    [
        ([400], RequestFailed, "answered 400: planned 400"),
        ([500], RequestFailed, "answered 500: planned 500"),
        ([401], ModelLost, "answered 401: planned 401"),
        ([404], ModelLost, "answered 404: planned 404"),
        ([429], ModelLost, "answered 429: planned 429"),
        ([503], ModelLost, "answered 503: planned 503"),
        (
            ["garbage"],
            RequestFailed,
            r"no chat completion with usage \(it: .*it begins '{not json'",
        ),
        (["text"], RequestFailed, "it begins '<html>hello</html>'"),
        (["empty"], RequestFailed, r"no chat completion with usage \(choices: "),
        (["slow"], RequestFailed, "gave no answer within 0.5 s"),
        (["cut"], RequestFailed, "cannot be reached: "),
    ],
)
def test_what_stays_is_one_line_and_tells_whether_others_may_fare_better(trouble, kind, said):
    with odd_server(tells=True) as (address, odd):
        model = loaded(address, max_retries=0, timeout_s=0.5)
        odd.plan.extend(trouble)
        with pytest.raises(kind, match=said) as caught:
            ask(model)
        assert "\n" not in str(caught.value)
        assert isinstance(caught.value, ModelError)
        if trouble not in (["garbage"], ["text"], ["empty"]):
            assert re.match(r"http://127.0.0.1:\d+/v1 ", str(caught.value))
        assert ask(model) == "? saw 4"  # nothing is remembered against it
        model.close()


def test_nobody_there_is_one_line_within_the_retries():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"openai:http://127.0.0.1:{port}/v1#m3"
    with pytest.raises(ModelError, match=f"http://127.0.0.1:{port}/v1 cannot be reached: "):
        load_model(address, max_retries=0)
    model = loaded(address, max_retries=0)
    with pytest.raises(ModelLost, match="cannot be reached"):
        ask(model)
    model.close()


def test_the_first_sign_of_the_end_stops_all_other_requests():
    with odd_server(tells=True, slow_s=20) as (address, odd):
        model = loaded(address, max_retries=0, concurrency=2)
        odd.plan.extend(["slow", 401])
        since = time.perf_counter()
        with pytest.raises(ModelLost, match="401"):
            model.timed_every_scale([IMAGE] * 8, list("abcdefgh"), max_new_tokens=1)
        assert time.perf_counter() - since < 10
        assert len(odd.bodies) <= 3
        model.close()


def test_what_a_batch_was_answered_is_not_asked_again_because_one_request_failed():
    with odd_server(tells=True) as (address, odd):
        model = loaded(address, max_retries=0)
        images = [IMAGE.copy() for _ in range(4)]
        questions = ["a", "b", "refuse", "d"]
        with pytest.raises(RequestFailed, match="400: this is refused"):
            model.timed_every_scale(images, questions, max_new_tokens=1)
        asked = len(odd.bodies)
        good = model.timed_every_scale(images[:2], questions[:2], max_new_tokens=1)
        assert [row[1].answer.text for row in good] == ["a saw 4", "b saw 4"]
        with pytest.raises(RequestFailed, match="400"):
            model.timed_every_scale(images[2:], questions[2:], max_new_tokens=1)
        with pytest.raises(RequestFailed, match="400"):
            model.timed_every_scale(images[2:3], questions[2:3], max_new_tokens=1)
        model.timed_every_scale(images[3:], questions[3:], max_new_tokens=1)
        assert len(odd.bodies) == asked
        model.timed_every_scale(images[3:], questions[3:], max_new_tokens=1)
        assert len(odd.bodies) == asked + 2  # what was taken is not held any longer
        model.close()


def test_a_secret_that_a_server_repeats_is_not_told(monkeypatch):
    monkeypatch.setenv("ODD_KEY", "planned")
    with odd_server() as (address, odd):
        model = loaded(address, max_retries=0, api_key_env="ODD_KEY")
        odd.plan.append(401)
        with pytest.raises(ModelLost, match=r"answered 401: \*\*\* 401"):
            ask(model)
        model.close()


def test_without_the_client_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ModelError, match=r"pip install 'matryoshka-budget\[remote\]'"):
        load_model("openai:http://127.0.0.1:9/v1#m3")
