"""On an accelerator the originals are what the original code computed, in every type."""

import numpy as np
import pytest
import torch

from budget.models import load_model

pytestmark = pytest.mark.gpu
# Largest difference of a logit as a share of the logits' range: 23, 10 and 7 bits are kept.
LARGEST = {torch.float32: 1e-4, torch.float16: 0.02, torch.bfloat16: 0.06}


def load(original, **settings):
    return load_model(original.folder, num_heads=original.num_heads, **settings)


def differences(original, model):
    """Per recorded case, the largest difference as a share of the range; run as one batch."""
    images, questions = original.case_samples()
    found = model.logits(
        images, questions, num_visual_tokens=[case["m"] for case in original.cases]
    )
    for case, computed in zip(original.cases, found, strict=True):
        recorded = torch.from_numpy(original.arrays[f"logits_sample{case['sample']}_m{case['m']}"])
        off = (computed[-len(recorded) :].float().cpu() - recorded).abs().max()
        yield float(off / (recorded.max() - recorded.min()))


@pytest.mark.parametrize("dtype", LARGEST)
def test_originals_on_cuda(original, dtype):
    model = load(original, device="cuda", dtype=dtype)
    assert max(differences(original, model)) <= LARGEST[dtype]


def test_greedy_ids_on_cuda(original):
    model = load(original, device="cuda", dtype=torch.float32)
    images, questions = original.case_samples()
    scales = [case["m"] for case in original.cases]
    answers = model.answer(images, questions, num_visual_tokens=scales, max_new_tokens=8)
    expected = [original.greedy_ids(case) for case in original.cases]
    assert [answer.token_ids for answer in answers] == expected


def test_flash_attention(original):
    pytest.importorskip("flash_attn")
    settings = {"device": "cuda", "dtype": torch.bfloat16, "attention": "flash_attention_2"}
    assert max(differences(original, load(original, **settings))) <= LARGEST[torch.bfloat16]


def test_a_device_map_over_every_device(original):
    pytest.importorskip("accelerate")
    model = load(original, device_map="auto", dtype=torch.float32)
    assert max(differences(original, model)) <= LARGEST[torch.float32]
    images, questions = original.case_samples()
    answers = model.answer(images, questions, num_visual_tokens=model.ladder[0], max_new_tokens=8)
    assert len(answers) == len(questions)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_heat_maps_on_cuda(original, dtype):
    from budget.explaining.heat import heat_maps

    image, question = original.images[0], original.questions[0]
    scales = (1, 9)
    expected = heat_maps(original.model, image, question, scales, answer="red")
    model = load(original, device="cuda", dtype=dtype)
    for found, truth in zip(
        heat_maps(model, image, question, scales, answer="red"), expected, strict=True
    ):
        apart = float(np.linalg.norm(found.raw - truth.raw) / np.linalg.norm(truth.raw))
        assert apart < (1e-3 if dtype == torch.float32 else 0.2)
