"""All scales at once are what each scale is alone: logits, greedy ids, confidence."""

import math

import pytest
import torch

from budget.branch_decoding import Rollouts
from budget.branches import passes
from budget.every_scale import EveryScale
from budget.ladder import ScaleLadder
from budget.models import load_model
from experiments.scenes.data import load_scenes

LONGER = "Which of the two pictures is darker, and why is it so?"


def mixed(original, count):
    """Samples with one, three, no and two images and questions of unequal length, repeated."""
    a, b, c = original.images
    images = [a, [c, b, a], None, [b, c], b, c]
    questions = [*original.questions, LONGER, "?", original.questions[0]]
    if len(questions) > len(images):
        questions = questions[: len(images)]
    return (images * count)[:count], (questions * count)[:count]


@pytest.fixture(params=["m3", "m3_next", "mqt"])
def original(request, monkeypatch):
    """Three rungs of each original: three images in five tiles at 576 tokens would take minutes."""
    original = request.getfixturevalue(request.param)
    ladder = original.model.ladder
    monkeypatch.setattr(original.model, "ladder", ScaleLadder((ladder[0], ladder[1], ladder[2])))
    return original


def test_one_image_at_every_rung_is_what_each_is_alone(m3, m3_next, mqt):
    for original in (m3, m3_next, mqt):
        model, image, question = original.model, original.images[0], original.questions[0]
        (rungs,) = EveryScale(model, [image], [question]).logits()
        (answers,) = model.answer_every_scale([image], [question], max_new_tokens=6)
        for m, logits, answer in zip(model.ladder, rungs, answers, strict=True):
            alone = model.prompt_logits(image, question, num_visual_tokens=m)
            behind = len(model.prompt.ids(question).after)
            torch.testing.assert_close(logits[-behind:], alone[-behind:], atol=1e-4, rtol=0)
            (one,) = model.answer([image], [question], num_visual_tokens=m, max_new_tokens=6)
            assert answer.token_ids == one.token_ids


def text_logits(model, image, question, m):
    """Logits of the prompt's last part, the text behind the images, from a run of its own."""
    logits = model.prompt_logits(image, question, num_visual_tokens=m)
    images = 0 if image is None else 1 if not isinstance(image, list) else len(image)
    return logits[-len(model.prompt.ids(question, images).after) :]


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_logits_are_those_of_separate_runs(original, batch_size):
    images, questions = mixed(original, 6 if batch_size < 32 else 12)
    model = original.model
    together = EveryScale(model, images, questions, batch_size=batch_size).logits()
    for image, question, rungs in zip(images[:6], questions[:6], together[:6], strict=True):
        for m, logits in zip(model.ladder, rungs, strict=True):
            alone = text_logits(model, image, question, m)
            torch.testing.assert_close(logits[-len(alone) :], alone, atol=1e-4, rtol=0)


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_answers_are_those_of_separate_runs(original, batch_size):
    images, questions = mixed(original, 8)
    model = original.model
    together = model.answer_every_scale(images, questions, max_new_tokens=6, batch_size=batch_size)
    for rung, m in enumerate(model.ladder):
        alone = model.answer(images, questions, num_visual_tokens=m, max_new_tokens=6)
        for one, rungs in zip(alone, together, strict=True):
            found = rungs[rung]
            assert found.token_ids == one.token_ids
            assert (found.text, found.grids) == (one.text, one.grids)
            assert found.num_visual_tokens == one.num_visual_tokens
            assert found.prompt_tokens == one.prompt_tokens
            for name in ("confidence", "margin", "entropy"):
                assert getattr(found, name) == pytest.approx(getattr(one, name), abs=1e-5)


@pytest.fixture(scope="module", params=["m3", "mqt"])
def shipped(request):
    return load_model(request.param)


