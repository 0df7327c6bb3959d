"""Encoding once, illegal scales, confidence and inputs that do not fit together."""

import numpy as np
import pytest
import torch


@pytest.fixture
def vision_calls(original):
    """Count the images that pass the vision tower."""
    calls = []
    tower = original.model.model.model.vision_tower
    hook = tower.register_forward_pre_hook(lambda _, args: calls.append(len(args[0])))
    yield calls
    hook.remove()


def test_one_encoding_serves_every_scale(original, vision_calls):
    model, images, questions = original.model, original.images, original.questions
    features = model.encode(images)
    assert sum(vision_calls) == sum(map(model.count_grids, images))
    done = len(vision_calls)
    for m in list(model.ladder)[:3]:
        cached = model.answer(
            images, questions, num_visual_tokens=m, max_new_tokens=3, features=features
        )
        assert len(vision_calls) == done
        fresh = model.answer(images, questions, num_visual_tokens=m, max_new_tokens=3)
        assert [a.token_ids for a in cached] == [a.token_ids for a in fresh]
        del vision_calls[done:]


def test_answers_come_in_input_order_whatever_their_length(original):
    model, m = original.model, original.model.ladder[1]
    images, questions = original.images, original.questions
    forward = model.answer(images, questions, num_visual_tokens=m, max_new_tokens=4)
    backward = model.answer(images[::-1], questions[::-1], num_visual_tokens=m, max_new_tokens=4)
    assert [a.token_ids for a in backward[::-1]] == [a.token_ids for a in forward]


def test_confidence_is_the_mean_log_probability_of_the_ids(original):
    model, image, question = original.model, original.images[0], original.questions[0]
    m = model.ladder[2]
    (answer,) = model.answer([image], [question], num_visual_tokens=m, max_new_tokens=5)
    features = model.encode([image])[0]
    tokens = model.reduce(features if features.dim() == 3 else features[None], m).flatten(0, 1)
    before, after = model.prompt.ids(question).parts
    embed = model.model.get_input_embeddings()
    texts = [embed(torch.tensor(ids)) for ids in (before, [*after, *answer.token_ids])]
    states = model.model.model.language_model(
        inputs_embeds=torch.cat([texts[0], tokens, texts[1]])[None]
    )
    logits = model.model.lm_head(states.last_hidden_state[0, answer.prompt_tokens - 1 : -1])
    picked = logits.log_softmax(-1).gather(1, torch.tensor(answer.token_ids)[:, None])
    assert answer.confidence == pytest.approx(picked.mean().item(), abs=1e-5)


def test_an_answer_that_stops_ends_with_the_stop_token(mqt):
    case = next(case for case in mqt.cases if case["generated_ids"][0] == 1)
    sample = case["sample"]
    (answer,) = mqt.model.answer(
        [mqt.images[sample]], [mqt.questions[sample]], num_visual_tokens=case["m"]
    )
    assert answer.token_ids[-1] == mqt.model.tokenizer.eos_token_id
    assert mqt.model.tokenizer.eos_token not in answer.text


@pytest.mark.parametrize("m", [0, -1, 2, 100, 200, 577, 36.5])
def test_m3_refuses_what_pooling_cannot_meet(m3, m):
    with pytest.raises(ValueError, match=r"1, 4, 9, 16, 36, 64, 144, 576|whole numbers"):
        m3.model.answer(m3.images[:1], m3.questions[:1], num_visual_tokens=m)
    with pytest.raises(ValueError, match=r"1, 4, 9, 16, 36, 64, 144, 576|whole numbers"):
        m3.model.prompt_logits(m3.images[0], m3.questions[0], num_visual_tokens=m)


@pytest.mark.parametrize("m", [0, -1, 257, 1.5])
def test_mqt_refuses_what_it_has_no_queries_for(mqt, m):
    with pytest.raises(ValueError, match=r"1 to 256|whole numbers"):
        mqt.model.answer(mqt.images[:1], mqt.questions[:1], num_visual_tokens=m)


def test_m3_runs_at_exact_scales_beyond_its_ladder(m3):
    scales = [4, 16, 64]
    answers = m3.model.answer(
        m3.images, m3.questions, num_visual_tokens=np.array(scales), max_new_tokens=2
    )
    assert [a.num_visual_tokens for a in answers] == scales


def test_inputs_must_fit_together(original):
    model, images, questions = original.model, original.images, original.questions
    with pytest.raises(ValueError, match="got 2 images for 3 questions"):
        model.answer(images[:2], questions, num_visual_tokens=1)
    with pytest.raises(ValueError, match="got 1 features for 3 questions"):
        model.answer(images, questions, num_visual_tokens=1, features=model.encode(images[:1]))
    with pytest.raises(ValueError, match="got 2 numbers"):
        model.answer(images, questions, num_visual_tokens=[1, 1])
    with pytest.raises(ValueError, match="max_new_tokens must be an integer of at least 1, got 0"):
        model.answer(images, questions, num_visual_tokens=1, max_new_tokens=0)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        model.answer(images, questions, num_visual_tokens=1, batch_size=0)


def test_no_samples_no_answers(original):
    assert original.model.answer([], [], num_visual_tokens=1) == []
