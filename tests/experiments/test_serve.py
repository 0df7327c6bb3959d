"""``budget serve`` as a program, with the shipped model, asked by the real ``openai`` client."""

import asyncio
import base64
import io
import signal
import time

import httpx2
import openai
import pytest
from echo_server import TLS, web
from serve_program import end, running

from budget.adaptive import AdaptiveVLM
from budget.budgets import Budget
from budget.chat import Chat, Turn
from budget.models import load_model
from budget.sampling import Generation
from budget.shipped import shipped_folder
from budget.trust import GuardedPolicy
from experiments.scenes.data import load_scenes
from policies.policy_files import load_policy

SCENES = 12


@pytest.fixture(scope="module")
def served():
    with running() as (_, url):
        yield url


@pytest.fixture(scope="module")
def client(served):
    with openai.OpenAI(base_url=f"{served}/v1", api_key="none", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def scenes():
    return load_scenes("test", SCENES)


@pytest.fixture(scope="module")
def vlm():
    """What the server runs, without the server."""
    model = load_model("m3")
    policy = load_policy(str(shipped_folder("m3") / "policy"))
    return AdaptiveVLM(model, GuardedPolicy(policy, model.ladder))


def data_url(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def user(text, *images, detail=None):
    more = {} if detail is None else {"detail": detail}
    parts = [{"type": "image_url", "image_url": {"url": data_url(i), **more}} for i in images]
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def ask(client, *messages, **fields):
    return client.chat.completions.create(model="m3", messages=list(messages), **fields)


def text_of(answer):
    return answer.choices[0].message.content


def test_answers_and_scales_are_those_of_the_model_with_its_policy(client, scenes, vlm):
    for row in scenes:
        found = ask(client, user(row["question"], row["image"]))
        (wanted,) = vlm.answer([row["image"]], [row["question"]])
        assert text_of(found) == wanted.text
        assert found.usage.prompt_tokens_details.image_tokens == wanted.num_visual_tokens
        assert found.usage.prompt_tokens == wanted.prompt_tokens
        assert found.usage.completion_tokens == len(wanted.token_ids)
        assert found.budget["flops"] == pytest.approx(wanted.flops)
        assert found.choices[0].finish_reason == "stop"


def test_many_clients_at_once_get_each_their_own_answer(served, scenes, vlm):
    wanted = vlm.answer(list(scenes["image"]), list(scenes["question"]))

    async def all_of():
        async with openai.AsyncOpenAI(base_url=f"{served}/v1", api_key="x") as many:
            asked = (
                many.chat.completions.create(
                    model="m3", messages=[user(row["question"], row["image"])]
                )
                for row in scenes
            )
            return await asyncio.gather(*asked)

    found = asyncio.run(all_of())
    assert [text_of(each) for each in found] == [each.text for each in wanted]


@pytest.mark.parametrize(("detail", "tokens"), [("low", 1), ("high", 144), ("original", 144)])
def test_detail_is_the_smallest_or_the_largest_scale(client, scenes, detail, tokens):
    row = scenes[0]
    found = client.chat.completions.with_raw_response.create(
        model="m3", messages=[user(row["question"], row["image"], detail=detail)]
    )
    assert found.headers["x-visual-tokens"] == str(tokens)
    assert found.parse().usage.prompt_tokens_details.image_tokens == tokens


def test_an_extra_field_chooses_the_budget(client, scenes, vlm):
    row = scenes[1]
    message = user(row["question"], row["image"])
    fixed = ask(client, message, extra_body={"budget": {"num_visual_tokens": 9}})
    assert fixed.usage.prompt_tokens_details.image_tokens == 9
    for budget in ({"price": 0.5}, {"mean_tokens": 4}):
        found = ask(client, message, extra_body={"budget": budget})
        (wanted,) = vlm.answer([row["image"]], [row["question"]], budget=Budget(**budget))
        assert found.budget["num_visual_tokens"] == wanted.num_visual_tokens
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, message, extra_body={"budget": {"mean_tokens": 0.1}})
    assert refused.value.param == "budget.mean_tokens"


def test_a_conversation_with_several_images_is_asked_as_it_stands(client, scenes, vlm):
    first, second = scenes[0], scenes[2]
    found = ask(
        client,
        user(first["question"], first["image"], detail="low"),
        {"role": "assistant", "content": "ring"},
        user(second["question"], second["image"], detail="high"),
    )
    turns = (
        Turn("user", first["question"], 1),
        Turn("assistant", "ring"),
        Turn("user", second["question"], 1),
    )
    scales = [Budget(num_visual_tokens=m) for m in (1, 144)]
    (wanted,) = vlm.answer(
        [[first["image"], second["image"]]],
        [Chat(turns)],
        budget=[scales],
        generation=[Generation(max_new_tokens=128)],
    )
    assert text_of(found) == wanted.text
    assert found.usage.prompt_tokens_details.image_tokens == 145
    assert found.usage.prompt_tokens == wanted.prompt_tokens


def test_a_question_without_an_image_is_answered(client):
    found = ask(client, {"role": "user", "content": "Which shape lies on the plate?"})
    assert found.usage.prompt_tokens_details.image_tokens == 0
    assert found.budget["images"] == []


@pytest.mark.parametrize("usage", [False, True])
def test_a_stream_gives_the_same_text(client, scenes, usage):
    row = scenes[3]
    message = user(row["question"], row["image"])
    options = {"stream_options": {"include_usage": True}} if usage else {}
    chunks = list(ask(client, message, stream=True, **options))
    text = "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
    whole = ask(client, message)
    assert text == text_of(whole)
    assert chunks[-1].choices == [] if usage else chunks[-1].choices[0].finish_reason == "stop"
    if usage:
        assert chunks[-1].usage == whole.usage


def test_length_temperature_seed_and_stop_are_heard(client, scenes):
    row = scenes[4]
    message = user(row["question"], row["image"], detail="high")
    whole = text_of(ask(client, message))
    short = ask(client, message, max_completion_tokens=1)
    assert (short.usage.completion_tokens, short.choices[0].finish_reason) == (1, "length")
    stopped = ask(client, message, stop=[whole[1:]])
    assert (text_of(stopped), stopped.choices[0].finish_reason) == (whole[:1], "stop")
    drawn = [text_of(ask(client, message, temperature=2, seed=s)) for s in range(8) for _ in "ab"]
    assert drawn[::2] == drawn[1::2]
    assert len(set(drawn)) > 1


def test_errors_are_those_that_the_client_knows(client, scenes):
    with pytest.raises(openai.NotFoundError, match="'m3' is"):
        client.chat.completions.create(model="gpt", messages=[user("?")])
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, user("?"), n=2)
    assert (refused.value.param, refused.value.code) == ("n", "unsupported_value")
    with pytest.raises(openai.BadRequestError, match="too long") as refused:
        ask(client, {"role": "user", "content": "plate " * 4000})
    assert refused.value.code == "context_length_exceeded"
    assert [card.id for card in client.models.list()] == ["m3"]
    assert client.models.retrieve("m3").scales == [1, 4, 9, 36, 144]


