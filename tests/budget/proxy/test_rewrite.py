"""What happens where a decision fails: the request goes on as it came, and it is said why."""

import asyncio
import json
import threading
import time

import numpy as np
import pytest
from chat_bodies import body, image_part, message, scene
from picture_host import as_url, picture_host, png

from budget.adaptive import FullScale
from budget.budgets import Budget, Decision
from budget.errors import DataError
from budget.ladder import ScaleLadder
from budget.proxy.dialects import make_dialect
from budget.proxy.rewrite import Rewriter
from budget.serving.limits import Limits
from budget.serving.public_addresses import parse_networks
from budget.serving.remote_images import RemoteRules
from budget.serving.request_images import RequestImages

KNOBS = [{"max_pixels": n} for n in (100, 400, 900)]
LADDER = ScaleLadder((1, 9, 36))
BODY = json.dumps(body(image_part())).encode()


class Chooser:
    """A policy that does what a test says, and keeps what it was asked."""

    ladder = LADDER

    def __init__(self, act):
        self.act = act
        self.asked = []

    def choose(self, images, questions, *, budget=None):
        self.asked.append((list(images), list(questions), budget))
        return self.act(len(images))


def decided(rungs):
    return Decision(np.asarray(rungs), np.zeros((len(rungs), 3)))


def rewriter(policy, dialect="vllm", images=None, limits=None, **settings):
    limits = limits or Limits()
    told = make_dialect(dialect, KNOBS, limits.max_pixels)
    return Rewriter(
        policy, told, images or RequestImages(limits), **{"deadline_s": 20.0, **settings}
    )


def rewrite(policy, data=BODY, **settings):
    made = rewriter(policy, **settings)
    try:
        return asyncio.run(made.rewrite(data))
    finally:
        made.close()


def raises(error):
    def act(n):
        raise error

    return act


def outlying(n):
    return decided([0] * n)._replace(outliers=np.ones(n, dtype=bool))


def guarded(n):
    return decided([0] * n)._replace(fallbacks=("malformed",) * n)


@pytest.mark.parametrize(
    ("act", "fallback"),
    [
        (raises(RuntimeError("broken")), "policy"),
        (raises(MemoryError()), "policy"),
        (raises(TimeoutError()), "policy"),
        (raises(DataError("corrupt")), "image"),
        (lambda n: decided([3]), "policy"),
        (lambda n: decided([-1]), "policy"),
        (lambda n: decided([0, 0]), "policy"),
        (lambda n: decided([]), "policy"),
        (lambda n: None, "policy"),
        (lambda n: Decision(np.array(["x"]), np.zeros((1, 3))), "policy"),
        (outlying, "outlier"),
        (guarded, "malformed"),
        (lambda n: time.sleep(2) or decided([0]), "deadline"),
    ],
)
def test_a_policy_that_fails_changes_no_byte(act, fallback):
    outcome = rewrite(Chooser(act), deadline_s=0.5 if fallback == "deadline" else 20.0)
    assert outcome.body is BODY
    assert (outcome.rungs, outcome.fallback) == ((), fallback)


def test_a_policy_that_hangs_does_not_hold_later_requests():
    release = threading.Event()
    made = rewriter(Chooser(lambda n: release.wait(60) and decided([0])), deadline_s=0.3)

    async def go():
        return await asyncio.gather(*[made.rewrite(BODY) for _ in range(8)])

    try:
        start = time.monotonic()
        found = asyncio.run(go())
        assert time.monotonic() - start < 10
        assert [outcome.fallback for outcome in found] == ["deadline"] * 8
    finally:
        release.set()
        made.close()


