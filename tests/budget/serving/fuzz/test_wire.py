"""Bytes on the socket that are no proper HTTP, or headers that nobody sends."""

import json
import socket
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from request_fuzz import broken

BODY = json.dumps(
    {"model": "m3", "messages": [{"role": "user", "content": "?"}], "max_tokens": 1}
).encode()
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(BODY)
)


def send_raw(address, data, patience=0.2):
    """Send bytes and return all that comes back until the server closes or is silent so long."""
    found = b""
    with socket.create_connection(address, timeout=20) as wire, suppress(OSError):
        wire.sendall(data)
        wire.settimeout(patience)
        while piece := wire.recv(65_536):
            found += piece
    return found


def statuses(answer):
    """Return the status of the answer, if there is one."""
    return [int(answer.split(None, 2)[1])] if answer.startswith(b"HTTP/1.1 ") else []


def send_many(address, count):
    seen = set()

    @settings(max_examples=count, suppress_health_check=[HealthCheck.too_slow])
    @given(broken(st.just(HEAD + BODY)))
    def send(data):
        found = statuses(send_raw(address, data))
        seen.update(found)
        assert all(status < 500 or status == 505 for status in found), data

    send()
    return seen


def test_the_request_is_answered_where_nothing_is_spoilt(address):
    assert statuses(send_raw(address, HEAD + BODY, patience=20)) == [200]


def test_spoilt_bytes_never_make_the_server_fail(server, address):
    assert 400 in send_many(address, 40)


@pytest.mark.slow
def test_many_spoilt_bytes_never_make_the_server_fail(server, address):
    send_many(address, 1_500)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: here\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: here\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"BREW /health HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        HEAD.replace(b"content-length", b"transfer-encoding: chunked\r\ncontent-length") + BODY,
        HEAD.replace(b"\r\n\r\n", b"\r\ncontent-length: 7\r\n\r\n") + BODY,
        HEAD.replace(b"content-length: ", b"content-length: -") + BODY,
        HEAD.replace(b"content-length: ", b"content-length: 99") + BODY,
        HEAD.replace(b"POST", b"GET") + BODY,
        HEAD + BODY + HEAD,
    ],
    ids=range(15),
)
def test_what_is_no_http_is_refused_or_left(server, address, data):
    assert all(status < 500 or status == 505 for status in statuses(send_raw(address, data)))


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": ""},
        {"content-encoding": "gzip"},
        {"content-encoding": "nonsense"},
        {"authorization": "Bearer " + "k" * 5_000},
        {"authorization": "Basic \xff"},
        {"accept": "text/nothing"},
        {"expect": "100-continue"},
        {"range": "bytes=0-1"},
        {"x-forwarded-for": "127.0.0.1, ::1"},
        {"origin": "null", "cookie": "a=" + "b" * 3_000},
        {"host": "[::bad"},
    ],
    ids=str,
)
def test_headers_that_nobody_sends_do_no_harm(server, headers):
    given = {name: value.encode("latin-1") for name, value in headers.items()}
    assert server.chat(BODY, **given).status_code in (200, 400, 415)
