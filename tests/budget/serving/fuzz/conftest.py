"""A real server on loopback, in a thread of this process, with the shipped model and policy."""

import json
from urllib.parse import urlsplit

import httpx2
import pytest
from served import served

from budget.adaptive import AdaptiveVLM
from budget.models import find_model, load_model
from budget.serving.app import create_app
from budget.serving.limits import Limits
from budget.serving.settings import ServeSettings
from policies.policy_files import load_policy

LONGEST_MESSAGE = 2_000  # characters; an error does not send back what it was sent
LIMITS = Limits(max_body_bytes=300_000, max_pixels=1_000_000, max_images=3, max_new_tokens=32)


class Checked:
    """Sends to the server and holds every answer to what all answers must be."""

    def __init__(self, http):
        self.http = http
        self.url = str(http.base_url)
        self.statuses = {}

    def chat(self, body, **headers):
        """Send a body, given as bytes or as what JSON makes of it."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", **headers}
        return self.check(self.http.post("/v1/chat/completions", content=data, headers=headers))

    def check(self, response):
        """Refuse a server error, and errors that are not in OpenAI's form."""
        status = response.status_code
        self.statuses[status] = self.statuses.get(status, 0) + 1
        assert status < 500, response.text[:1_000]
        if status >= 400:
            error = response.json()["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert 0 < len(error["message"]) <= LONGEST_MESSAGE
            assert "\n" not in error["message"]
        return response

    def check_alive(self):
        """Ask something simple, which is answered; no request so far was counted as failed."""
        assert 'outcome="failed"' not in self.http.get("/metrics").text
        question = {"role": "user", "content": "What color is the ring?"}
        response = self.chat({"model": "m3", "messages": [question], "max_tokens": 2})
        assert response.status_code == 200, response.text
        assert response.json()["choices"][0]["message"]["content"]


@pytest.fixture(scope="session")
def address():
    """Where the server listens."""
    model = load_model("m3")
    vlm = AdaptiveVLM(model, load_policy(find_model("m3") / "policy"))
    app = create_app(vlm, ServeSettings(limits=LIMITS))
    with served(app) as url:
        yield urlsplit(url).hostname, urlsplit(url).port


@pytest.fixture(scope="session")
def http(address):
    with httpx2.Client(base_url="http://{}:{}".format(*address), timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def module_server(http):
    """The server for a whole module, which hypothesis' own decorators need."""
    return Checked(http)


@pytest.fixture
def server(http):
    """The server; after the test it still answers as it must."""
    checked = Checked(http)
    yield checked
    checked.check_alive()
