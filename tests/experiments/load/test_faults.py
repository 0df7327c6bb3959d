"""The load test against a real server with a fault built in: each fault must be caught."""

import asyncio
import json
import os

import psutil
import pytest
from served import served

from budget.adaptive import AdaptiveVLM, FullScale
from budget.models import load_model
from budget.serving.app import create_app
from budget.serving.limits import Limits
from budget.serving.settings import ServeSettings
from experiments.load.call import CHAT
from experiments.load.mix import draw_calls
from experiments.load.references import References
from experiments.load.report import make_report, passed
from experiments.load.run import run_load
from experiments.load.verdict import judge_all

MAX_BODY_BYTES = 400_000
EVERY = 4  # of so many chats, one meets the fault
HELD_SHARE = 0.01  # of what the process takes: other tests may have made it large


class Faulty:
    """An app in front of another one, which lets ``fault(self, ...)`` serve some of the chats."""

    def __init__(self, app, fault):
        self.app, self.fault = app, fault
        self.chats = 0
        self.kept = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"] == CHAT:
            self.chats += 1
            if self.chats % EVERY == 0:
                await self.fault(self, scope, receive, send)
                return
        await self.app(scope, receive, send)


async def mix_up(self, scope, receive, send):
    """Give the first answer that was seen here to everybody after."""
    messages = []

    async def keep(message):
        messages.append(message)

    await self.app(scope, receive, keep)
    headers = dict(messages[0].get("headers", ())) if messages else {}
    if messages and messages[0]["status"] == 200 and b"json" in headers[b"content-type"]:
        self.kept = self.kept or messages
        messages = self.kept
    for message in messages:
        await send(message)


async def lose(self, scope, receive, send):
    """Announce more than comes, at which the connection is closed."""
    headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{"})


async def fail(self, scope, receive, send):
    """Answer with an error of the server's own."""
    body = json.dumps({"error": dict.fromkeys(("message", "type", "param", "code"), "x")})
    await send({"type": "http.response.start", "status": 500, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})


async def leak(self, scope, receive, send):
    """Keep some of memory for good."""
    taken = psutil.Process().memory_info().rss
    self.kept.append(bytearray(b"x") * int(taken * HELD_SHARE * EVERY))
    await self.app(scope, receive, send)


async def none(self, scope, receive, send):
    """Serve as everybody is served."""
    await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def runner():
    return load_model("m3")


@pytest.fixture(scope="module")
def references(runner):
    return References(runner)


@pytest.fixture
def figures_with(runner, references):
    """Run the load on a server with a fault and return the figures."""

    def run(fault):
        settings = ServeSettings(limits=Limits(max_body_bytes=MAX_BODY_BYTES))
        app = Faulty(create_app(AdaptiveVLM(runner, FullScale(runner.ladder)), settings), fault)
        calls = draw_calls(
            40,
            model="m3",
            ladder=tuple(runner.ladder),
            keyed=False,
            max_body_bytes=MAX_BODY_BYTES,
        )
        with served(app) as url:
            load = run_load(url, calls, clients=8, pid=os.getpid(), rest=0.1, patience=60)
            done = asyncio.run(load)
        return make_report(calls, done, judge_all(calls, done.outcomes, references))

    return run


def test_a_server_without_a_fault_passes(figures_with):
    report = figures_with(none)
    assert report.problems == []
    assert passed(report.figures, None)
    assert report.figures["answers_checked"] > 20
    assert report.figures["memory_peak_bytes"] >= report.figures["memory_start_bytes"] > 0


@pytest.mark.parametrize(
    ("fault", "name"), [(mix_up, "wrong_answer"), (lose, "lost"), (fail, "server_errors")]
)
def test_a_fault_is_caught_and_called_by_its_name(figures_with, fault, name):
    figures = figures_with(fault).figures
    assert figures[name] >= 2
    assert not passed(figures, None)
    assert figures[name] == max(
        figures[each] for each in ("wrong_answer", "lost", "server_errors", "unexpected")
    )


def test_memory_that_is_kept_is_caught(figures_with):
    figures = figures_with(leak).figures
    assert figures["memory_growth"] > 0.05
    assert figures["ok"] == figures["requests"]
    assert not passed(figures, 0.05)
