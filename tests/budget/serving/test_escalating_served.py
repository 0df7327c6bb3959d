"""A model that goes up, behind the real server in the place of one that chooses once."""

import asyncio
import json

import httpx2
import numpy as np
import pytest
from echo_server import asking, served

from budget.escalating import EscalatingVLM
from budget.escalation import STOP
from budget.models import load_model

PATH = "/v1/chat/completions"


class TwoAnswers:
    """Answers at the first rung, then at the third, and stops."""

    def __init__(self, ladder):
        self.ladder = ladder

    def describe(self, images, questions):
        return np.zeros((len(questions), 1))

    def start(self, described, *, budget=None):
        return np.zeros(len(described), dtype=int)

    def next(self, described, tried, *, budget=None):
        return np.array([2 if len(each) == 1 else STOP for each in tried])


@pytest.fixture(scope="module")
def model():
    return load_model("mqt")


@pytest.fixture(scope="module")
def url(model):
    with served(EscalatingVLM(model, TwoAnswers(model.ladder))) as found:
        yield found


def test_the_answer_that_stands_is_what_a_client_gets(url, model):
    body = {**asking("What colour is it?", 250), "model": "mqt"}
    with httpx2.Client(base_url=url, timeout=30) as client:
        found = client.post(PATH, json=body)
        assert found.status_code == 200, found.text
        m = model.ladder[2]
        assert found.headers["x-visual-tokens"] == str(m)
        answer = found.json()
        assert answer["usage"]["prompt_tokens_details"]["image_tokens"] == m
        said = answer["choices"][0]["message"]["content"]

        with client.stream("POST", PATH, json={**body, "stream": True}) as stream:
            assert stream.headers["x-visual-tokens"] == str(m)
            rows = [line[6:] for line in stream.iter_lines() if line.startswith("data: {")]
    pieces = [json.loads(row)["choices"] for row in rows]
    text = "".join(each[0]["delta"].get("content") or "" for each in pieces if each)
    assert text == said


def test_many_at_once_and_fixed_scales_beside_them(url, model):
    async def ask(client, i):
        body = {**asking("What colour is it?", 40 * i), "model": "mqt"}
        if i % 2:
            body["budget"] = {"num_visual_tokens": model.ladder[4]}
        return await client.post(PATH, json=body)

    async def run():
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
            return await asyncio.gather(*(ask(client, i) for i in range(6)))

    found = asyncio.run(run())
    assert [each.status_code for each in found] == [200] * 6
    assert [int(each.headers["x-visual-tokens"]) for each in found] == [
        model.ladder[4 if i % 2 else 2] for i in range(6)
    ]
