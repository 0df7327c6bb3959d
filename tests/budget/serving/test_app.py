"""The server over a real socket: OpenAI's shapes, limits, keys, hang-ups and slow readers."""

import asyncio
import http.client
import json
import socket
import time
from urllib.parse import urlsplit

import httpx2
import pytest
from echo_server import TLS, EchoVLM, asking, picture_url, served, until, web

from budget.errors import DataError
from budget.serving.intake import Batching
from budget.serving.keys import Keys
from budget.serving.limits import Limits
from budget.serving.settings import Patience, ServeSettings

PATH = "/v1/chat/completions"
SMALL = Limits(
    max_body_bytes=20_000,
    max_image_bytes=4000,
    max_pixels=10_000,
    max_images=2,
    max_prompt_chars=100,
    max_new_tokens=50,
)


@pytest.fixture(scope="module")
def echo():
    """An open server of small limits that has nothing to wait for."""
    with served(EchoVLM(), ServeSettings(limits=SMALL, patience=Patience(body_s=0.5))) as url:
        yield url


@pytest.fixture
def post(echo):
    with httpx2.Client(base_url=echo, timeout=20, verify=TLS) as client:
        yield lambda **words: client.post(PATH, **words)


def metric(url, name):
    """Return the sum of a counter's samples that begin so."""
    text = web.get(f"{url}/metrics").text
    rows = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith(name)]
    return sum(float(value) for _, value in rows)


def raw(url):
    """Return a plain connection to a server."""
    at = urlsplit(url)
    return socket.create_connection((at.hostname, at.port), timeout=10)


def by_hand(body):
    """Return the bytes of a request."""
    data = json.dumps(body).encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


def sent(url, body):
    """Send a request and return the connection, nothing read."""
    connection = raw(url)
    connection.sendall(by_hand(body))
    return connection


def test_an_answer_has_what_clients_read_and_what_it_spent(post):
    found = post(json=asking("hello there", 200, 90))
    told = found.json()
    assert told["object"] == "chat.completion"
    assert told["choices"][0]["message"]["content"] == "hello there 200 90"
    assert told["usage"]["prompt_tokens_details"]["image_tokens"] == 72
    assert told["usage"]["total_tokens"] == told["usage"]["prompt_tokens"] + 18
    assert [each["num_visual_tokens"] for each in told["budget"]["images"]] == [36, 36]
    assert found.headers["x-visual-tokens"] == "72"
    assert "x-visual-fallback" not in found.headers


def test_an_images_detail_wins_over_the_requests_budget(post):
    body = asking("q", 1, 2, budget={"num_visual_tokens": 4})
    body["messages"][0]["content"][0]["image_url"]["detail"] = "low"
    images = post(json=body).json()["budget"]["images"]
    assert [each["num_visual_tokens"] for each in images] == [1, 4]
    body["messages"][0]["content"][0]["image_url"]["detail"] = "original"
    body["messages"][0]["content"][1]["image_url"]["detail"] = "auto"
    images = post(json=body).json()["budget"]["images"]
    assert [each["num_visual_tokens"] for each in images] == [36, 4]


def test_an_images_own_number_wins_over_its_detail_and_the_requests_budget(post):
    body = asking("q", 1, 2, budget={"num_visual_tokens": 4})
    body["messages"][0]["content"][0]["image_url"] |= {"detail": "low", "num_visual_tokens": 36}
    images = post(json=body).json()["budget"]["images"]
    assert [each["num_visual_tokens"] for each in images] == [36, 4]
    body["messages"][0]["content"][1]["image_url"]["num_visual_tokens"] = 5
    refused = post(json=body)
    param = "messages[0].content[1].image_url.num_visual_tokens"
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_where_full_scale_is_too_long_the_largest_scale_that_fits_is_taken():
    with served(EchoVLM()) as url:
        found = web.post(url + PATH, json=asking(" ".join(["w"] * 180), 1, 2))
        assert found.headers["x-visual-tokens"] == "8"


