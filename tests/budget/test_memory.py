"""Memory computed from the configuration against tensors that are really alive."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from transformers import LlamaConfig, LlamaModel

from budget.live_bytes import LiveBytes
from budget.memory import cache_values, layer_activations, peak_activations, weight_values
from budget.models import load_model
from budget.shapes import LlavaShape

FLOAT = 4


def llama(width, mlp, heads, kv_heads, layers=3):
    config = LlamaConfig(
        hidden_size=width,
        intermediate_size=mlp,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        num_hidden_layers=layers,
        vocab_size=64,
    )
    vision = load_model("m3").model.config.vision_config
    whole = SimpleNamespace(
        vision_config=vision,
        text_config=config,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    return LlamaModel(config).eval(), LlavaShape.of(whole)


@pytest.mark.parametrize(
    ("width", "mlp", "heads", "kv_heads"),
    [
        (256, 688, 8, 8),  # Llama's proportions
        (256, 1024, 8, 2),  # grouped queries
        (256, 300, 8, 8),  # a narrow MLP: the attention is the widest moment
        (256, 128, 8, 2),
    ],
)
def test_a_layer_of_the_language_model(width, mlp, heads, kv_heads):
    """Within 5 %: the places' sines and cosines are not counted."""
    model, shape = llama(width, mlp, heads, kv_heads)
    with torch.inference_mode(), LiveBytes() as memory:
        model(inputs_embeds=torch.zeros(1, 300, width), use_cache=False)
    assert FLOAT * layer_activations(shape.text, 300) == pytest.approx(memory.peak, rel=0.05)


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_the_vision_tower(name):
    model = load_model(name)
    side = model.model.config.vision_config.image_size
    pixels = torch.zeros(3, 3, side, side)
    with torch.inference_mode(), LiveBytes() as memory:
        model.model.model.vision_tower(pixels)
    expected = FLOAT * layer_activations(model.shape.vision, 3 * model.shape.vision_tokens)
    assert expected == pytest.approx(memory.peak, rel=0.03)


@pytest.mark.parametrize("m_rung", [0, -1])
def test_a_whole_answer_with_its_cache(original, m_rung):
    """Within 15 %: the last layer's keys and values are both fresh and in the cache."""
    model, m = original.model, original.model.ladder[m_rung]
    question = original.questions[0]
    # A resampler's fixed attention is computed at its first use and kept.
    model.encode(original.images[:1])
    with LiveBytes() as memory:
        model.answer(original.images[:1], [question], num_visual_tokens=m, max_new_tokens=1)
    grids = model.count_grids(original.images[0])
    cost = model.cost(m, model.count_text_tokens(question), 1, grids=grids)
    held_cache = cost.kv_bytes if m_rung else 0  # at one token the tower is widest, before it
    assert cost.activation_bytes + held_cache == pytest.approx(memory.peak, rel=0.15)


def test_more_of_anything_takes_more_memory(m3):
    shape = m3.model.shape
    assert peak_activations(shape, 700) > peak_activations(shape, 600)
    assert peak_activations(shape, 10, grids=5) > peak_activations(shape, 10, grids=1)
    assert peak_activations(shape, 10, grids=0) == layer_activations(shape.text, 10)
    assert cache_values(shape, 20) == 2 * cache_values(shape, 10)


def test_a_resampler_of_fixed_attention_keeps_no_scores(mqt):
    """The tiny resampler's scores, 4 x 256 x 576 twice, are the widest moment of all."""
    fixed = replace(mqt.model.shape, num_queries=256, resampler_heads=4)
    shape = replace(fixed, fixed_attention=False)
    assert peak_activations(fixed, 10) < peak_activations(shape, 10)
    assert peak_activations(shape, 10) > 2 * 4 * 256 * 576


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_weights_are_those_of_the_model(name):
    model = load_model(name)
    held = sum(parameter.numel() for parameter in model.model.parameters())
    assert weight_values(model.shape) == pytest.approx(held, rel=0.01)
    tied = replace(model.shape, tied_head=True)
    table = model.shape.vocabulary * model.shape.text.width
    assert weight_values(model.shape) - weight_values(tied) == table
