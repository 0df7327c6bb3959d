"""Whatever stands in the body of a chat request, the server answers in form and goes on."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from request_fuzz import BODIES, JSON, TEXTS, spoilt_bodies, spoilt_bytes

BODIES_BY_KIND = {
    "well formed": BODIES,
    "one value wrong": spoilt_bodies(),
    "bytes spoilt": spoilt_bytes(),
    "any JSON": JSON,
    "any bytes": st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b'{"' + tail),
}
NUMBERS = ("1e400", "-1e400", "1e-400", "9" * 5_000, "-0", "0x10", "1.", "NaN", "Infinity", "1e")
FIELDS = ("max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "n", "budget")


def send_all(server, bodies, count):
    @settings(max_examples=count, suppress_health_check=[HealthCheck.too_slow])
    @given(bodies)
    def send(body):
        server.chat(body)

    send()


@pytest.mark.parametrize("kind", BODIES_BY_KIND)
def test_no_body_makes_the_server_fail(server, kind):
    send_all(server, BODIES_BY_KIND[kind], 20)
    assert kind != "well formed" or server.statuses[200] > 3  # some of them reach the model


@pytest.mark.slow
@pytest.mark.parametrize("kind", BODIES_BY_KIND)
def test_no_body_of_many_makes_the_server_fail(server, kind):
    send_all(server, BODIES_BY_KIND[kind], 1_500)
    print(kind, server.statuses)  # noqa: T201


@pytest.mark.parametrize("field", FIELDS)
def test_numbers_that_are_none_or_too_large_are_refused_or_read(server, field):
    asked = '"model": "m3", "messages": [{"role": "user", "content": "?"}]'
    for number in NUMBERS:
        response = server.chat(f'{{{asked}, "max_tokens": 1, "{field}": {number}}}'.encode())
        assert response.status_code in (200, 400), number


@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused(server, left, right):
    for depth in (100, 190, 210, 1_000, 60_000):
        nested = left * depth + b"1" + right * depth
        body = b'{"model": "m3", "messages": ' + nested + b"}"
        assert server.chat(body).status_code in (400, 413), depth
        assert server.chat(left * depth).status_code in (400, 413), depth


def test_of_a_key_that_stands_twice_one_is_taken(server):
    head = b'{"model": 7, "model": "m3", "messages": 3, '
    body = head + b'"messages": [{"role": "user", "content": "?"}], "max_tokens": 1}'
    assert server.chat(body).status_code in (200, 400)


@pytest.mark.parametrize("place", ["model", "role", "content", "stop", "user", "url"])
def test_halves_of_characters_and_zeros_are_refused_or_read(server, place):
    for escape in (r"\ud800", r"\udfff\ud800", r"\u0000", r"\x41", "\\"):
        response = server.chat(with_escape(place, escape))
        assert response.status_code in (200, 400, 404), escape


def with_escape(place, escape):
    """Return a body with an escape of JSON at the end of one of its texts."""
    words = {name: name for name in ("content", "stop", "user")}
    words |= {"model": "m3", "role": "user", "url": "data:image/png;base64,"}
    words[place] += escape
    image = f', {{"type": "image_url", "image_url": {{"url": "{words["url"]}"}}}}'
    parts = f'[{{"type": "text", "text": "{words["content"]}"}}{image * (place == "url")}]'
    return (
        f'{{"model": "{words["model"]}", "stop": "{words["stop"]}", "user": "{words["user"]}", '
        f'"max_tokens": 1, "messages": [{{"role": "{words["role"]}", "content": {parts}}}]}}'
    ).encode()


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS.filter(lambda text: len(text) < 1_000))  # longer ones are no prompt of this model
def test_every_text_is_a_question(module_server, text):
    question = [{"role": "user", "content": text}]
    body = {"model": "m3", "messages": question, "max_tokens": 1}
    assert module_server.chat(body).status_code == 200
