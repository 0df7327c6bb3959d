"""The proxy in front of a real server that records what arrives."""

import http.client
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import openai
import pytest
from chat_bodies import body, image_part, message, scene
from picture_host import as_url, png

IMAGES = [{"max_pixels": n} for n in (100, 400, 900, 1600, 2500)]


def post(url, data, path="/v1/chat/completions", method="POST", headers=None):
    """Send bytes as they are, and return status, headers and body of the answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        headers = {"Content-Type": "application/json", **(headers or {})}
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_vllm_gets_the_rungs_knob_and_the_client_hears_of_it(proxied, recorder, client, policy):
    asked = message(image_part())
    with proxied("vllm") as url:
        raw = client(url).chat.completions.with_raw_response.create(
            model="m", messages=[asked], temperature=0.5
        )
    rung = int(policy.choose([scene()[0]], [scene()[1]]).rungs[0])
    assert raw.headers["x-visual-budget"] == str(rung)
    assert raw.headers["x-visual-budget-reason"] == "policy"
    assert raw.headers["x-upstream"] == "yes"
    assert raw.parse().choices[0].message.content == "fine"
    sent = recorder.last()
    assert sent.pop("mm_processor_kwargs") == {"images_kwargs": IMAGES[rung]}
    assert sent == {"model": "m", "messages": [asked], "temperature": 0.5}


@pytest.mark.parametrize(("detail", "rung"), [("low", 0), ("high", 4), ("original", 4)])
def test_detail_asks_for_the_ends_of_the_ladder(proxied, recorder, client, detail, rung):
    with proxied("transformers") as url:
        raw = client(url).chat.completions.with_raw_response.create(
            model="m",
            messages=[message(image_part(detail=detail))],
            extra_body={"chat_template_kwargs": {"enable_thinking": False}},
        )
    assert raw.headers["x-visual-budget"] == str(rung)
    assert raw.headers["x-visual-budget-reason"] == "detail"
    assert recorder.last()["chat_template_kwargs"] == {
        "enable_thinking": False,
        "processor_kwargs": {"images_kwargs": IMAGES[rung]},
    }


@pytest.mark.parametrize(
    "own",
    [
        {"mm_processor_kwargs": {"max_pixels": 5}},
        {"mm_processor_kwargs": {}},
        {"images_config": {"x": 1}},
        {"chat_template_kwargs": {"processor_kwargs": {"images_kwargs": {"size": 1}}}},
    ],
)
@pytest.mark.parametrize("dialect", ["vllm", "transformers", "resize"])
def test_a_knob_of_the_clients_own_goes_through_to_the_byte(proxied, recorder, own, dialect):
    data = json.dumps(body(image_part(), **own), indent=3).encode()
    with proxied(dialect) as url:
        status, headers, _ = post(url, data)
    assert (status, recorder.bodies) == (200, [data])
    assert headers["x-visual-budget-reason"] == "client"
    assert headers["x-visual-budget"] is None


def test_a_knob_on_one_image_counts_too(proxied, recorder):
    data = json.dumps(body(image_part(), image_part(max_dynamic_patch=3))).encode()
    with proxied("vllm") as url:
        post(url, data)
    assert recorder.bodies == [data]


ODD = {
    "a picture unlike all that the policy knows": json.dumps(body(image_part(as_url(png(64, 48))))),
    "no image file": json.dumps(body(image_part(as_url(b"hello")))),
    "cut image": json.dumps(body(image_part(as_url(png(64, 48)[:60])))),
    "remote URL": json.dumps(body(image_part("https://pictures.test/a.png"))),
    "one of two is remote": json.dumps(body(image_part(), image_part("http://a.test/"))),
    "nine images": json.dumps(body(*[image_part()] * 9)),
    "no text at all": json.dumps(body(image_part("data:,"))),
    "no JSON": "{'model': 1}",
    "NaN": json.dumps(body(image_part(), temperature=float("nan"))),
    "nested": "[" * 100_000,
    "a list": "[]",
    "messages of numbers": '{"messages": [1]}',
    "image without URL": '{"messages": [{"content": [{"type": "image_url"}]}]}',
    "nothing": "",
}


@pytest.mark.parametrize("dialect", ["vllm", "resize"])
def test_what_cannot_be_decided_goes_through_to_the_byte(proxied, recorder, dialect):
    with proxied(dialect) as url:
        for name, text in ODD.items():
            _, headers, _ = post(url, text.encode())
            assert recorder.bodies[-1] == text.encode(), name
            assert headers["x-visual-budget-fallback"] in {"body", "image", "outlier"}, name
            assert headers["x-visual-budget"] is None, name
    assert len(recorder.bodies) == len(ODD)


def test_text_alone_goes_through_to_the_byte_without_a_word(proxied, recorder):
    data = b'{ "messages":[{"role":"user", "content":"\\u00e9 \\ud800"}], "x":1E400 }'
    with proxied("vllm") as url:
        _, headers, _ = post(url, data)
    assert recorder.bodies == [data]
    assert not [name for name in headers if name.lower().startswith("x-visual")]


def test_a_packed_body_is_not_looked_into(proxied, recorder):
    data = json.dumps(body(image_part())).encode()
    with proxied("vllm") as url:
        _, headers, _ = post(url, data, headers={"Content-Encoding": "zstd"})
    assert recorder.bodies == [data]
    assert headers["x-visual-budget-fallback"] == "body"


def test_of_several_images_the_largest_rung_counts(proxied, recorder, client):
    parts = [image_part(detail="low"), image_part(detail="high"), image_part(detail="low")]
    with proxied("vllm") as url:
        raw = client(url).chat.completions.with_raw_response.create(
            model="m", messages=[message(parts[0]), message(*parts[1:])]
        )
    assert raw.headers["x-visual-budget"] == "0,4,0"
    assert recorder.last()["mm_processor_kwargs"] == {"images_kwargs": IMAGES[4]}


def test_headers_and_other_paths_pass_through(proxied, recorder):
    sent = {
        "Authorization": "Bearer sk-1",
        "X-Own": "a",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
        "Proxy-Authorization": "secret",
        "Cookie": "c=1",
    }
    with proxied("vllm") as url:
        status, headers, data = post(url, b"\x00\xff", "/v1/a%2Fb/?q=%20&q=2", "PUT", sent)
        assert (status, data) == (207, b"\x00other\xff")
        assert headers["content-type"] == "application/x-own"
        assert [c.split(";")[0] for c in headers.get_all("set-cookie")] == ["a=1", "b=2"]
        arrived = {name.decode(): value.decode() for name, value in recorder.headers[-1]}
        assert recorder.paths[-1] == "PUT /v1/a%2Fb/?q=%20&q=2"
        assert recorder.bodies[-1] == b"\x00\xff"
        assert (arrived["authorization"], arrived["x-own"]) == ("Bearer sk-1", "a")
        assert arrived["host"] != urlsplit(url).netloc
        assert not {"x-hop", "proxy-authorization"} & set(arrived)
        post(url, None, "/metrics", "GET")  # cookies of one client are not another's
        assert recorder.paths[-1] == "GET /metrics"
        assert b"cookie" not in dict(recorder.headers[-1])
        assert b"user-agent" not in dict(recorder.headers[-1])
        status, _, data = post(url, None, "/v1/models", "HEAD")
        assert (status, data) == (207, b"")


def test_errors_of_the_server_behind_are_the_clients(proxied, recorder, client):
    with proxied("vllm") as url:
        with pytest.raises(openai.InternalServerError, match="no") as caught:
            client(url).chat.completions.create(model="broken", messages=[message(image_part())])
        assert caught.value.status_code == 503
        assert caught.value.response.headers["retry-after"] == "7"
        assert caught.value.response.headers["x-visual-budget-reason"] == "policy"


def test_a_stream_arrives_piece_by_piece(proxied, recorder, client):
    with proxied("vllm") as url:
        client(url).chat.completions.create(model="m", messages=[message(image_part())])  # warm
        start, words = time.monotonic(), []
        for chunk in client(url).chat.completions.create(
            model="m", messages=[message(image_part())], stream=True
        ):
            words.append((chunk.choices[0].delta.content, time.monotonic() - start))
    assert [word for word, _ in words] == ["one", "two", "three"]
    assert words[2][1] - words[0][1] > 0.3  # the server behind takes 0.5 s between them


@pytest.mark.parametrize("model", ["endless", "silent"])
def test_a_client_that_goes_away_ends_the_request_behind(proxied, recorder, client, model):
    with proxied("vllm") as url:
        where = urlsplit(url)
        data = json.dumps(body(image_part(), model=model, stream=True)).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        with socket.create_connection((where.hostname, where.port), timeout=10) as raw:
            raw.sendall(head.encode() + data)
            assert recorder.asked.wait(20)
            if model == "endless":
                assert b"200 OK" in raw.recv(1000)
            assert not recorder.gone.is_set()
        assert recorder.gone.wait(20)
        _, _, page = post(url, None, "/budget/metrics", "GET")
    assert b"budget_proxy_running 0.0" in page
    status = b'"499"' if model == "silent" else b'"200"'
    assert b"budget_proxy_responses_total{status=" + status + b"} 1.0" in page


def test_an_answer_that_breaks_off_breaks_off_for_the_client(proxied, recorder):
    with proxied("vllm") as url:
        data = json.dumps(body(image_part(), model="cut")).encode()
        with pytest.raises(http.client.IncompleteRead):
            post(url, data)


def test_a_server_that_is_not_there_is_502_in_openais_shape(proxied, client):
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    with proxied("vllm", upstream=nobody) as url:
        with pytest.raises(openai.InternalServerError, match="cannot be reached") as caught:
            client(url).chat.completions.create(model="m", messages=[message(image_part())])
        assert caught.value.status_code == 502
        assert caught.value.code == "upstream_unreachable"
        status, _, data = post(url, None, "/budget/health", "GET")
        assert (status, json.loads(data)) == (200, {"status": "ok", "upstream": nobody})


def test_a_server_that_is_silent_is_504(proxied, recorder, client):
    with proxied("vllm", timeout_s=0.3) as url:
        with pytest.raises(openai.InternalServerError, match=r"within 0\.3 s") as caught:
            client(url).chat.completions.create(model="silent", messages=[message(image_part())])
        assert caught.value.status_code == 504
    assert recorder.gone.wait(20)


def test_a_body_that_is_too_long_is_413_announced_or_not(proxied, recorder, client):
    with proxied("vllm", body=2000) as url:
        with pytest.raises(openai.APIStatusError, match="at most 2,000 bytes") as caught:
            client(url).chat.completions.create(model="m" * 2000, messages=[message()])
        assert (caught.value.status_code, caught.value.code) == (413, "body_too_large")
        status, _, data = post(url, iter([b"x" * 1000] * 3), headers={})  # chunked
        assert (status, json.loads(data)["error"]["code"]) == (413, "body_too_large")
        exactly = json.dumps(body(model="")).encode().ljust(2000)
        assert post(url, exactly)[0] == 200
    assert recorder.bodies == [exactly]


def test_many_clients_at_once_get_each_their_own_answer(proxied, recorder):
    def ask(url, i, found):
        text = json.dumps({**body(image_part(detail=("low", "high")[i % 2])), "user": str(i)})
        _, headers, _ = post(url, text.encode())
        found[i] = headers["x-visual-budget"]

    with proxied("vllm") as url:
        found = {}
        threads = [threading.Thread(target=ask, args=(url, i, found)) for i in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _, _, page = post(url, None, "/budget/metrics", "GET")
    assert found == {i: "04"[i % 2] for i in range(24)}
    for data in recorder.bodies:
        sent = json.loads(data)
        expected = IMAGES[(0, 4)[int(sent["user"]) % 2]]
        assert sent["mm_processor_kwargs"]["images_kwargs"] == expected
    assert b'budget_proxy_decisions_total{reason="detail"} 24.0' in page
    assert b'budget_proxy_images_total{rung="4"} 12.0' in page