@pytest.mark.parametrize(
    ("change", "param", "status", "code"),
    [
        ({"model": "other"}, "model", 404, "model_not_found"),
        ({"n": 3}, "n", 400, "unsupported_value"),
        ({"max_tokens": 51}, "max_tokens", 400, "invalid_value"),
        ({"max_completion_tokens": 51}, "max_completion_tokens", 400, "invalid_value"),
        ({"max_tokens": 4, "max_completion_tokens": 5}, "max_completion_tokens", 400, None),
        ({"stream_options": {"include_usage": True}}, "stream_options", 400, "invalid_value"),
        ({"budget": {"num_visual_tokens": 5}}, "budget.num_visual_tokens", 400, "invalid_value"),
        ({"messages": asking("x" * 101)["messages"]}, "messages", 400, "context_length_exceeded"),
        ({"messages": asking("q", 1, 2, 3)["messages"]}, "messages", 400, "too_many_images"),
        (
            {"messages": [*asking("q")["messages"], {"role": "assistant", "content": "a"}]},
            "messages",
            400,
            "invalid_value",
        ),
        ({"messages": asking("bad")["messages"]}, None, 400, "invalid_value"),
        ({"messages": asking("boom")["messages"]}, None, 500, "failed"),
        ({"messages": asking("odd")["messages"]}, None, 500, "failed"),
    ],
)
def test_what_is_refused_says_what_and_where(post, change, param, status, code):
    found = post(json={**asking("q"), **change})
    error = found.json()["error"]
    assert (found.status_code, error["param"]) == (status, param)
    assert code in (None, error["code"])
    assert "\n" not in error["message"]


@pytest.mark.parametrize(
    ("url", "status", "text"),
    [
        ("http://127.0.0.1/x.png", 400, "data URLs only"),
        ("data:image/png;base64,!!!!", 400, "base64"),
        ("data:image/png;base64,aGVsbG8=", 400, "no image"),
        (picture_url(side=101), 400, "pixels"),
        ("data:image/png;base64," + "A" * 8000, 400, "4,000 bytes"),
    ],
)
def test_a_wrong_image_is_refused_by_its_place(post, url, status, text):
    body = asking("q", 1)
    body["messages"][0]["content"].insert(0, {"type": "image_url", "image_url": {"url": url}})
    found = post(json=body)
    error = found.json()["error"]
    assert (found.status_code, error["param"]) == (status, "messages[0].content[0].image_url")
    assert text in error["message"]


def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(post):
    whole = post(content=b" " * 20_001, headers={"content-type": "application/json"})
    chunks = post(content=iter([b" " * 5000] * 5), headers={"content-type": "application/json"})
    for found in (whole, chunks):
        assert (found.status_code, found.json()["error"]["code"]) == (413, "body_too_large")


def test_only_json_is_read(post):
    found = post(content=b"model=echo", headers={"content-type": "text/plain"})
    assert (found.status_code, found.json()["error"]["type"]) == (415, "invalid_request_error")
    assert post(content=b"{", headers={"content-type": "application/json"}).status_code == 400


