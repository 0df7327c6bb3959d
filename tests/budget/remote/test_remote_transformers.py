"""A served model behind a real ``transformers serve`` process."""

import math

import numpy as np
import pytest
from chat_bodies import scene
from datasets import Dataset
from PIL import Image
from transformers_server import KNOBS, transformers_serving

from budget.errors import ModelError
from budget.models import load_model
from oracle.sweeping import sweep

LADDER = (16, 64, 128, 256)
RUNGS = [KNOBS[i] for i in (0, 1, 3, 4)]
# 1, 4, 9 and 16 tiles of four tokens with a marker and a row mark each, and the whole image.
TOKENS = [4 + 3 + 6 * tiles for tiles in (0, 4, 9, 16)]
PICTURE = Image.new("RGB", (128, 128), "teal")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with transformers_serving(tmp_path_factory) as (url, model):
        yield f"openai:{url}/v1#{model}"


@pytest.mark.slow
def test_tokens_are_what_the_knob_adds_to_the_same_question_alone(address):
    model = load_model(address, dialect="transformers", ladder=LADDER, knobs=RUNGS)
    assert model.realised(PICTURE) == TOKENS
    assert not model.tells_confidence
    question = scene()[1]
    for rung, m in enumerate(LADDER):
        (answer,) = model.answer([PICTURE], [question], num_visual_tokens=m, max_new_tokens=4)
        assert answer.num_visual_tokens == TOKENS[rung]
        assert answer.prompt_tokens == TOKENS[rung] + model.count_text_tokens(question)
        assert math.isnan(answer.confidence)
    model.close()


@pytest.mark.slow
def test_an_oracle_sweeps_it_with_the_knob_or_by_resizing(address):
    rows = [
        {"id": str(i), "image": PICTURE, "question": "what is red ?", "answers": ["red"]}
        for i in range(3)
    ]
    data = Dataset.from_list(rows)
    by_knob = load_model(address, dialect="transformers", ladder=LADDER, knobs=RUNGS)
    sides = [{"longest_side": side} for side in (32, 64, 96, 128)]
    by_size = load_model(address, dialect="resize", ladder=LADDER, knobs=sides)
    for model in (by_knob, by_size):
        curves = sweep(model, data, max_new_tokens=4)
        assert curves.num_visual_tokens.tolist() == [TOKENS] * 3
        assert np.isnan(curves.confidence).all()
        assert (curves.seconds > 0).all()
        model.close()


@pytest.mark.slow
def test_a_knob_that_it_ignores_or_does_not_know_is_refused(address):
    with pytest.raises(ModelError, match="it ignores the dialect 'detail'"):
        load_model(address, dialect="detail", ladder=(85, 765))
    with pytest.raises(ModelError, match=r"answered 422: .*mm_processor_kwargs"):
        load_model(address, dialect="vllm", ladder=LADDER, knobs=RUNGS)