@pytest.fixture(scope="module")
def scenes():
    rows = load_scenes("calibration", 32)
    return rows["image"][:], rows["question"][:]


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_the_shipped_models_answer_as_in_separate_runs(shipped, scenes, batch_size):
    images, questions = (column[: 8 if batch_size == 1 else 32] for column in scenes)
    features = shipped.encode(images)
    together = shipped.answer_every_scale(
        images, questions, max_new_tokens=4, features=features, batch_size=batch_size
    )
    for rung, m in enumerate(shipped.ladder):
        alone = shipped.answer(
            images, questions, num_visual_tokens=m, max_new_tokens=4, features=features
        )
        assert [a.token_ids for a in alone] == [rungs[rung].token_ids for rungs in together]


@pytest.mark.parametrize("pass_tokens", [1, 300, 10**6])
def test_how_many_branches_a_pass_reads_changes_nothing(original, pass_tokens):
    images, questions = mixed(original, 6)
    split = EveryScale(original.model, images, questions, pass_tokens=pass_tokens).logits()
    whole = EveryScale(original.model, images, questions, pass_tokens=2000).logits()
    for one, other in zip(split, whole, strict=True):
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=0)


def test_branches_are_read_together_while_they_fit():
    assert passes([5, 5, 5], 2, None) == [range(3)]
    assert passes([5, 5, 5], 2, 20) == [range(2), range(2, 3)]
    assert passes([50, 5, 5], 2, 20) == [range(1), range(1, 3)]


def test_a_question_without_an_image_is_run_once(m3, monkeypatch):
    read = []
    forward = m3.model.model.model.language_model.forward

    def counting(*args, **kwargs):
        read.append(kwargs["inputs_embeds"].shape[:2].numel())
        return forward(*args, **kwargs)

    monkeypatch.setattr(m3.model.model.model.language_model, "forward", counting)
    (rungs,) = m3.model.answer_every_scale([None], ["What is this?"], max_new_tokens=1)
    assert sum(read) == m3.model.count_text_tokens("What is this?", images=0)
    assert len({answer.token_ids for answer in rungs}) == 1
    assert [answer.num_visual_tokens for answer in rungs] == [0] * len(m3.model.ladder)


def test_every_image_is_read_once_and_the_prefix_too(shipped, scenes, monkeypatch):
    images, questions = ([column[0]] * 3 for column in scenes)
    read = []
    language_model = shipped.model.model.language_model
    forward = language_model.forward

    def counting(*args, **kwargs):
        read.append(kwargs["inputs_embeds"].shape[:2].numel())
        return forward(*args, **kwargs)

    monkeypatch.setattr(language_model, "forward", counting)
    shipped.answer_every_scale(images, questions, max_new_tokens=1)
    prompt = shipped.prompt.ids(questions[0])
    visual = [shipped.ladder[-1]] if shipped.nested else list(shipped.ladder)
    behind = len(shipped.ladder) * len(prompt.after)
    assert sum(read) == len(prompt.before) + 3 * (sum(visual) + behind)


def test_choices_have_the_likelihood_of_the_prompt_with_each(original):
    images, questions = mixed(original, 5)
    model = original.model
    choices = [[[5], [7, 9, 11], [8, 3]], [[4, 6]], [[9]], [[3], [12]], [[5, 6], [5, 7]]]
    found = EveryScale(model, images, questions, batch_size=3).choice_scores(choices)
    language_model, head = model.model.model.language_model, model.model.lm_head
    embed = model.model.get_input_embeddings()
    for i, m in ((0, model.ladder[1]), (1, model.ladder[0]), (4, model.ladder[-1])):
        (sample,) = model.samples([images[i]], [questions[i]], m, None)
        (prompt,) = model._embed_rows([0], [sample], [images[i]], None)
        rung = list(model.ladder).index(m)
        for ids, score in zip(choices[i], found[i][rung].tolist(), strict=True):
            whole = torch.cat([prompt, embed(torch.tensor(ids))])[None]
            with torch.inference_mode():
                states = language_model(inputs_embeds=whole).last_hidden_state[0]
                log_probs = head(states).float().log_softmax(-1)[-len(ids) - 1 : -1]
            expected = sum(row[token].item() for row, token in zip(log_probs, ids, strict=True))
            assert score == pytest.approx(expected, abs=1e-4)


def test_an_empty_choice_is_refused(m3):
    with pytest.raises(ValueError, match="at least one token"):
        EveryScale(m3.model, m3.images[:1], ["?"]).choice_scores([[[]]])


