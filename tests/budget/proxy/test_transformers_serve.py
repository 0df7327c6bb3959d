"""The proxy between an unmodified client and a real ``transformers serve`` process."""

import json

import openai
import pytest
from chat_bodies import image_part, message, scene
from picture_host import as_url, png
from running_proxy import running_proxy
from transformers_server import KNOBS, by_hand, transformers_serving

QUESTION = scene()[1]
# Prompt tokens of a square: 4, 9 or 16 tiles of six tokens, beside the whole of it (four tokens and
# three around them), two roles and the question.
TOKENS = [4 + 3 + 2 + len(QUESTION.split()) + 6 * tiles for tiles in (0, 4, 4, 9, 16)]


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """Start ``transformers serve`` with a tiny random model, and give its URL and model."""
    with transformers_serving(tmp_path_factory) as found:
        yield found


@pytest.fixture(scope="module")
def proxies(serving, tmp_path_factory):
    """Start one proxy for each of two dialects, and give a client of each."""
    file = tmp_path_factory.mktemp("knobs") / "knobs.json"
    file.write_text(json.dumps(KNOBS))
    common = ["--upstream", serving[0], "--policy", "m3", "--decision-ms", "60000"]
    by_knob = [*common, "--dialect", "transformers", "--knobs", str(file)]
    by_size = [*common, "--dialect", "resize", "--knob", "longest_side=16,32,48,64,500"]
    with running_proxy(*by_knob) as first, running_proxy(*by_size) as second:
        urls = {"transformers": first["url"], "resize": second["url"], "none": serving[0]}
        clients = {
            name: openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0)
            for name, url in urls.items()
        }
        yield clients
        for client in clients.values():
            client.close()


def ask(client, model, part, **more):
    """Return the prompt tokens of an answer, its text and the header of the rung."""
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=[message(part, text=QUESTION)], max_tokens=4, **more
    )
    answer = raw.parse()
    words = answer.choices[0].message.content
    return answer.usage.prompt_tokens, words, raw.headers.get("x-visual-budget")


@pytest.mark.slow
def test_prompt_tokens_follow_the_rung(serving, proxies):
    model, proxy = serving[1], proxies["transformers"]
    low = ask(proxy, model, image_part(detail="low"))
    high = ask(proxy, model, image_part(detail="high"))
    assert (low[0], low[2]) == (TOKENS[0], "0")
    assert (high[0], high[2]) == (TOKENS[4], "4")
    chosen = ask(proxy, model, image_part())
    assert chosen[0] == TOKENS[int(chosen[2])]
    for answer in (low, high, chosen):  # text and tokens are those of asking so oneself
        knob = KNOBS[int(answer[2])]
        alone = ask(proxies["none"], model, image_part(), extra_body=by_hand(knob))
        assert answer[:2] == alone[:2]


@pytest.mark.slow
def test_a_knob_of_the_clients_own_wins(serving, proxies):
    own, part = by_hand(KNOBS[3]), image_part(detail="low")
    assert ask(proxies["transformers"], serving[1], part, extra_body=own)[0] == TOKENS[3]


@pytest.mark.slow
def test_a_smaller_image_is_fewer_tokens_for_a_server_without_a_knob(serving, proxies):
    large = as_url(png(128, 128))
    found = {
        detail: ask(proxies["resize"], serving[1], image_part(large, detail=detail))[0]
        for detail in ("low", "high")
    }
    assert found == {"low": TOKENS[0], "high": TOKENS[4]}
    assert ask(proxies["none"], serving[1], image_part(large, detail="low"))[0] == TOKENS[4]
    chosen, _, rung = ask(proxies["resize"], serving[1], image_part())  # 96 pixels a side
    assert chosen == [TOKENS[i] for i in (0, 0, 1, 1, 3)][int(rung)]


@pytest.mark.slow
def test_a_stream_and_other_paths_pass_through(serving, proxies):
    client, model = proxies["transformers"], serving[1]
    stream = client.chat.completions.create(
        model=model, messages=[message(image_part(detail="low"))], max_tokens=4, stream=True
    )
    chunks = list(stream)
    assert len(chunks) > 2
    assert chunks[-1].usage.prompt_tokens < TOKENS[1]
    assert client.models.list().object == "list"


@pytest.mark.slow
def test_what_the_server_refuses_is_told_to_the_client(serving, proxies):
    unknown = {"mm_processor_kwargs": {"max_pixels": 1}}
    with pytest.raises(openai.UnprocessableEntityError, match="422") as caught:
        ask(proxies["transformers"], serving[1], image_part(), extra_body=unknown)
    assert "mm_processor_kwargs" in caught.value.response.text
