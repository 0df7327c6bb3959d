"""A total of visual tokens in a request's body, on the shipped model behind a real server."""

import base64
from io import BytesIO

import pytest
from openai import BadRequestError, OpenAI
from served import served

from budget.adaptive import AdaptiveVLM
from budget.escalating import EscalatingVLM
from budget.models import load_model
from budget.serving.app import create_app
from budget.shipped import shipped_folder
from budget.trust import GuardedPolicy
from experiments.scenes.several import load_several
from policies import load_policy


@pytest.fixture(scope="module")
def model():
    return load_model("m3")


@pytest.fixture(scope="module")
def policy():
    return load_policy(shipped_folder("m3") / "policy")


@pytest.fixture(scope="module")
def prompt():
    row = load_several("calibration", 1)[0]
    return row["image"], row["question"]


@pytest.fixture(scope="module")
def ask(model, policy, prompt):
    vlm = AdaptiveVLM(model, GuardedPolicy(policy, model.ladder))
    with served(create_app(vlm)) as url, OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        yield lambda budget, **more: post(client, prompt, budget, **more)


def post(client, prompt, budget, detail=None):
    images, question = prompt
    return client.chat.completions.create(
        model="m3",
        messages=[{"role": "user", "content": [*map(part, images), said(question)]}]
        if detail is None
        else [{"role": "user", "content": [part(images[0], detail), said(question)]}],
        extra_body={"budget": budget},
    )


def said(question):
    return {"type": "text", "text": question}


def part(image, detail="auto"):
    file = BytesIO()
    image.save(file, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return {"type": "image_url", "image_url": {"url": url, "detail": detail}}


def test_a_request_s_total_is_split_as_in_process(ask, model, policy, prompt):
    from budget.budgets import Budget

    images, question = prompt
    (here,) = AdaptiveVLM(model, policy).answer(
        [images], [question], budget=Budget(total_visual_tokens=70)
    )
    answer = ask({"total_visual_tokens": 70})
    told = answer.model_dump()["budget"]
    assert answer.choices[0].message.content == here.text
    assert [each["num_visual_tokens"] for each in told["images"]] == [
        choice.num_visual_tokens for choice in here.choices
    ]
    assert answer.usage.prompt_tokens_details.image_tokens == here.num_visual_tokens <= 70
    assert f"within 70 tokens over {len(images)} images" in told["reason"]


@pytest.mark.parametrize(
    ("budget", "detail", "line"),
    [
        ({"total_visual_tokens": 1}, None, "a total of 1 visual tokens is too small"),
        ({"total_visual_tokens": 0}, None, "budget.total_visual_tokens"),
        ({"total_visual_tokens": 9, "price": 0.1}, None, "at most 1 of"),
        ({"total_visual_tokens": 9}, "high", "'high' asks for a scale of its own"),
    ],
)
def test_what_cannot_be_met_is_the_client_s_to_know(ask, budget, detail, line):
    with pytest.raises(BadRequestError, match=line):
        ask(budget, detail=detail)


def test_what_goes_up_refuses_a_total(model, policy, prompt):
    vlm = EscalatingVLM(model, policy.escalating())
    with (
        served(create_app(vlm)) as url,
        OpenAI(base_url=f"{url}/v1", api_key="none") as client,
        pytest.raises(BadRequestError, match="going up cannot keep a total"),
    ):
        post(client, prompt, {"total_visual_tokens": 70})
