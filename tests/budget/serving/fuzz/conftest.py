"""The server's application in this process, with the shipped model and policy behind it."""

import json

import pytest

from budget.adaptive import AdaptiveVLM
from budget.models import find_model, load_model
from budget.serving.app import create_app
from budget.serving.limits import Limits
from budget.serving.settings import ServeSettings
from policies.policy_files import load_policy

LONGEST_MESSAGE = 2_000  # characters; an error does not send back what it was sent
LIMITS = Limits(max_body_bytes=300_000, max_pixels=1_000_000, max_images=3, max_new_tokens=32)


class Checked:
    """Sends to the application and holds every answer to what all answers must be."""

    def __init__(self, session):
        self.session = session
        self.statuses = {}

    def request(self, method, path, **given):
        return self.check(self.session.request(method, f"http://testserver{path}", **given))

    def chat(self, body, **headers):
        """Send a body, given as bytes or as what JSON makes of it."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", **headers}
        return self.request("POST", "/v1/chat/completions", data=data, headers=headers)

    def check(self, response):
        """Refuse a server error, and errors and answers that are not in OpenAI's form."""
        status = response.status_code
        self.statuses[status] = self.statuses.get(status, 0) + 1
        assert status < 500, response.text[:1_000]
        if status >= 400:
            error = response.json()["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert 0 < len(error["message"]) <= LONGEST_MESSAGE
            assert "\n" not in error["message"]
        return response


@pytest.fixture(scope="session")
def app():
    model = load_model("m3")
    vlm = AdaptiveVLM(model, load_policy(find_model("m3") / "policy"))
    return create_app(vlm, ServeSettings(limits=LIMITS))


@pytest.fixture(scope="session")
def session(app):
    from schemathesis.python import asgi

    with asgi.get_client(app) as client:
        yield client


@pytest.fixture(scope="module")
def module_server(session):
    """The application for a whole module, which hypothesis' own decorators need."""
    return Checked(session)


@pytest.fixture
def server(session):
    """The application; after the test it still answers as it must."""
    checked = Checked(session)
    yield checked
    question = {"role": "user", "content": "What color is the ring?"}
    response = checked.chat({"model": "m3", "messages": [question], "max_tokens": 2})
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"]
