"""The cost computed from the configuration against what torch counts."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from budget.cost import LlavaShape, connector_flops, llava_cost, vision_flops
from budget.every_scale import EveryScale
from budget.generation import generate_greedily
from budget.models import load_model
from budget.resampler import QueryResampler

MODELS = ["m3_original", "mqt_original", "m3", "mqt"]


@pytest.fixture(scope="module", params=MODELS)
def runner(request):
    """The original checkpoints and the shipped models."""
    if request.param.endswith("original"):
        return request.getfixturevalue(request.param.removesuffix("_original")).model
    return load_model(request.param)


@pytest.fixture
def eager(runner):
    """Attention as plain matrix products, which the counter sees on every device."""
    runner.model.model.set_attn_implementation("eager")
    yield runner
    runner.model.model.set_attn_implementation("sdpa")


def counted(call):
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        result = call()
    return counter.get_total_flops(), result


def pixels(runner):
    side = runner.model.config.vision_config.image_size
    return torch.zeros(1, 3, side, side)


def decode(runner, positions, new_tokens):
    """Generate a fixed number of tokens after a prompt of zeros."""
    prompt = torch.zeros(positions, runner.shape.text.width)
    language_model, head = runner.model.model.language_model, runner.model.lm_head
    return generate_greedily(language_model, head, [prompt], max_new_tokens=new_tokens)


def test_vision_and_connector_are_what_torch_counts(eager):
    tower, projector = eager.model.model.vision_tower, eager.model.model.multi_modal_projector
    features = torch.zeros(1, eager.shape.grid_tokens, eager.shape.feature_width)
    seeing, _ = counted(lambda: tower(pixels(eager)))
    counted(lambda: projector(features))  # what no image changes is computed once
    joining, _ = counted(lambda: projector(features))
    assert vision_flops(eager.shape) == pytest.approx(seeing, rel=0.02)
    assert connector_flops(eager.shape) == pytest.approx(joining, rel=0.02)


@pytest.mark.parametrize("new_tokens", [2, 8])
def test_prefill_and_decode_are_what_torch_counts(eager, new_tokens):
    m, text = eager.ladder[2], 30
    cost = eager.cost(m, text, new_tokens)
    prefill, _ = counted(lambda: decode(eager, m + text, 1))
    both, _ = counted(lambda: decode(eager, m + text, new_tokens))
    assert cost.prefill_flops == pytest.approx(prefill, rel=0.02)
    assert cost.decode_flops == pytest.approx(both - prefill, rel=0.02)


@pytest.mark.parametrize(("m", "new_tokens"), [(1, 1), (36, 3), (144, 8)])
def test_a_whole_answer_is_what_torch_counts(original, m, new_tokens):
    model, image, question = original.model, original.images[0], original.questions[0]
    model.model.model.set_attn_implementation("eager")
    model.encode([image])  # what no image changes is computed once
    try:
        done, (answer,) = counted(
            lambda: model.answer(
                [image], [question], num_visual_tokens=m, max_new_tokens=new_tokens
            )
        )
    finally:
        model.model.model.set_attn_implementation("sdpa")
    text, grids = model.count_text_tokens(question), model.count_grids(image)
    cost = model.cost(m, text, len(answer.token_ids), grids=grids)
    assert cost.flops == pytest.approx(done, rel=0.02)


def test_a_resampler_of_fixed_attention_is_what_torch_counts():
    width, out, queries, patches, heads = 64, 96, 16, 144, 4
    resampler = QueryResampler(queries, width, out, heads).eval()
    images = torch.randn(1, patches, width, generator=torch.Generator().manual_seed(0))
    attention = resampler.attention_weights(patches).detach()
    merged = resampler.attn.out_proj.weight.T @ resampler.proj
    weight, bias = (
        p[-width:] for p in (resampler.attn.in_proj_weight, resampler.attn.in_proj_bias)
    )

    def read():
        value = F.linear(resampler.ln_v(images), weight, bias)
        value = value.reshape(1, patches, heads, width // heads).transpose(1, 2)
        return (attention @ value).transpose(1, 2).reshape(1, queries, width)

    plain, expected = counted(lambda: resampler.read_plainly(images))
    with torch.no_grad():
        resampler(images)
        really, _ = counted(lambda: resampler(images))
    fixed, tokens = counted(lambda: resampler.attn.out_proj(read()) @ resampler.proj)
    short, merged_tokens = counted(lambda: read() @ merged)
    torch.testing.assert_close(tokens, expected)
    torch.testing.assert_close(
        merged_tokens + resampler.attn.out_proj.bias @ resampler.proj, expected
    )
    shape = resampler_shape(width, out, queries, patches, heads)
    unmerged = replace(shape, merged_output=False)
    assert connector_flops(replace(unmerged, fixed_attention=False)) == plain
    assert connector_flops(unmerged) == fixed < plain
    assert connector_flops(shape) == short == really


def resampler_shape(width, out, queries, patches, heads):
    shape = load_model("mqt").shape
    return replace(
        shape,
        text=replace(shape.text, width=out),
        feature_width=width,
        num_queries=queries,
        grid_tokens=patches,
        resampler_heads=heads,
    )


def cost(shape, m=9, text=30, new=4, **more):
    return llava_cost(shape, num_visual_tokens=m, text_tokens=text, new_tokens=new, **more)


def test_every_grid_is_seen_and_read(runner):
    one, five = cost(runner.shape), cost(runner.shape, grids=5)
    assert five.vision_flops == 5 * one.vision_flops
    assert five.connector_flops == 5 * one.connector_flops
    longer = cost(runner.shape, m=45)
    assert five.prefill_flops == longer.prefill_flops
    assert five.decode_flops == longer.decode_flops
    assert five.kv_bytes == longer.kv_bytes
    assert five.activation_bytes > longer.activation_bytes


def test_a_prompt_without_images_pays_for_its_text_alone(runner):
    text = cost(runner.shape, grids=0)
    assert text.vision_flops == text.connector_flops == 0
    assert text.prefill_flops == cost(runner.shape, m=0).prefill_flops
    assert text.flops == cost(runner.shape, m=144, grids=0).flops > 0


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


def test_half_the_bytes_per_value_halve_the_memory(runner):
    full, half = (cost(runner.shape, bytes_per_value=b) for b in (4, 2))
    assert (half.kv_bytes, half.activation_bytes) == (full.kv_bytes / 2, full.activation_bytes / 2)
    assert half.flops == full.flops


def test_counts_that_make_no_sense_are_refused(original):
    with pytest.raises(ValueError, match="new_tokens at least 1"):
        original.model.cost(1, 30, 0)
    with pytest.raises(ValueError, match="must not be negative"):
        original.model.cost(1, -1, 1)
    with pytest.raises(ValueError, match="-1 grids"):
        cost(original.model.shape, grids=-1)
    with pytest.raises(ValueError, match="num_visual_tokens must be"):
        original.model.cost(10_000, 30, 1)


def test_a_shape_says_which_resampler_it_has(m3, mqt):
    plain, resampler = m3.model.shape, mqt.model.shape
    assert isinstance(plain, LlavaShape)
    assert (plain.num_queries, plain.resampler_heads) == (None, 1)
    assert math.isqrt(resampler.num_queries) ** 2 == resampler.num_queries
    assert (resampler.resampler_heads, resampler.fixed_attention) == (4, True)


def test_every_scale_costs_what_it_shares_once(eager):
    image, question = Image.new("RGB", (96, 96), "red"), "What color is it?"
    eager.encode([image])  # what no image changes is computed once
    done, answers = counted(
        lambda: EveryScale(eager, [image], [question], pass_tokens=1).answers(max_new_tokens=1)
    )
    rungs = [answer for (answer,) in answers[0]]
    behind = len(eager.prompt.ids(question).after)
    visual = [answer.num_visual_tokens for answer in rungs]
    # Through a mask, a pass also looks at the keys of the branches before it, which nothing needs.
    if eager.nested:
        unseen = [behind * (visual[-1] - m + k * behind) for k, m in enumerate(visual)]
    else:
        widths = [m + behind for m in visual]
        unseen = [width * sum(widths[:k]) for k, width in enumerate(widths)]
    text = eager.shape.text
    masked = 4 * text.layers * text.query_width * sum(unseen)
    assert eager.every_scale_flops(rungs) + masked == pytest.approx(done, rel=0.02)


def test_every_scale_costs_least_where_samples_share_the_text_before_the_image(m3):
    (rungs,) = m3.model.answer_every_scale(m3.images[:1], m3.questions[:1], max_new_tokens=2)
    alone, shared = (m3.model.every_scale_flops(rungs, sharing=n) for n in (1, 10))
    before = len(m3.model.prompt.ids("").before)
    assert alone - shared == pytest.approx(0.9 * m3.model.shape.text.flops(before, before))
    separate = sum(
        m3.model.cost(m, a.prompt_tokens - a.num_visual_tokens, len(a.token_ids)).flops
        for m, a in zip(m3.model.ladder, rungs, strict=True)
    )
    assert alone < separate
