import json

import pytest

from experiments.load.call import Outcome
from experiments.load.said import Said, read_answer, read_error

EVENTS = (("content-type", "text/event-stream; charset=utf-8"), ("x-visual-tokens", "36"))


def stream(*chunks, done=True):
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"] * done
    return Outcome(200, 1.0, "".join(lines).encode(), EVENTS)


def piece(text=None, reason=None):
    delta = {} if text is None else {"content": text}
    return {"choices": [{"delta": delta, "finish_reason": reason}]}


def test_a_whole_answer_is_read_with_its_figures(answered):
    assert read_answer(answered("red", visual=9, prompt=40)) == Said("red", "stop", 9, 40)


def test_pieces_of_a_stream_are_joined_and_its_usage_found():
    usage = {
        "choices": [],
        "usage": {"prompt_tokens": 50, "prompt_tokens_details": {"image_tokens": 36}},
    }
    said = read_answer(stream(piece(""), piece("da"), piece("rk"), piece(reason="length"), usage))
    assert said == Said("dark", "length", 36, 50)


def test_a_stream_without_usage_has_its_visual_tokens_from_the_header():
    assert read_answer(stream(piece("a", "stop"))).image_tokens == 36


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (stream(piece("a", "stop"), done=False), r"end with \[DONE\]"),
        (stream({"error": {"message": "gone"}}), "error came in the stream"),
        (stream(piece("a")), "one finish_reason"),
        (stream(piece("a", "stop"), piece("b", "stop")), "one finish_reason"),
        (Outcome(200, 1.0, b"hello"), "Expecting value"),
        (Outcome(200, 1.0, b"[]"), "not an answer"),
        (Outcome(200, 1.0, b'{"choices": []}'), "not an answer"),
        (Outcome(200, 1.0, b"\xff"), "not an answer|utf-8|Expecting"),
    ],
)
def test_what_is_no_answer_is_refused(outcome, why):
    with pytest.raises(ValueError, match=why):
        read_answer(outcome)


def test_two_numbers_of_visual_tokens_are_refused(answered):
    with pytest.raises(ValueError, match="one number of visual tokens"):
        read_answer(answered("red", visual=9, header=1))


def test_an_error_needs_all_four_fields():
    error = {"message": "too large", "type": "invalid_request_error", "param": None, "code": "x"}
    assert read_error(json.dumps({"error": error}).encode()) == "too large"
    del error["param"]
    with pytest.raises(ValueError, match="an error needs"):
        read_error(json.dumps({"error": error}).encode())


@pytest.mark.parametrize("body", [b"", b"Internal Server Error", b'{"detail": "x"}', b"[]", b"7"])
def test_other_errors_are_refused(body):
    with pytest.raises(ValueError, match="not an error in OpenAI's form"):
        read_error(body)
