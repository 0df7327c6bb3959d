"""Qwen3-VL and Qwen3.5, and those of experts, on tiny random models."""

import pytest
import torch

from budget import load_model
from budget.families.encoding import merge
from budget.families.measured_cost import count_flops
from budget.families.registry import family_of
from budget.json_files import read_json
from experiments.families.checks import (
    PICTURES,
    QUESTIONS,
    Case,
    equals_transformers,
    mixed_batch,
    picture,
)
from experiments.families.tiny import qwen
from experiments.families.verify import verify_folder


@pytest.mark.parametrize("build", [qwen.qwen3_vl, qwen.qwen3_5], ids=lambda build: build.__name__)
def test_whole_way(build, tmp_path):
    folder = build(tmp_path)
    entry = verify_folder(folder, family_of(read_json(folder / "config.json")))
    assert entry.verified, entry.why_not
    assert entry.ladder == (64, 128, 256, 512, 1024)
    assert entry.realised["100x80"] == [56, 72, 72, 72, 72]  # where 64 is enlarged to 72 else


@pytest.mark.parametrize(
    "build", [qwen.qwen3_vl_moe, qwen.qwen3_5_moe], ids=lambda build: build.__name__
)
def test_models_of_experts_answer_as_transformers_does(build, tmp_path):
    folder = build(tmp_path)
    case = Case(load_model(folder, ladder=(16, 128, 256)), folder)
    assert build.__name__ in case.runner.family.model_types
    equals_transformers(case)
    mixed_batch(case)


def test_features_of_deeper_layers_are_put_together_as_the_encoder_gives_them(tmp_path):
    runner = load_model(qwen.qwen3_vl(tmp_path))
    seen = [runner.see(image, 64) for image in PICTURES[:2]]
    merged = merge([runner._batches.encode(each, 64) for each in seen])
    with torch.inference_mode():
        wanted = runner.model.get_image_features(
            pixel_values=torch.cat([each.tensors["pixel_values"] for each in seen]),
            image_grid_thw=torch.cat([each.tensors["image_grid_thw"] for each in seen]),
            return_dict=True,
        )
    assert len(merged.deepstack_features) == len(wanted.deepstack_features) == 2
    for own, other in zip(merged.deepstack_features, wanted.deepstack_features, strict=True):
        torch.testing.assert_close(torch.cat(own), torch.cat(other), atol=1e-5, rtol=1e-5)


def test_linear_attention_costs_what_torch_counts(tmp_path):
    runner = load_model(qwen.qwen3_5(tmp_path))
    image = picture((300, 300))
    (answer,) = runner.answer([image], QUESTIONS[:1], num_visual_tokens=128, max_new_tokens=1)
    row = runner._batches.row(QUESTIONS[0], [runner.see(image, 128)], [128])
    inputs = runner._batches.inputs([row])
    read = count_flops(lambda: runner.model(**inputs, logits_to_keep=1))
    # The last chunk of 64 positions is padded, which is not charged.
    assert 0.85 * read < runner.answer_cost(answer).prefill_flops <= read * 1.001
    cache = runner.model(**inputs).past_key_values
    one = torch.tensor([[5]])
    step = count_flops(lambda: runner.model(input_ids=one, past_key_values=cache))
    twice = runner.cost(row.visual_tokens, len(row.ids) - row.visual_tokens, 2)
    # A step goes without chunks; charged as a position of a prompt, it is a little too dear.
    assert step < twice.decode_flops < 1.4 * step
