"""Batches of mixed wishes on real weights: rows do as they would alone, and are heard."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget import AdaptiveVLM, Chat, Generation, Turn, load_model
from budget.adaptive import FullScale


class Ears:
    """Keeps what it hears; cancels or raises where it is told to."""

    def __init__(self, cancel=None, fail=None):
        self.pieces, self.asked = {}, {}
        self.cancel, self.fail = cancel or {}, fail or {}

    def text(self, i, piece):
        assert piece
        self.pieces.setdefault(i, []).append(piece)
        if len(self.pieces[i]) == self.fail.get(i):
            raise OSError("the pipe is broken")

    def cancelled(self, i):
        self.asked[i] = self.asked.get(i, 0) + 1
        return self.asked[i] > self.cancel.get(i, math.inf)

    def heard(self, i):
        return "".join(self.pieces.get(i, []))


@pytest.fixture(scope="module")
def free(m3):
    """Long greedy answers: weights at random seldom stop."""
    return run(m3, Generation(max_new_tokens=24))


def samples(m3):
    return [m3.images[0], None, m3.images[1], m3.images[2]], [
        m3.questions[0],
        "Why?",
        m3.questions[1],
        "A longer question, so that prompts differ?",
    ]


def run(m3, generation, listener=None, rows=slice(None), **options):
    images, questions = samples(m3)
    return m3.model.answer(
        images[rows],
        questions[rows],
        num_visual_tokens=4,
        generation=generation,
        listener=listener,
        **options,
    )


MIXED = [
    Generation(max_new_tokens=24, temperature=1.0, seed=5),
    Generation(max_new_tokens=3),
    Generation(max_new_tokens=24, temperature=0.7, top_p=0.8, seed=1, stop=("e", "zz")),
    Generation(max_new_tokens=12, stop=("qqqq",)),
]


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_a_batch_of_mixed_wishes_gives_what_each_gives_alone(m3, batch_size):
    ears = Ears()
    together = run(m3, MIXED, ears, batch_size=batch_size)
    for i, wish in enumerate(MIXED):
        (alone,) = run(m3, wish, rows=slice(i, i + 1))
        found = together[i]
        assert (found.text, found.token_ids) == (alone.text, alone.token_ids)
        assert found.finish_reason == alone.finish_reason
        assert found.confidence == pytest.approx(alone.confidence, abs=1e-5)
        assert ears.heard(i) == found.text
    assert len(together[1].token_ids) == 3
    assert together[1].finish_reason == "length"


def test_greedy_rows_are_the_same_beside_rows_that_are_drawn(m3, free):
    wishes = [Generation(max_new_tokens=24, temperature=2.0, seed=0)] * 4
    wishes[2] = Generation(max_new_tokens=24)
    assert run(m3, wishes)[2].token_ids == free[2].token_ids


def test_a_seed_gives_one_text_whatever_the_batch_and_seeds_differ(m3):
    def wish(seed):
        return Generation(max_new_tokens=12, temperature=1.5, seed=seed)

    (alone,) = run(m3, wish(3), rows=slice(0, 1))
    beside = run(m3, [wish(3), wish(4), wish(5), Generation()])
    assert beside[0].token_ids == alone.token_ids
    images, questions = samples(m3)
    many = m3.model.answer(
        images[:1] * 6,
        questions[:1] * 6,
        num_visual_tokens=4,
        generation=[wish(seed) for seed in (3, 3, 4, 5, None, None)],
    )
    texts = [answer.token_ids for answer in many]
    assert texts[0] == texts[1] == alone.token_ids
    assert len(set(texts)) == 5


@given(st.data())
@settings(max_examples=15)
def test_stop_texts_cut_answers_and_pieces_are_the_text(m3, free, data):
    wishes, expected = [], []
    for answer in free:
        start = data.draw(st.integers(0, len(answer.text) - 1))
        stop = answer.text[start : start + data.draw(st.integers(1, 5))]
        wishes.append(Generation(max_new_tokens=24, stop=(stop, "\x00")))
        expected.append(answer.text[: answer.text.index(stop)].strip())
    ears = Ears()
    answers = run(m3, wishes, ears)
    for i, (answer, text) in enumerate(zip(answers, expected, strict=True)):
        assert answer.text == ears.heard(i) == text
        assert answer.finish_reason == "stop"
        # Generation ended there: the tokens are the first of the free answer's.
        assert answer.token_ids == free[i].token_ids[: len(answer.token_ids)]


def test_an_answer_says_whether_it_stopped_or_was_cut_short(m3, free):
    assert {answer.finish_reason for answer in free} == {"length"}
    shipped = load_model("m3")
    images, _ = samples(m3)
    (short,) = shipped.answer(images[:1], ["How many things are there?"], num_visual_tokens=9)
    assert short.finish_reason == "stop"
    assert short.token_ids[-1] in shipped.stop_ids
    for rungs in (shipped.answer_every_scale, m3.model.answer_every_scale):
        (answers,) = rungs(images[:1], ["How many things are there?"], max_new_tokens=4)
        stops = set(rungs.__self__.stop_ids)
        for answer in answers:
            reason = "stop" if answer.token_ids[-1] in stops else "length"
            assert answer.finish_reason == reason


def test_a_cancelled_row_leaves_at_the_next_step_and_the_others_go_on(m3, free):
    ears = Ears(cancel={2: 5})
    answers = run(m3, Generation(max_new_tokens=24), ears)
    # Asked once before the prompt is read and once after every token.
    assert [len(answer.token_ids) for answer in answers] == [24, 24, 5, 24]
    assert answers[2].finish_reason == "cancelled"
    assert answers[2].token_ids == free[2].token_ids[:5]
    assert answers[2].text.startswith(ears.heard(2))
    for i in (0, 1, 3):
        assert answers[i].token_ids == free[i].token_ids
        assert ears.heard(i) == answers[i].text


def test_who_is_gone_before_the_prompt_is_read_costs_no_pass(m3, free, monkeypatch):
    lengths = []
    model = m3.model.model.model.language_model
    forward = model.forward

    def count(**inputs):
        lengths.append(inputs["inputs_embeds"].shape[:2])
        return forward(**inputs)

    monkeypatch.setattr(model, "forward", count)
    answers = run(m3, Generation(max_new_tokens=24), Ears(cancel={0: 0, 3: 0}))
    assert lengths[0][0] == 2
    for gone in (answers[0], answers[3]):
        assert (gone.text, gone.token_ids, gone.finish_reason) == ("", (), "cancelled")
        assert math.isnan(gone.confidence)
    assert answers[1].token_ids == free[1].token_ids
    lengths.clear()
    answers = run(m3, Generation(), Ears(cancel=dict.fromkeys(range(4), 0)))
    assert not lengths
    assert {answer.finish_reason for answer in answers} == {"cancelled"}


@pytest.mark.parametrize("when", [1, 3])
def test_a_listener_that_raises_loses_its_own_sample_alone_and_not_in_silence(
    m3, free, when, caplog
):
    ears = Ears(fail={1: when})
    answers = run(m3, Generation(max_new_tokens=24), ears)
    assert answers[1].finish_reason == "cancelled"
    assert len(ears.pieces[1]) == when
    assert len(answers[1].token_ids) < 24
    for i in (0, 2, 3):
        assert answers[i].token_ids == free[i].token_ids
        assert ears.heard(i) == free[i].text
    (record,) = caplog.records
    assert record.name == "budget"
    assert "sample 1 is cancelled" in record.message
    assert "the pipe is broken" in caplog.text


def test_text_is_heard_while_it_is_made(m3, free):
    ears, lengths = Ears(), []
    ears.cancelled = lambda i: lengths.append(len(ears.heard(0))) or False
    (answer,) = run(m3, Generation(max_new_tokens=24), ears, rows=slice(0, 1))
    assert len(set(lengths)) > 6
    assert all(a <= b for a, b in pairwise(lengths))
    assert ears.heard(0) == answer.text == free[0].text


def test_options_must_be_one_per_sample(m3):
    with pytest.raises(ValueError, match="got 3 generations for 4 questions"):
        run(m3, MIXED[:3])


def test_a_chat_is_answered_as_its_prompt_and_policies_see_its_question(m3, original):
    images = [original.images[0], original.images[1]]
    model = original.model
    plain = model.answer(images[:1], ["Why?"], num_visual_tokens=4)
    chats = [
        Chat((Turn("user", "Why?", 1),)),
        Chat((Turn("user", "Why?", 1), Turn("assistant", "So."), Turn("user", "And now?", 1))),
    ]
    answers = model.answer([images[:1], images], chats, num_visual_tokens=4)
    assert answers[0].token_ids == plain[0].token_ids
    text = model.count_text_tokens(chats[1])
    assert answers[1].prompt_tokens == text + answers[1].num_visual_tokens
    assert text > model.count_text_tokens("And now?", 2)
    for chat, plain_words in zip(
        model.embed_questions(chats), model.embed_questions(["Why?", "And now?"]), strict=True
    ):
        assert chat.equal(plain_words)
    with pytest.raises(ValueError, match="the chat has places for 2 images, got 1"):
        model.answer(images[:1], chats[1:], num_visual_tokens=4)


def test_an_adaptive_model_takes_chats_wishes_and_a_listener(m3):
    vlm = AdaptiveVLM(m3.model, FullScale(m3.model.ladder))
    chats = [
        Chat((Turn("user", "Why?", 1), Turn("assistant", "So."), Turn("user", "And now?", 1))),
        Chat((Turn("user", "Why?"),)),
    ]
    images = [[m3.images[0], m3.images[1]], None]
    wishes = [Generation(max_new_tokens=5), Generation(max_new_tokens=9, temperature=1.0, seed=2)]
    ears = Ears()
    answers = vlm.answer(images, chats, generation=wishes, listener=ears)
    m = m3.model.ladder[-1]
    direct = m3.model.answer(images, chats, num_visual_tokens=m, generation=wishes)
    for i, (answer, expected) in enumerate(zip(answers, direct, strict=True)):
        assert (answer.text, answer.token_ids) == (expected.text, expected.token_ids)
        assert answer.finish_reason == expected.finish_reason == "length"
        assert ears.heard(i) == answer.text
    assert [len(answer.choices) for answer in answers] == [2, 0]
