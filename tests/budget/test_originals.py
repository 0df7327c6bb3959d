"""The models reproduce what the original code computed from the original checkpoints."""

import numpy as np
import pytest

from budget.images import to_pixels
from budget.tiles import cut_tiles


def test_prompt_ids_are_the_recorded_ones(original):
    mark = original.expected["image_token_index"]
    for question, ids in zip(original.questions, original.expected["input_ids"], strict=True):
        prompt = original.model.prompt.ids(question)
        assert [*prompt.before, mark, *prompt.after] == ids
        assert original.model.count_text_tokens(question) == len(ids) - 1


def test_pixels_are_the_recorded_ones(m3, mqt):
    for original in (m3, mqt):
        pixels = to_pixels(original.images, original.model.image_processor, pad=True)
        recorded = original.arrays["pixel_values_every_16th"]
        np.testing.assert_allclose(pixels[:, :, ::16, ::16].numpy(), recorded, atol=1e-6)


def test_pixels_of_tiles_are_the_recorded_ones(m3_next):
    for image, recorded in zip(
        m3_next.images, m3_next.arrays["pixel_values_every_16th"], strict=True
    ):
        tiles = cut_tiles(image.convert("RGB"), m3_next.model.pinpoints, 336)
        pixels = to_pixels(tiles, m3_next.model.image_processor, pad=False)
        np.testing.assert_allclose(pixels[:, :, ::16, ::16].numpy(), recorded, atol=1e-6)


def test_logits_are_within_1e_4_at_every_recorded_scale(original):
    for case in original.cases:
        sample, m = case["sample"], case["m"]
        logits = original.model.prompt_logits(
            original.images[sample], original.questions[sample], num_visual_tokens=m
        )
        assert len(logits) == case["sequence_length"]
        recorded = original.arrays[f"logits_sample{sample}_m{m}"]
        np.testing.assert_allclose(logits[-len(recorded) :].numpy(), recorded, atol=1e-4)


def test_logits_do_not_depend_on_the_batch(original):
    images, questions = original.case_samples()
    together = original.model.logits(
        images, questions, num_visual_tokens=[case["m"] for case in original.cases]
    )
    for case, logits in zip(original.cases, together, strict=True):
        recorded = original.arrays[f"logits_sample{case['sample']}_m{case['m']}"]
        assert len(logits) == case["sequence_length"]
        np.testing.assert_allclose(logits[-len(recorded) :].numpy(), recorded, atol=1e-4)


def test_greedy_ids_alone(original):
    for case in original.cases:
        sample = case["sample"]
        (answer,) = original.model.answer(
            [original.images[sample]],
            [original.questions[sample]],
            num_visual_tokens=case["m"],
            max_new_tokens=8,
        )
        assert answer.token_ids == original.greedy_ids(case)
        assert answer.grids == (5 if original.model.pinpoints else 1)
        assert answer.num_visual_tokens == case["m"] * answer.grids
        assert answer.prompt_tokens == case["sequence_length"]


@pytest.mark.parametrize("batch_size", [5, 32])
def test_greedy_ids_in_batches_that_mix_scales(original, batch_size):
    images, questions = original.case_samples()
    answers = original.model.answer(
        images,
        questions,
        num_visual_tokens=[case["m"] for case in original.cases],
        max_new_tokens=8,
        batch_size=batch_size,
    )
    expected = [original.greedy_ids(case) for case in original.cases]
    assert [answer.token_ids for answer in answers] == expected


def test_resampled_tokens_are_the_recorded_ones(mqt):
    tokens = mqt.model.encode(mqt.images)
    np.testing.assert_allclose(
        tokens[0].numpy(), mqt.arrays["visual_tokens_sample0_m256"], atol=1e-5
    )
    np.testing.assert_allclose(
        tokens[1][:7].numpy(), mqt.arrays["visual_tokens_sample1_m7"], atol=1e-5
    )
