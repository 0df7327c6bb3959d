"""Prompts with several images or none, and batches that mix them, are what each is alone."""

import numpy as np
import pytest
import torch
from PIL import Image

from budget.samples import scales_of


def mixed(original):
    """Samples with one, three, no and two images, questions of unequal length, mixed scales."""
    a, b, c = original.images
    first, middle, last = (original.model.ladder[i] for i in (0, 1, 2))
    return (
        [a, [c, b, a], None, [b, c]],
        [*original.questions, "Which of the two pictures is darker, and why is it so?"],
        [middle, [first, last, middle], first, first],
    )


def test_mixed_image_counts_give_the_logits_of_each_alone(original):
    images, questions, scales = mixed(original)
    together = original.model.logits(images, questions, num_visual_tokens=scales)
    for image, question, scale, logits in zip(images, questions, scales, together, strict=True):
        alone = original.model.prompt_logits(image, question, num_visual_tokens=scale)
        torch.testing.assert_close(logits, alone, atol=1e-4, rtol=0)


def test_mixed_image_counts_give_the_answers_of_each_alone(original):
    images, questions, scales = mixed(original)
    model = original.model
    together = model.answer(images, questions, num_visual_tokens=scales, max_new_tokens=6)
    for sample, answer in zip(zip(images, questions, scales, strict=True), together, strict=True):
        image, question, scale = sample
        (alone,) = model.answer([image], [question], num_visual_tokens=[scale], max_new_tokens=6)
        assert answer.token_ids == alone.token_ids
        assert answer.confidence == pytest.approx(alone.confidence, abs=1e-5)
    grids = 5 if model.pinpoints else 1
    assert [answer.grids for answer in together] == [n * grids for n in (1, 3, 0, 2)]
    first, middle, last = (model.ladder[i] for i in (0, 1, 2))
    tokens = [middle, first + last + middle, 0, 2 * first]
    assert [a.num_visual_tokens for a in together] == [n * grids for n in tokens]


def test_features_serve_samples_with_several_images(original):
    images, questions, scales = mixed(original)
    model = original.model
    a, b, c = model.encode(original.images)
    cached = model.answer(
        images,
        questions,
        num_visual_tokens=scales,
        features=[a, [c, b, a], None, [b, c]],
        max_new_tokens=4,
        batch_size=2,
    )
    fresh = model.answer(images, questions, num_visual_tokens=scales, max_new_tokens=4)
    assert [answer.token_ids for answer in cached] == [answer.token_ids for answer in fresh]


@pytest.mark.parametrize(
    ("images", "features", "message"),
    [
        ("-b", "ab", "sample 0 has 0 images, but features of 1"),
        ("--", "ab", "sample 0 has 0 images, but features of 1"),
        ("ab", ["ab", "c"], "sample 0 has 1 images, but features of 2"),
        ("ab", "a-", "sample 1 has 1 images, but features of 0"),
        ("ab", "a", "got 1 features for 2 questions"),
    ],
)
def test_features_must_be_those_of_the_images(m3, images, features, message):
    known = dict(zip("abc", m3.images, strict=True))
    encoded = dict(zip("abc", m3.model.encode(m3.images), strict=True))
    given = [[encoded[x] for x in each if x != "-"] for each in features]
    with pytest.raises(ValueError, match=message):
        m3.model.answer(
            [known.get(each) for each in images],
            m3.questions[:2],
            num_visual_tokens=1,
            features=given,
        )


def test_features_of_other_squares_are_refused(m3_next):
    (feature,) = m3_next.model.encode(m3_next.images[:1])
    with pytest.raises(ValueError, match=r"seen in \[5\] squares, but their features are of \[3\]"):
        m3_next.model.answer(m3_next.images[:1], ["?"], num_visual_tokens=1, features=[feature[:3]])


def test_several_images_and_none_are_what_the_stock_model_computes(m3):
    """M3 at the full scale is LLaVA: transformers' own forward pass is the truth."""
    model, mark = m3.model, m3.model.model.config.image_token_id
    for images in ([], m3.images[:1], m3.images):
        prompt = model.prompt.ids("What changed?", len(images))
        ids = list(prompt.parts[0])
        for part in prompt.parts[1:]:
            ids += [mark] * 576 + part
        pixels = [
            model.image_processor(
                [padded(image, model.image_processor.image_mean)], return_tensors="pt"
            ).pixel_values
            for image in images
        ]
        with torch.inference_mode():
            expected = model.model(
                input_ids=torch.tensor([ids]), pixel_values=torch.cat(pixels) if pixels else None
            ).logits[0]
        logits = model.prompt_logits(images or None, "What changed?", num_visual_tokens=576)
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)


def padded(image, mean):
    side = max(image.size)
    square = Image.new("RGB", (side, side), tuple(int(x * 255) for x in mean))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def test_the_prompt_names_every_image_before_the_question(m3):
    for count in (0, 1, 3):
        text = "<image>".join(m3.model.prompt.render("Why {question}?", count))
        assert text.endswith("USER: " + "<image>\n" * count + "Why {question}? ASSISTANT:")
        assert m3.model.count_text_tokens("Why?", count) == sum(
            map(len, m3.model.prompt.ids("Why?", count).parts)
        )


def test_numbers_must_fit_the_images(m3):
    images, question = m3.images, "hm?"
    with pytest.raises(ValueError, match="got 2 numbers of visual tokens for 1 samples"):
        m3.model.answer([images], [question], num_visual_tokens=[1, 9])
    with pytest.raises(ValueError, match="got 2 numbers of visual tokens for 3 images"):
        m3.model.answer([images], [question], num_visual_tokens=[[1, 9]])
    with pytest.raises(ValueError, match=r"must be one of 1, 4, .* got 10"):
        m3.model.answer([images], [question], num_visual_tokens=[[1, 9, 10]])
    assert scales_of(np.array([4, 9]), [2, 1]) == [[4, 4], [9]]
