"""The cost computed from the configuration against what torch counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode


@pytest.fixture
def eager(original):
    """Attention as plain matrix products, which the counter sees on every device."""
    original.model.model.set_attn_implementation("eager")
    yield original
    original.model.model.set_attn_implementation("sdpa")


def counted(call):
    with FlopCounterMode(display=False) as counter:
        result = call()
    return counter.get_total_flops(), result


@pytest.mark.parametrize(("m", "new_tokens"), [(1, 1), (36, 3), (144, 8)])
def test_flops_are_what_torch_counts(eager, m, new_tokens):
    model, image, question = eager.model, eager.images[0], eager.questions[0]
    encoding, features = counted(lambda: model.encode([image]))
    answering, (answer,) = counted(
        lambda: model.answer(
            [image],
            [question],
            num_visual_tokens=m,
            features=features,
            max_new_tokens=new_tokens,
        )
    )
    cost = model.cost(m, model.count_text_tokens(question), len(answer.token_ids))
    assert cost.vision_flops + cost.connector_flops == pytest.approx(encoding, rel=0.02)
    assert cost.prefill_flops + cost.decode_flops == pytest.approx(answering, rel=0.02)
    assert cost.flops == pytest.approx(encoding + answering, rel=0.02)


def test_kv_bytes_are_those_of_the_cache(original):
    model, text, m = original.model, 20, 4
    language_model = model.model.model.language_model
    embeds = torch.zeros(1, text + m + 2, language_model.config.hidden_size)
    with torch.inference_mode():
        cache = language_model(inputs_embeds=embeds, use_cache=True).past_key_values
    held = sum(
        tensor.numel() * tensor.itemsize
        for layer in cache.layers
        for tensor in (layer.keys, layer.values)
    )
    assert model.cost(m, text, new_tokens=3).kv_bytes == held


def test_cost_grows_with_every_count(original):
    model = original.model
    costs = [model.cost(m, 30, 4).flops for m in model.ladder]
    assert costs == sorted(costs)
    assert model.cost(1, 31, 4).flops > model.cost(1, 30, 4).flops
    assert model.cost(1, 30, 5).flops > model.cost(1, 30, 4).flops
    assert model.cost(1, 30, 1).decode_flops == 0


def test_counts_that_make_no_sense_are_refused(original):
    with pytest.raises(ValueError, match="new_tokens at least 1"):
        original.model.cost(1, 30, 0)
    with pytest.raises(ValueError, match="must not be negative"):
        original.model.cost(1, -1, 1)
    with pytest.raises(ValueError, match="num_visual_tokens must be"):
        original.model.cost(10_000, 30, 1)
