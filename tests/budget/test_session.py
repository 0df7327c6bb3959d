"""A session's answers are those of fresh runs, and cost what is counted."""

import random

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache, MistralConfig

from budget.generation import pad_left
from budget.kept_cache import KeptPrompts, can_keep
from budget.kept_cost import answer_flops
from budget.models import load_model
from budget.sampling import Generation
from experiments.scenes.data import load_scenes


@pytest.fixture(scope="module", params=["m3", "mqt"])
def shipped(request):
    return load_model(request.param)


@pytest.fixture(scope="module")
def mqt_model():
    return load_model("mqt")


@pytest.fixture(scope="module")
def scenes():
    rows = load_scenes("calibration", 16)
    return rows["image"][:], rows["question"][:]


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.token_ids == other.token_ids
        assert (one.text, one.grids) == (other.text, other.grids)
        assert (one.num_visual_tokens, one.prompt_tokens) == (
            other.num_visual_tokens,
            other.prompt_tokens,
        )
        for name in ("confidence", "margin", "entropy"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-5)


@pytest.mark.parametrize("batch_size", [5, 32])
def test_answers_are_those_of_fresh_runs_on_any_way_up_and_down(shipped, scenes, batch_size):
    images, questions = scenes
    features, ladder = shipped.encode(images), list(shipped.ladder)
    session = shipped.session(images, questions, features=features, batch_size=batch_size)
    rng = random.Random(batch_size)
    for step in range(4):
        rows = rng.sample(range(len(images)), 16 if step == 0 else 9)
        scales = [rng.choice(ladder[step : step + 3] if step < 3 else ladder) for _ in rows]
        fresh = shipped.answer(
            [images[i] for i in rows],
            [questions[i] for i in rows],
            num_visual_tokens=scales,
            features=[features[i] for i in rows],
        )
        same(session.answer(rows, scales), fresh)


def test_answers_are_drawn_as_in_fresh_runs(shipped, scenes):
    images, questions = (column[:4] for column in scenes)
    drawn = [Generation(temperature=2.0, top_p=0.9, seed=i, max_new_tokens=5) for i in range(4)]
    session = shipped.session(images, questions)
    for m in shipped.ladder[1], shipped.ladder[3]:
        fresh = shipped.answer(images, questions, num_visual_tokens=m, generation=drawn)
        same(session.answer(range(4), m, generation=drawn), fresh)


def test_samples_with_other_numbers_of_images_are_answered_too(original):
    model, (a, b, *_) = original.model, original.images
    images = [a, [b, a], None]
    questions = ["What is it?", "Which one is darker, the first or the second?", "Why?"]
    session = model.session(images, questions)
    for m in model.ladder[0], model.ladder[1]:
        fresh = model.answer(images, questions, num_visual_tokens=m, max_new_tokens=4)
        same(session.answer([0, 1, 2], m, max_new_tokens=4), fresh)


def test_logits_behind_what_is_kept_are_those_of_the_whole_prompt(mqt_model, scenes):
    images, questions = (column[:3] for column in scenes)
    session = mqt_model.session(images, questions)
    session.answer([0, 1, 2], [2, 16, 4], max_new_tokens=3)
    asked = {i: session.samples[i]._replace(scales=[36]) for i in range(3)}
    used = [session._used(i, asked[i]) for i in range(3)]
    assert used == [len(asked[i].prompt.before) + m for i, m in enumerate((2, 16, 4))]
    kept = KeptPrompts([session._kept[i] for i in range(3)], used, used)
    cache = DynamicCache()
    with torch.inference_mode():
        rests = session._rests([0, 1, 2], asked)
        padded = kept.begin(cache, pad_left(rests))
        states = mqt_model.model.model.language_model(
            inputs_embeds=padded.embeds,
            attention_mask=padded.mask,
            position_ids=padded.positions,
            past_key_values=cache,
        ).last_hidden_state
        logits = mqt_model.model.lm_head(states)
    for i, rest in enumerate(rests):
        whole = mqt_model.prompt_logits(images[i], questions[i], num_visual_tokens=36)
        torch.testing.assert_close(logits[i, -len(rest) :], whole[-len(rest) :], atol=1e-4, rtol=0)


def counted(call):
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        result = call()
    return counter.get_total_flops(), result


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_flops_are_what_torch_counts(name, scenes):
    model = load_model(name, attention="eager")
    (image, *_), (question, *_) = scenes
    model.encode([image])  # what no image changes is computed once
    before, session = counted(lambda: model.session([image], [question]))
    for m in (4, 36, 144):
        promised = session.flops(0, m)
        total = session.spent[0]
        spent, (answer,) = counted(lambda m=m: session.answer([0], m, max_new_tokens=4))
        new, once = len(answer.token_ids), before if m == 4 else 0
        assert session.spent[0] - total == pytest.approx(spent + once, rel=0.02)
        assert session.spent[0] - total >= promised
        assert session.direct_flops(0, m, new) == pytest.approx(
            model.cost(m, answer.prompt_tokens - m, new).flops
        )


def test_a_kept_cache_spends_less_than_features_alone(mqt_model, scenes):
    images, questions = (column[:4] for column in scenes)
    spent = {}
    for keep in (True, False):
        session = mqt_model.session(images, questions, keep=keep)
        for m in (16, 36, 144):
            session.answer(range(4), m)
        spent[keep] = sum(session.spent)
        direct = sum(session.direct_flops(i, 144, 3) for i in range(4))
        assert spent[keep] > direct
    assert spent[True] < 0.8 * spent[False]


def test_what_cannot_be_answered_is_refused(mqt_model, scenes):
    images, questions = (column[:2] for column in scenes)
    session = mqt_model.session(images, questions)
    with pytest.raises(ValueError, match=r"once at a time, got rows \[1, 1\]"):
        session.answer([1, 1], 4)
    with pytest.raises(ValueError, match="145"):
        session.answer([0], 145)
    with pytest.raises(ValueError, match="2 numbers of visual tokens for 1 samples"):
        session.answer([0], [4, 8])
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        mqt_model.session(images, questions, batch_size=0)
    with pytest.raises(ValueError, match="1 images for 2 questions"):
        mqt_model.session(images[:1], questions)
    assert session.spent == [0.0, 0.0]
    assert session.answer([], 4) == []


def test_a_model_that_lets_go_of_the_past_keeps_no_cache(mqt_model):
    assert can_keep(mqt_model.model.model.language_model.config)
    assert not can_keep(MistralConfig(sliding_window=8))


def test_a_prompt_must_be_longer_than_what_is_kept(mqt_model):
    with pytest.raises(ValueError, match="5 tokens, 5 kept, 1 new"):
        answer_flops(mqt_model.shape, prompt=5, new_tokens=1, kept=5)
    with pytest.raises(ValueError, match="0 new"):
        answer_flops(mqt_model.shape, prompt=5, new_tokens=0)
