"""A model of another family behind the real server: its answers, and tokens as they really are."""

import asyncio
import json

import family_world as world
import httpx2
import pytest
from echo_server import served, web

from budget.errors import PolicyError
from budget.serving.assembly import assemble, warm_up
from budget.serving.flags import AccessFlags, LimitFlags, ModelFlags, QueueFlags
from experiments.cli import run
from policies import load_policy

PATH = "/v1/chat/completions"
WIDE, SMALL = world.picture((480, 160)), world.picture((40, 40))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = world.build(tmp_path_factory.mktemp("served"))
    assert run(world.fit_words(made, made / "policy", "--cost", "flops")) == 0
    return made


def assembled(folder, **more):
    flags = ModelFlags(
        model=str(folder / "model"), policy=str(folder / "policy"), ladder=world.LADDER, **more
    )
    return assemble(flags, QueueFlags(), LimitFlags(), AccessFlags(), load_policy)


@pytest.fixture(scope="module")
def vlm(folder):
    made, _ = assembled(folder, budget="mean-tokens=20", strict_policy=True)
    warm_up(made)
    return made


@pytest.fixture(scope="module")
def url(folder, vlm):
    with served(vlm) as found:
        yield found


def body(*images, question="what is the sign ?", **more):
    parts = [{"type": "image_url", "image_url": {"url": world.data_url(each)}} for each in images]
    content = [*parts, {"type": "text", "text": question}]
    messages = [{"role": "user", "content": content}]
    return {"model": "model", "messages": messages, "max_tokens": 3, **more}


@pytest.mark.parametrize("scale", [8, 16, 64, 20])
def test_a_fixed_scale_is_a_cap_and_usage_says_what_was_used(url, vlm, scale):
    found = web.post(f"{url}{PATH}", json=body(WIDE, SMALL, budget={"num_visual_tokens": scale}))
    assert found.status_code == 200, found.text
    tokens = [vlm.model.tokens_at(each, scale) for each in (WIDE, SMALL)]
    answer = found.json()
    usage = answer["usage"]
    assert usage["prompt_tokens_details"]["image_tokens"] == sum(tokens) < 2 * scale
    assert found.headers["x-visual-tokens"] == str(sum(tokens))
    assert [each["num_visual_tokens"] for each in answer["budget"]["images"]] == [scale, scale]
    (alone,) = vlm.model.answer(
        [[WIDE, SMALL]], ["what is the sign ?"], num_visual_tokens=scale, max_new_tokens=3
    )
    assert answer["choices"][0]["message"]["content"] == alone.text
    assert usage["prompt_tokens"] == alone.prompt_tokens
    assert answer["budget"]["flops"] == pytest.approx(vlm.model.answer_cost(alone).flops)


def test_a_stream_says_the_same_and_its_header_comes_first(url):
    whole = web.post(f"{url}{PATH}", json=body(WIDE, budget={"num_visual_tokens": 16})).json()
    asked = body(
        WIDE,
        budget={"num_visual_tokens": 16},
        stream=True,
        stream_options={"include_usage": True},
    )
    with (
        httpx2.Client(base_url=url, timeout=30) as client,
        client.stream("POST", PATH, json=asked) as stream,
    ):
        said = whole["usage"]["prompt_tokens_details"]["image_tokens"]
        assert stream.headers["x-visual-tokens"] == str(said)
        rows = [json.loads(x[6:]) for x in stream.iter_lines() if x.startswith("data: {")]
    text = "".join(r["choices"][0]["delta"].get("content") or "" for r in rows if r["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert rows[-1]["usage"] == whole["usage"]


def test_what_a_model_cannot_read_is_refused_before_it_waits(url):
    found = web.post(f"{url}{PATH}", json=body(WIDE, question="dogs " * 3000))
    assert (found.status_code, found.json()["error"]["code"]) == (400, "context_length_exceeded")
    found = web.post(f"{url}{PATH}", json=body(WIDE, question="<|image_pad|> ?"))
    assert found.status_code == 400, found.text


def test_a_mean_is_held_in_tokens_that_are_really_spent(vlm, url, folder):
    governor, policy = vlm.governor, vlm.policy.policy
    assert governor.costs.tolist() == pytest.approx(policy.rung_tokens.tolist())
    assert governor.costs[-1] < 64

    async def ask():
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
            asked = [body(world.picture(world.SHAPES[i % 4], seed=i)) for i in range(24)]
            return await asyncio.gather(*(client.post(PATH, json=each) for each in asked))

    before = governor.state()
    found = asyncio.run(ask())
    real = sum(each.json()["usage"]["prompt_tokens_details"]["image_tokens"] for each in found)
    after = governor.state()
    assert after.requests - before.requests == 24
    assert after.spent - before.spent == pytest.approx(real)


def test_metrics_count_what_the_full_scale_would_have_taken(vlm, folder):
    with served(vlm) as url:
        web.post(f"{url}{PATH}", json=body(WIDE, SMALL, budget={"num_visual_tokens": 8}))
        text = web.get(f"{url}/metrics").text
    counted = dict(row.rsplit(" ", 1) for row in text.splitlines() if not row.startswith("#"))
    cheap, full = ([vlm.model.tokens_at(each, m) for each in (WIDE, SMALL)] for m in (8, 64))
    assert float(counted["budget_visual_tokens_spent_total"]) == sum(cheap)
    assert float(counted["budget_visual_tokens_saved_total"]) == sum(full) - sum(cheap)


def test_flops_are_planned_with_the_calibrations_means(folder):
    mean = float(load_policy(folder / "policy").rung_flops.mean())
    governor = assembled(folder, budget=f"mean-flops={mean}").vlm.governor
    assert governor.costs.tolist() == pytest.approx(
        load_policy(folder / "policy").rung_flops.tolist()
    )


def test_without_a_policy_a_usual_picture_stands_for_all(folder, tmp_path, capsys):
    flags = ModelFlags(model=str(folder / "model"), ladder=world.LADDER, budget="mean-tokens=20")
    vlm, settings = assemble(flags, QueueFlags(), LimitFlags(), AccessFlags(), load_policy)
    assert "every image gets 64" in settings.notice
    realised = vlm.model.realised(world.picture((640, 480)))
    assert vlm.governor.costs.tolist() == pytest.approx(realised, rel=1e-5)
    with pytest.raises(ValueError, match="cannot be held"):
        assembled(folder, budget="mean-tokens=64")


def test_going_up_is_for_other_models(folder):
    with pytest.raises(PolicyError, match="fitted to look at answers"):
        assembled(folder, escalate=0.2)