def draws(samples, steps, rungs, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(samples, steps, rungs, count, generator=generator)


def test_cold_rollouts_are_greedy_and_do_not_depend_on_the_batch(original):
    images, questions = mixed(original, 6)
    model = original.model
    k = len(model.ladder)
    greedy = model.answer_every_scale(images, questions, max_new_tokens=4)
    cold = Rollouts(2, 1e-4, draws(6, 4, k, 2))
    for rungs, drawn in zip(
        greedy,
        EveryScale(model, images, questions).answers(max_new_tokens=4, rollouts=cold),
        strict=True,
    ):
        for answer, own in zip(rungs, drawn, strict=True):
            assert [each.token_ids for each in own] == [answer.token_ids] * 2
    warm = Rollouts(3, 1.0, draws(6, 4, k, 3))
    together = EveryScale(model, images, questions).answers(max_new_tokens=4, rollouts=warm)
    for i in range(6):
        own = warm._replace(draws=warm.draws[[i]])
        (alone,) = EveryScale(model, images[i : i + 1], questions[i : i + 1]).answers(
            max_new_tokens=4, rollouts=own
        )
        assert [[a.token_ids for a in rung] for rung in alone] == [
            [a.token_ids for a in rung] for rung in together[i]
        ]


def test_rollouts_are_as_frequent_as_the_model_says(m3):
    image, question, m = m3.images[0], m3.questions[0], 9
    count, temperature = 4000, 0.5
    rollouts = Rollouts(count, temperature, draws(1, 1, len(m3.model.ladder), count))
    (rungs,) = EveryScale(m3.model, [image], [question]).answers(
        max_new_tokens=1, rollouts=rollouts
    )
    logits = m3.model.prompt_logits(image, question, num_visual_tokens=m)[-1]
    expected = (logits / temperature).softmax(-1)
    ids = torch.tensor([answer.token_ids[0] for answer in rungs[list(m3.model.ladder).index(m)]])
    found = torch.bincount(ids, minlength=len(expected)) / count
    error = (expected * (1 - expected) / count).sqrt()
    assert ((found - expected).abs() < 5 * error + 1e-3).all()
    own = logits.log_softmax(-1)[ids[0]].item()
    assert rungs[list(m3.model.ladder).index(m)][0].confidence == pytest.approx(own, abs=1e-4)
    assert not math.isnan(rungs[0][0].entropy)


def test_attention_that_takes_no_mask_runs_scale_by_scale(m3, monkeypatch):
    images, questions = mixed(m3, 4)
    shared = m3.model.answer_every_scale(images, questions, max_new_tokens=3)
    monkeypatch.setattr("budget.llava.can_share", lambda runner: False)
    monkeypatch.setattr("budget.llava.EveryScale", None)
    single = m3.model.answer_every_scale(images, questions, max_new_tokens=3)
    assert [[a.token_ids for a in rungs] for rungs in single] == [
        [a.token_ids for a in rungs] for rungs in shared
    ]


def test_bad_requests_are_refused(m3):
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        m3.model.answer_every_scale(m3.images, m3.questions, batch_size=0)
    with pytest.raises(ValueError, match="got 1 images for 3 questions"):
        m3.model.answer_every_scale(m3.images[:1], m3.questions)
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        m3.model.answer_every_scale(m3.images, m3.questions, max_new_tokens=0)


def test_a_prompt_that_is_too_long_is_refused_at_the_scale_where_it_is(m3):
    model, many = m3.model, [m3.images[0]] * 8
    length = model.count_text_tokens("?", images=8) + 8 * 576
    said = f"the prompt of {length} tokens, 4608 of them visual, is too long: .* reads 4096"
    with pytest.raises(ValueError, match=said):
        model.answer([many], ["?"], num_visual_tokens=576)
    with pytest.raises(ValueError, match=said):
        model.answer_every_scale([many], ["?"])
    (answer,) = model.answer([many], ["?"], num_visual_tokens=144, max_new_tokens=1)
    assert answer.num_visual_tokens == 8 * 144