def test_a_body_that_does_not_come_is_not_waited_for(echo):
    connection = raw(echo)
    connection.sendall(f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{{".encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    assert answer.status == 408
    assert json.loads(answer.read())["error"]["code"] == "timeout"
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", PATH, 405), ("PUT", "/health", 405), ("GET", "/docs", 404)],
)
def test_what_is_not_there_is_told_in_the_same_shape(echo, method, path, status):
    found = web.request(method, echo + path)
    assert (found.status_code, found.json()["error"]["code"]) == (status, "not_served")


def test_models_health_and_metrics(echo, post):
    (card,) = web.get(f"{echo}/v1/models").json()["data"]
    assert (card["id"], card["scales"]) == ("echo", [1, 4, 36])
    assert web.get(f"{echo}/v1/models/echo").json() == card
    assert web.get(f"{echo}/v1/models/a/b").json()["error"]["code"] == "model_not_found"
    assert web.get(f"{echo}/health").json()["status"] == "ready"
    before = [metric(echo, f"budget_{name}") for name in METRICS]
    post(json=asking("q", 7, budget={"num_visual_tokens": 4}))
    post(json=asking("q", n=2))
    after = [metric(echo, f"budget_{name}") for name in METRICS]
    grown = [b - a for a, b in zip(before, after, strict=True)]
    assert grown == [1, 1, 1, 4, 32, 4, 32, 1, 2]


METRICS = (
    'requests_total{outcome="ok"}',
    'requests_total{outcome="invalid"}',
    'images_total{visual_tokens="4"}',
    "visual_tokens_spent_total",
    "visual_tokens_saved_total",
    "flops_spent_total",
    "flops_saved_total",
    "batch_size_count",
    "request_seconds_count",
)


def test_a_stream_says_the_same_in_pieces(post):
    body = asking("hello there", 200, stream=True, stream_options={"include_usage": True})
    found = post(json=body)
    assert found.headers["content-type"].startswith("text/event-stream")
    assert found.headers["x-visual-tokens"] == "36"
    *events, done, rest = found.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    texts = [choice["delta"].get("content", "") for c in chunks for choice in c["choices"]]
    assert "".join(texts) == "hello there 200"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-2]["budget"]["num_visual_tokens"] == 36
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"]) == ([], 15)
    assert all("usage" in chunk and chunk["usage"] is None for chunk in chunks[:-1])


def test_without_being_asked_for_a_stream_tells_no_usage(post):
    assert '"usage"' not in post(json=asking("hello", stream=True)).text


def test_a_stream_that_is_refused_is_an_error_and_no_stream(post):
    found = post(json=asking("boom", stream=True))
    assert (found.status_code, found.json()["error"]["code"]) == (500, "failed")


def test_an_error_within_a_stream_is_its_last_event():
    class Breaks(EchoVLM):
        def answer(self, images, questions, **options):
            super().answer(images, questions, **options)
            time.sleep(0.2)  # so that text is on its way
            raise DataError("too late")

    with served(Breaks()) as url:
        text = web.post(url + PATH, json=asking("hello", stream=True)).text
    last = json.loads(text.strip().split("\n\n")[-1].removeprefix("data: "))
    assert last["error"]["message"] == "too late"
    assert "[DONE]" not in text


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_has_its_work_cancelled(stream):
    vlm = EchoVLM()
    with served(vlm) as url:
        connection = sent(url, asking("slow " + "x" * 900, stream=stream))
        until(lambda: vlm.letters > 3)
        connection.close()
        until(lambda: metric(url, 'budget_requests_total{outcome="client_gone"}') == 1)
        until(lambda: url.app.state.intake.running == 0)
    assert vlm.letters < 900


def test_a_client_that_hangs_up_before_its_turn_is_never_run():
    vlm = EchoVLM()
    with served(vlm, ServeSettings(batching=Batching(max_batch=1))) as url:
        first = sent(url, asking("slow " + "x" * 900))
        until(lambda: vlm.letters > 1)
        second = sent(url, asking("second"))
        until(lambda: url.app.state.intake.waiting == 1)
        second.close()
        until(lambda: url.app.state.intake.waiting == 0)
        first.close()
        until(lambda: url.app.state.intake.running == 0)
    assert len(vlm.batches) == 1


def test_a_full_queue_answers_429_with_a_time():
    vlm = EchoVLM()
    with served(vlm, ServeSettings(batching=Batching(max_batch=1, max_queue=1))) as url:
        kept = [sent(url, asking("slow " + "x" * 900))]
        until(lambda: vlm.letters > 1)
        kept.append(sent(url, asking("waits")))
        until(lambda: url.app.state.intake.waiting == 1)
        found = web.post(url + PATH, json=asking("refused"))
        assert (found.status_code, found.json()["error"]["type"]) == (429, "rate_limit_error")
        assert 1 <= int(found.headers["retry-after"]) <= 60
        for connection in kept:
            connection.close()


def test_a_reader_that_stands_still_holds_up_nobody_and_is_left():
    vlm = EchoVLM()
    vlm.model.longest = 10**6
    settings = ServeSettings(
        limits=Limits(max_prompt_chars=200_000), patience=Patience(write_s=0.5)
    )
    with served(vlm, settings, buffer=4096) as url, socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        at = urlsplit(url)
        idle.connect((at.hostname, at.port))
        idle.sendall(by_hand(asking("x" * 190_000, stream=True)))
        until(lambda: vlm.letters > 10)
        found = web.post(url + PATH, json=asking("quick"))
        assert found.json()["choices"][0]["message"]["content"] == "quick"
        until(lambda: metric(url, 'budget_requests_total{outcome="client_gone"}') == 1)


def test_with_keys_only_those_who_have_one_are_served():
    settings = ServeSettings(keys=Keys.of(["first-key", "second-key"]))
    with served(EchoVLM(), settings) as url:
        for header in ({}, {"authorization": "Bearer no"}, {"authorization": "first-key"}):
            found = web.post(url + PATH, json=asking("q"), headers=header)
            assert (found.status_code, found.json()["error"]["code"]) == (401, "invalid_api_key")
            assert found.headers["www-authenticate"] == "Bearer"
        assert metric(url, 'budget_requests_total{outcome="unauthorized"}') == 3
        for key in ("first-key", "second-key"):
            bearer = {"authorization": f"bearer {key}"}
            assert web.post(url + PATH, json=asking("q"), headers=bearer).status_code == 200
        assert web.get(f"{url}/v1/models").status_code == 401
        assert web.get(f"{url}/health").status_code == 200
        assert web.get(f"{url}/metrics").status_code == 200


def test_health_and_metrics_can_be_guarded_too():
    settings = ServeSettings(keys=Keys.of(["k"]), guard_all=True)
    with served(EchoVLM(), settings) as url:
        assert web.get(f"{url}/health").status_code == 401
        assert web.get(f"{url}/metrics", headers={"authorization": "Bearer k"}).is_success


def test_many_at_once_get_each_their_own():
    async def ask(client, i):
        body = asking(f"number {i}", i % 256, stream=i % 3 == 0)
        found = await client.post(PATH, json=body)
        if i % 3:
            return found.json()["choices"][0]["message"]["content"]
        events = [json.loads(line[6:]) for line in found.text.split("\n\n")[:-2]]
        return "".join(c["delta"].get("content", "") for e in events for c in e["choices"])

    async def all_of(url):
        async with httpx2.AsyncClient(base_url=url, timeout=30, verify=TLS) as client:
            return await asyncio.gather(*(ask(client, i) for i in range(60)))

    with served(EchoVLM()) as url:
        found = asyncio.run(all_of(url))
    assert found == [f"number {i} {i % 256}" for i in range(60)]


def test_the_openapi_document_says_what_is_read_and_sent(echo):
    document = web.get(f"{echo}/openapi.json").json()
    schemas = document["components"]["schemas"]
    served_at = document["paths"][PATH]["post"]
    asked = served_at["requestBody"]["content"]["application/json"]["schema"]
    assert asked == {"$ref": "#/components/schemas/ChatRequest"}
    assert {"200", "400", "401", "413", "429", "500", "503"} <= set(served_at["responses"])
    assert schemas["BudgetField"]["maxProperties"] == 1
    assert schemas["ChatRequest"]["properties"]["n"]["anyOf"][0]["maximum"] == 1
    text = json.dumps(document)
    for name in [word.split('"')[0] for word in text.split("#/components/schemas/")[1:]]:
        assert name in schemas
