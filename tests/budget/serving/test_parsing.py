"""Every request is served or refused with one line that names its field."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.serving.errors import RequestError
from budget.serving.parsing import MAX_MARKS, parse_request

USER = {"role": "user", "content": "How many?"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:,"}}


def body(**fields):
    return json.dumps({"model": "m3", "messages": [USER], **fields}).encode()


def said(content):
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"max_tokens": 16},
        {"max_tokens": 16.0},
        {"max_tokens": None},
        {"temperature": 1},
        {"stop": "x"},
        {"stop": ["a", "b", "c", "d"]},
        {"seed": -1},
        {"n": 1},
        {"tools": []},
        {"logprobs": False},
        {"presence_penalty": 0},
        {"response_format": {"type": "text"}},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"budget": {"mean_tokens": 36}},
        {"budget": {"risk": {"epsilon": 0.01}}},
        {"user": "u", "metadata": {"a": "b"}, "reasoning_effort": "low", "something_new": [1]},
        {"messages": [{"role": "developer", "content": "Be brief."}, USER]},
        {"messages": said([PICTURE, {"type": "text", "text": "?"}])},
    ],
)
def test_what_clients_send_is_taken(fields):
    assert parse_request(body(**fields)).model == "m3"


@pytest.mark.parametrize(
    ("fields", "param", "text"),
    [
        ({"messages": 5}, "messages", "list, got 5"),
        ({"messages": []}, "messages", "at least 1"),
        ({"messages": ["a"]}, "messages[0]", "got 'a'"),
        ({"messages": [{}]}, "messages[0].role", "needed"),
        ({"messages": [{"role": "tool"}]}, "messages[0].role", "'user'.*got 'tool'"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "needed"),
        ({"messages": said(5)}, "messages[0].content", "string or .*list, got 5"),
        ({"messages": said([])}, "messages[0].content", "at least 1"),
        ({"messages": said([{}])}, "messages[0].content[0].type", "needed"),
        ({"messages": said([{"type": "input_audio"}])}, "messages[0].content[0].type", "'text'"),
        (
            {"messages": said([{"type": "image_url", "image_url": "u"}])},
            "messages[0].content[0].image_url",
            "got 'u'",
        ),
        (
            {"messages": said([{"type": "image_url", "image_url": {"url": "u", "detail": "mid"}}])},
            "messages[0].content[0].image_url.detail",
            "'low', 'high'.*got 'mid'",
        ),
        ({"max_tokens": "16"}, "max_tokens", "integer, got '16'"),
        ({"max_tokens": True}, "max_tokens", "got True"),
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"temperature": 3}, "temperature", "less than or equal to 2, got 3"),
        ({"top_p": 0}, "top_p", "greater than 0"),
        ({"stop": ["a"] * 5}, "stop", "at most 4"),
        ({"stop": ""}, "stop", "at least 1"),
        ({"stream": "yes"}, "stream", "boolean, got 'yes'"),
        ({"budget": {"price": 1, "mean_ms": 3}}, "budget", "at most 1 of"),
        ({"budget": {"prize": 1}}, "budget.prize", "not permitted"),
        ({"budget": {"mean_tokens": 0}}, "budget.mean_tokens", "greater than 0"),
        ({"budget": {"risk": {"epsilon": 2}}}, "budget.risk.epsilon", "less than 1"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(fields, param, text):
    with pytest.raises(RequestError, match=text) as caught:
        parse_request(body(**fields))
    assert (caught.value.status, caught.value.param) == (400, param)
    assert caught.value.message.startswith(param)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logprobs": True},
        {"top_logprobs": 3},
        {"tools": [{"type": "function"}]},
        {"functions": [{}]},
        {"response_format": {"type": "json_object"}},
        {"modalities": ["audio"]},
        {"audio": {}},
        {"logit_bias": {"1": 5}},
        {"presence_penalty": 0.5},
        {"messages": [USER, {"role": "assistant", "content": "a", "tool_calls": [{}]}, USER]},
    ],
)
def test_what_would_change_the_answer_is_refused_not_ignored(fields):
    with pytest.raises(RequestError) as caught:
        parse_request(body(**fields))
    assert caught.value.code == "unsupported_value"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"model": NaN}', "not valid JSON"),
        (b'"\\ud800"', "not valid JSON"),
        (b"[" * 100_000, "recursion limit"),
        (b"[1]", "must be a JSON object"),
        (b"{}", "model: this field is needed"),
    ],
)
def test_what_is_no_request_at_all_is_refused(data, text):
    with pytest.raises(RequestError, match=text):
        parse_request(data)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": said([5] * 60_000)},
        {"messages": [5] * 60_000},
        {"stop": [5] * 60_000},
        {"budget": {str(i): 1 for i in range(60_000)}},
        {"budget": {"risk": {str(i): 1 for i in range(60_000)}}},
    ],
)
def test_a_great_many_wrong_values_are_one_error_and_little_work(fields):
    start = time.process_time()
    with pytest.raises(RequestError) as caught:
        parse_request(body(**fields))
    assert time.process_time() - start < 2
    assert len(caught.value.message) < 600


def test_more_values_than_are_read_are_refused_before_they_are_parsed():
    with pytest.raises(RequestError, match="commas and brackets"):
        parse_request(body(x=[1] * MAX_MARKS))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "image_url", "url", "price"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["messages", "budget", "stop", "n", "max_tokens", "stream", "tools"]), JSON
    )
)
def test_no_body_breaks_the_parser(fields):
    with suppress(RequestError):
        parse_request(body(**fields))
