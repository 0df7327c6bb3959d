"""The transformers class itself: generate, training, and its Auto registration."""

import pytest
import torch
from transformers import AutoConfig

from budget.images import to_pixels
from budget.mqt import MqtLlavaConfig, keep_prefixes


@pytest.fixture(scope="module")
def prompt(mqt):
    """Pixels and a function that writes a prompt for m visual tokens."""
    model, mark = mqt.model.model, mqt.model.model.config.image_token_id
    ids = mqt.model.prompt.ids(mqt.questions[0])
    pixels = to_pixels(mqt.images, mqt.model.image_processor, pad=True)
    return model, pixels, lambda m: torch.tensor([[*ids.before, *[mark] * m, *ids.after]])


@pytest.mark.parametrize("m", [1, 7, 256])
def test_generate_takes_num_visual_tokens(mqt, prompt, m):
    model, pixels, write = prompt
    ids = write(m)
    generated = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        pixel_values=pixels[:1],
        num_visual_tokens=m,
        max_new_tokens=5,
        do_sample=False,
    )
    (answer,) = mqt.model.answer(
        mqt.images[:1], mqt.questions[:1], num_visual_tokens=m, max_new_tokens=5
    )
    assert tuple(generated[0, ids.shape[1] :].tolist()) == answer.token_ids


def test_a_smaller_scale_is_a_prefix_of_a_larger_one(prompt):
    model, pixels, _ = prompt
    with torch.no_grad():
        every = model.get_image_features(pixel_values=pixels).pooler_output
        some = model.get_image_features(pixel_values=pixels, num_visual_tokens=[2, 256, 9])
    assert [len(tokens) for tokens in some.pooler_output] == [2, 256, 9]
    for few, all_tokens in zip(some.pooler_output, every, strict=True):
        assert torch.equal(few, all_tokens[: len(few)])


def test_a_loss_at_a_scale_trains_only_the_queries_it_uses(prompt):
    model, pixels, write = prompt
    ids = write(5)
    model.zero_grad()
    model(input_ids=ids, pixel_values=pixels[:1], num_visual_tokens=5, labels=ids).loss.backward()
    gradient = model.model.multi_modal_projector.query.grad.abs().sum(1)
    model.zero_grad()
    assert (gradient[:5] > 0).all()
    assert (gradient[5:] == 0).all()


def test_a_prompt_with_another_number_of_image_tokens_is_refused(prompt):
    model, pixels, write = prompt
    with pytest.raises(ValueError, match="do not match"):
        model(input_ids=write(4), pixel_values=pixels[:1], num_visual_tokens=5)


def test_prefixes_out_of_range_are_refused():
    with pytest.raises(ValueError, match="integer from 1 to 16, got 17"):
        keep_prefixes([torch.zeros(16, 2)], 17)


def test_the_configuration_is_registered(tmp_path):
    MqtLlavaConfig(num_queries=64, num_resampler_heads=8).save_pretrained(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(config, MqtLlavaConfig)
    assert (config.num_queries, config.num_resampler_heads) == (64, 8)