def test_metrics_and_health_tell_what_was_saved_and_trusted(served, client, scenes):
    row = scenes[5]
    ask(client, user(row["question"], row["image"], detail="low"))
    text = web.get(f"{served}/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(values["budget_visual_tokens_saved_total"]) >= 143
    assert float(values["budget_flops_saved_total"]) > 0
    assert float(values['budget_images_total{visual_tokens="1"}']) >= 1
    health = web.get(f"{served}/health").json()
    assert (health["status"], health["notice"]) == ("ready", "")
    assert health["trust"]["decisions"] > 0


def test_one_signal_ends_what_runs_and_takes_nothing_new(scenes):
    with running("--max-wait-ms", "1500", "--max-batch", "64") as (process, url):
        row = scenes[0]

        async def both():
            body = {"model": "m3", "messages": [user(row["question"], row["image"])]}
            async with httpx2.AsyncClient(base_url=url, timeout=30, verify=TLS) as many:
                early = asyncio.create_task(many.post("/v1/chat/completions", json=body))
                while (await many.get("/health")).json()["waiting"] == 0:
                    await asyncio.sleep(0.02)
                process.send_signal(signal.SIGTERM)
                while (told := await many.get("/health")).status_code == 200:
                    await asyncio.sleep(0.02)
                late = await many.post("/v1/chat/completions", json=body)
                return told, late, await early

        told, late, early = asyncio.run(both())
        assert told.json()["status"] == "draining"
        assert (late.status_code, late.json()["error"]["code"]) == (503, "draining")
        assert late.headers["retry-after"] == "1"
        assert early.json()["choices"][0]["message"]["content"]
        assert end(process) == (0, "")


@pytest.mark.slow
def test_a_second_signal_stops_at_once(scenes):
    with running("--max-wait-ms", "60000") as (process, url):
        body = {"model": "m3", "messages": [user("?", scenes[0]["image"])]}
        with pytest.raises(httpx2.TimeoutException):
            web.post(f"{url}/v1/chat/completions", json=body, timeout=0.5)

        async def two():
            async with httpx2.AsyncClient(base_url=url, timeout=30, verify=TLS) as many:
                asked = asyncio.create_task(many.post("/v1/chat/completions", json=body))
                while (await many.get("/health")).json()["waiting"] == 0:
                    await asyncio.sleep(0.02)
                process.send_signal(signal.SIGINT)
                while (await many.get("/health")).status_code == 200:
                    await asyncio.sleep(0.02)
                process.send_signal(signal.SIGINT)
                with pytest.raises(httpx2.HTTPError):
                    await asked

        begun = time.monotonic()
        asyncio.run(two())
        assert end(process)[0] == 128 + signal.SIGINT
        assert time.monotonic() - begun < 20


@pytest.mark.slow
def test_an_unreadable_policy_is_said_and_every_image_gets_the_fallback(tmp_path, scenes):
    (tmp_path / "policy.json").write_text("{")
    words = ("--policy", str(tmp_path), "--fallback-tokens", "9")
    with running(*words) as (process, url):
        body = {"model": "m3", "messages": [user("?", scenes[0]["image"])]}
        found = web.post(f"{url}/v1/chat/completions", json=body, timeout=30)
        assert found.headers["x-visual-tokens"] == "9"
        assert found.headers["x-visual-fallback"] == "no policy"
        assert "every image gets 9 visual tokens" in web.get(f"{url}/health").json()["notice"]
        process.send_signal(signal.SIGTERM)
        code, said = end(process)
    assert code == 0
    assert said.startswith("budget: no policy, every image gets 9")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--policy", "nowhere", "--strict-policy"), "no policy folder nowhere"),
        (("--budget", "cheap"), "--budget must be policy, or one of"),
        (("--budget", "tokens=5"), "5"),
        (("--budget", "mean-tokens=1000"), "cannot be held"),
        (("--fallback-tokens", "7"), "--fallback-tokens must be one of"),
        (("--api-keys-file", "nowhere"), "nowhere"),
        (("--api-keys-env", "NO_SUCH_KEYS"), "no API key in the variable NO_SUCH_KEYS"),
        (("--host", "192.0.2.1"), "cannot listen on 192.0.2.1"),
        (("--model", "nowhere"), "no such model"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_exit_code_2(words, text, capsys, monkeypatch):
    from experiments.cli import run

    assert run(["serve", "--port", "0", *words]) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.startswith("budget: ")
    assert said.count("\n") == 1


def test_a_port_that_is_taken_is_said_before_a_model_is_loaded(served, capsys):
    from experiments.cli import run

    port = served.rsplit(":", 1)[1]
    assert run(["serve", "--port", port, "--model", "nowhere"]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
