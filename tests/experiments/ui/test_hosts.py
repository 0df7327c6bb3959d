import pytest
from starlette.requests import Request

from experiments.ui.hosts import refusal


def asked(host, server=("127.0.0.1", 7860)):
    headers = [(b"host", host.encode())] if host else []
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "http"}
    return refusal(Request({**scope, "headers": headers, "server": server}))


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "localhost", "[::1]:7860"])
def test_this_machines_own_names_are_answered(host):
    assert asked(host) is None


@pytest.mark.parametrize("host", ["evil.example:7860", "127.0.0.1.evil.example", "10.0.0.1:7860"])
def test_another_name_that_leads_here_is_refused_in_one_line(host):
    response = asked(host)
    assert response.status_code == 421
    assert response.body.decode().count("\n") == 1
    assert host.partition(":")[0] in response.body.decode()


def test_a_page_for_others_answers_to_any_name():
    assert asked("gpu-box.example", server=("192.0.2.7", 7860)) is None