def test_the_policy_sees_the_files_the_last_question_and_the_budget():
    policy = Chooser(lambda n: decided([1] * n))
    budget = Budget(mean_tokens=5)
    messages = [
        {"role": "system", "content": "You are kind."},
        message(image_part(), text="First?"),
        {"role": "assistant", "content": "Yes."},
        {
            "role": "user",
            "content": [image_part(as_url(png(9, 9))), {"type": "text", "text": "2?"}],
        },
    ]
    data = json.dumps({"messages": messages}).encode()
    outcome = rewrite(policy, data, budget=budget)
    assert policy.asked == [([scene()[0], png(9, 9)], ["2?", "2?"], budget)]
    assert (outcome.rungs, outcome.reason) == ((1, 1), "policy")
    sent = json.loads(outcome.body)
    assert sent.pop("mm_processor_kwargs") == {"images_kwargs": KNOBS[1]}
    assert sent == json.loads(data)


def test_the_policy_is_asked_only_for_images_without_a_detail():
    policy = Chooser(lambda n: decided([1] * n))
    parts = [image_part("https://nowhere.test/", detail="low"), image_part(detail="auto")]
    outcome = rewrite(policy, json.dumps(body(*parts)).encode())
    assert outcome.rungs == (0, 1)
    assert len(policy.asked[0][0]) == 1
    only_detail = json.dumps(body(image_part("https://nowhere.test/", detail="high"))).encode()
    assert rewrite(policy, only_detail).reason == "detail"
    assert len(policy.asked) == 1


def test_every_image_is_resized_to_its_own_rung():
    parts = [
        image_part(as_url(png(60, 40)), detail="low"),
        image_part(as_url(png(60, 40)), detail="high"),
        image_part(as_url(png(5, 5)), detail="low"),
    ]
    data = json.dumps(body(*parts, seed=7)).encode()
    outcome = rewrite(FullScale(LADDER), data, dialect="resize")
    assert outcome.rungs == (0, 2, 0)
    sent = json.loads(outcome.body)
    urls = [part["image_url"]["url"] for part in sent["messages"][0]["content"][:3]]
    assert [_size(url) for url in urls] == [(12, 8), (36, 24), (5, 5)]
    assert urls[2] == parts[2]["image_url"]["url"]
    for part, was in zip(sent["messages"][0]["content"], parts, strict=False):
        part["image_url"]["url"] = was["image_url"]["url"]
    assert sent == json.loads(data)


def test_images_that_are_small_enough_leave_the_body_as_it_was():
    data = json.dumps(body(image_part(as_url(png(5, 5)))), indent=2).encode()
    outcome = rewrite(FullScale(LADDER), data, dialect="resize")
    assert outcome.body is data
    assert outcome.rungs == (2,)


def test_a_corrupt_image_is_found_when_it_is_resized():
    data = json.dumps(body(image_part(as_url(png(64, 48)[:60]), detail="low"))).encode()
    outcome = rewrite(FullScale(LADDER), data, dialect="resize")
    assert (outcome.body, outcome.fallback) == (data, "image")


def test_a_url_is_fetched_where_that_is_allowed_and_passed_on_where_not():
    async def go():
        async with picture_host() as host:
            host.answers("/a.png", png(60, 40))
            data = json.dumps(body(image_part(host.url("/a.png")))).encode()
            rules = RemoteRules(parse_networks(["127.0.0.1"]), ports=frozenset({host.port}))
            limits = Limits()
            found = []
            for images in (
                RequestImages(limits),
                RequestImages(limits, allow_remote=True),
                RequestImages(limits, allow_remote=True, rules=rules),
            ):
                made = rewriter(FullScale(LADDER), "resize", images)
                found.append(await made.rewrite(data))
                made.close()
            assert [outcome.fallback for outcome in found] == ["image", "image", ""]
            assert [outcome.body == data for outcome in found] == [True, True, False]
            part = json.loads(found[2].body)["messages"][0]["content"][0]
            assert _size(part["image_url"]["url"]) == (36, 24)
            assert len(host.heads) == 1

    asyncio.run(go())


def _size(url):
    from budget.pictures import open_image
    from budget.serving.data_urls import read_data_url

    return open_image(read_data_url(url, max_bytes=10**6)).size
