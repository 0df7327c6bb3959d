"""Answers go up while the policy says so, and never above what the bound allows."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budget.ascent import affordable
from budget.budgets import Budget
from budget.escalating import EscalatingVLM
from budget.escalation import STOP
from budget.ladder import ScaleLadder
from budget.models import load_model
from budget.relay import Relay, options_for, tell
from budget.sampling import Generation
from experiments.scenes.data import load_scenes

LEGAL = [1, 4, 9, 36, 144]


class Climber:
    """Starts at a rung and goes up by so many rungs while the answers last."""

    def __init__(self, ladder, start=0, by=1, answers=99):
        self.ladder, self.first, self.by, self.answers = ladder, start, by, answers
        self.budgets = []

    def describe(self, images, questions):
        return np.array([[float(len(question))] for question in questions])

    def start(self, described, *, budget=None):
        self.budgets.append(budget)
        return np.full(len(described), self.first)

    def next(self, described, tried, *, budget=None):
        assert len(tried) == len(described)
        assert all(a.rung < b.rung for each in tried for a, b in pairwise(each))
        goes = [len(each) < self.answers for each in tried]
        over = [min(each[-1].rung + self.by, len(self.ladder) - 1) for each in tried]
        return np.where(goes, over, STOP)


class Dice(Climber):
    """Starts anywhere and goes anywhere above, or stops."""

    def __init__(self, ladder, seed):
        super().__init__(ladder)
        self.rng = np.random.default_rng(seed)

    def start(self, described, *, budget=None):
        return self.rng.integers(0, len(self.ladder), len(described))

    def next(self, described, tried, *, budget=None):
        moves = [self.rng.integers(each[-1].rung + 1, len(self.ladder)) for each in tried]
        return np.where(self.rng.random(len(tried)) < 0.8, moves, STOP)


@pytest.fixture(scope="module", params=["m3", "mqt"])
def model(request):
    return load_model(request.param)


@pytest.fixture(scope="module")
def scenes():
    rows = load_scenes("calibration", 8)
    return rows["image"][:], rows["question"][:]


def check(model, answers, bound):
    """What holds of every answer, whatever the policy."""
    for answer in answers:
        assert answer.flops <= (1 + bound) * answer.full_flops
        assert answer.flops == pytest.approx(sum(t.flops for t in answer.tried))
        tokens = [attempt.num_visual_tokens for attempt in answer.tried]
        assert tokens == sorted(set(tokens))
        last = answer.tried[-1]
        assert (last.text, last.num_visual_tokens) == (answer.text, answer.num_visual_tokens)
        assert (last.rung, last.confidence) == (answer.rung, answer.confidence)
        direct = model.cost(
            answer.num_visual_tokens,
            answer.prompt_tokens - answer.num_visual_tokens,
            len(answer.token_ids),
        )
        assert answer.flops >= direct.flops - 1 or len(answer.tried) > 1


@given(
    seed=st.integers(0, 2**32 - 1),
    bound=st.sampled_from([0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, np.inf]),
    keep=st.booleans(),
    longest=st.sampled_from([1, 3, 16]),
)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_sample_spends_more_than_the_bound_whatever_the_policy(
    model, scenes, seed, bound, keep, longest
):
    images, questions = (column[:3] for column in scenes)
    vlm = EscalatingVLM(model, Dice(model.ladder, seed), bound=bound, keep_cache=keep)
    check(model, vlm.answer(images, questions, max_new_tokens=longest), bound)


@pytest.mark.parametrize("bound", [0.0, 0.05, 0.25, np.inf])
def test_a_policy_that_always_goes_up_one_rung_keeps_the_bound(model, scenes, bound):
    vlm = EscalatingVLM(model, Climber(model.ladder), bound=bound)
    answers = vlm.answer(*scenes)
    check(model, answers, bound)
    full = [a.num_visual_tokens == model.ladder[-1] for a in answers]
    assert all(full) if bound == np.inf else not all(full)
    for answer in answers:
        why = [attempt.why for attempt in answer.tried]
        assert all(": going on to " in each for each in why[:-1])
        assert why[-1] == ("the full scale" if bound == np.inf else why[-1])


def test_a_step_too_far_ends_at_the_highest_scale_that_fits(model, scenes):
    images, questions = (column[:4] for column in scenes)
    top = len(model.ladder) - 1
    policy = Climber(model.ladder, start=1, by=top - 1)
    bound = 0.0 if model.name == "m3" else 0.01
    answers = EscalatingVLM(model, policy, bound=bound).answer(images, questions)
    check(model, answers, bound)
    for answer in answers:
        first, second = answer.tried[:2]
        assert first.num_visual_tokens == model.ladder[1]
        assert second.num_visual_tokens == model.ladder[top - 1]
        assert f"as {model.ladder[-1]} do not fit within the bound" in first.why


def test_the_answer_that_stands_is_that_of_its_scale_alone(model, scenes):
    images, questions = scenes
    answers = EscalatingVLM(model, Dice(model.ladder, 5), bound=np.inf).answer(images, questions)
    alone = model.answer(
        images, questions, num_visual_tokens=[a.num_visual_tokens for a in answers]
    )
    assert [a.token_ids for a in answers] == [a.token_ids for a in alone]
    assert [a.choices[0].num_visual_tokens for a in answers] == [a.num_visual_tokens for a in alone]
    assert len({len(a.tried) for a in answers}) > 1


def test_small_batches_give_the_same_answers(model, scenes):
    policy = Climber(model.ladder, by=2, answers=2)
    whole = EscalatingVLM(model, policy).answer(*scenes)
    parts = EscalatingVLM(model, policy, batch_size=3).answer(*scenes)
    assert [a.token_ids for a in whole] == [a.token_ids for a in parts]
    assert [a.flops for a in whole] == [a.flops for a in parts]


def test_each_request_has_its_own_budget_and_a_fixed_scale_stays(model, scenes):
    images, questions = (column[:4] for column in scenes)
    policy = Climber(model.ladder)
    fixed, price = Budget(num_visual_tokens=4), Budget(price=0.5)
    answers = EscalatingVLM(model, policy).answer(
        images, questions, budget=[fixed, price, None, price]
    )
    assert policy.budgets == [price, None]
    assert answers[0].num_visual_tokens == 4
    assert answers[0].reason == "fixed by the caller"
    assert [t.why for t in answers[0].tried] == ["fixed by the caller"]
    assert all(len(a.tried) > 1 for a in answers[1:])


def test_several_images_go_up_where_they_may_and_none_needs_no_policy(model, scenes):
    a, b, *_ = scenes[0]
    policy = Climber(model.ladder, by=2, answers=2)
    low = Budget(num_visual_tokens=model.ladder[0])
    two, none = EscalatingVLM(model, policy, bound=1.0).answer(
        [[a, b], None], ["Which is darker?", "Why?"], budget=[[None, low], None]
    )
    assert [c.num_visual_tokens for c in two.choices] == [model.ladder[2], model.ladder[0]]
    assert two.flops <= 2 * two.full_flops
    assert [t.num_visual_tokens for t in two.tried] == [
        2 * model.ladder[0],
        model.ladder[0] + model.ladder[2],
    ]
    assert (none.choices, none.rung, none.reason) == ((), -1, "no image")
    assert none.flops == none.full_flops
    assert [t.why for t in none.tried] == ["no image"]


def test_the_async_form_gives_the_same(model, scenes):
    vlm = EscalatingVLM(model, Climber(model.ladder, answers=2))
    found = asyncio.run(vlm.answer_async(*scenes, max_new_tokens=4))
    assert [a.token_ids for a in found] == [
        a.token_ids for a in vlm.answer(*scenes, max_new_tokens=4)
    ]


class Faulty(Climber):
    def __init__(self, ladder, moves):
        super().__init__(ladder, start=1)
        self.moves = moves

    def next(self, described, tried, *, budget=None):
        return self.moves[: len(tried)]


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        (np.array([0]), "must go up or stop, got rung 0 after 1"),
        (np.array([1]), "must go up or stop, got rung 1 after 1"),
        (np.array([99]), "rungs must be of .*got .99."),
        (np.array([1.5]), "whole rungs .1., got float64"),
        (np.array([], dtype=int), "whole rungs .1., got int64 .0,."),
    ],
)
def test_a_policy_that_breaks_the_protocol_is_named(model, scenes, moves, message):
    (image, *_), (question, *_) = scenes
    vlm = EscalatingVLM(model, Faulty(model.ladder, moves))
    with pytest.raises(ValueError, match=message):
        vlm.answer([image], [question])


class Broken(Climber):
    """Fails at one of its three methods."""

    def __init__(self, ladder, method):
        super().__init__(ladder)
        setattr(self, method, self._fail)

    def _fail(self, *_, **__):
        raise RuntimeError("the policy's\ntrees are gone")


@pytest.mark.parametrize("method", ["describe", "start", "next"])
def test_a_policy_that_fails_is_never_why_a_request_fails(model, scenes, method):
    images, questions = (column[:3] for column in scenes)
    policy, fixed = Broken(model.ladder, method), Budget(num_visual_tokens=4)
    with pytest.raises(RuntimeError, match="trees are gone"):
        EscalatingVLM(model, policy).answer(images, questions)
    vlm = EscalatingVLM(model, policy, fallback_rung=-1)
    answers = vlm.answer(images, questions, budget=[fixed, None, None])
    assert (answers[0].num_visual_tokens, answers[0].fallback) == (4, "")
    for answer in answers[1:]:
        assert len(answer.tried) == 1
        first = model.ladder[0] if method == "next" else model.ladder[-1]
        assert answer.num_visual_tokens == first
        assert answer.fallback == ("" if method == "next" else "error")
        assert method == "next" or answer.reason.endswith("failed: the policy's trees are gone")
    with pytest.raises(ValueError, match=r"fallback_rung must be of .* got 9"):
        EscalatingVLM(model, policy, fallback_rung=9)


def test_what_cannot_be_run_is_refused(model, scenes):
    images = scenes[0]
    with pytest.raises(ValueError, match=r"made for scales \(1, 2\)"):
        EscalatingVLM(model, Climber(ScaleLadder((1, 2))))
    for wrong in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="bound must be at least 0"):
            EscalatingVLM(model, Climber(model.ladder), bound=wrong)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        EscalatingVLM(model, Climber(model.ladder), batch_size=0)
    with pytest.raises(ValueError, match="8 images, one string"):
        EscalatingVLM(model, Climber(model.ladder)).answer(images, "Why?")
    assert EscalatingVLM(model, Climber(model.ladder)).answer([], []) == []


@given(
    present=st.lists(st.sampled_from(LEGAL), min_size=1, max_size=3),
    steps=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    room=st.integers(0, 500),
)
def test_what_is_affordable_is_the_most_that_fits(present, steps, room):
    wanted = [
        LEGAL[min(LEGAL.index(here) + step, 4)] for here, step in zip(present, steps, strict=False)
    ]
    found = affordable(present, wanted, LEGAL, lambda scales: sum(scales) <= room)
    options = [
        scales
        for ceiling in LEGAL
        for scales in [[max(p, min(w, ceiling)) for p, w in zip(present, wanted, strict=True)]]
        if scales != present and sum(scales) <= room
    ]
    assert found == max(options, key=sum, default=None)


class Notes:
    def __init__(self, gone=()):
        self.heard, self.gone, self.choices = [], gone, []

    def text(self, i, piece):
        self.heard.append((i, piece))

    def decided(self, i, choices):
        assert i not in {j for j, _ in self.heard}
        self.choices.append((i, choices))

    def cancelled(self, i):
        return i in self.gone


def test_a_listener_hears_the_answers_that_stand_and_no_other(model, scenes):
    images, questions = (column[:6] for column in scenes)
    notes = Notes()
    fixed = Budget(num_visual_tokens=model.ladder[-1])
    answers = EscalatingVLM(model, Dice(model.ladder, 3), batch_size=4, bound=np.inf).answer(
        images, questions, budget=[fixed, *[None] * 5], listener=notes
    )
    for i, answer in enumerate(answers):
        assert "".join(piece for j, piece in notes.heard if j == i) == answer.text
        assert [own for j, own in notes.choices if j == i] == [answer.choices]
    assert max(len(a.tried) for a in answers) > 1


def test_who_goes_away_is_answered_no_more(model, scenes):
    images, questions = (column[:3] for column in scenes)
    vlm = EscalatingVLM(model, Climber(model.ladder, answers=3), bound=np.inf)
    notes = Notes(gone=(1,))
    answers = vlm.answer(images, questions, listener=notes)
    assert [a.finish_reason for a in answers] == ["stop", "cancelled", "stop"]
    assert [len(a.tried) for a in answers] == [3, 1, 3]
    assert {i for i, _ in notes.heard} == {0, 2}
    assert answers[1].flops < answers[1].full_flops

    class Rude(Notes):
        def text(self, i, piece):
            raise RuntimeError("no time")

    assert [a.text for a in vlm.answer(images, questions, listener=Rude())] == [
        a.text for a in vlm.answer(images, questions)
    ]


def test_each_answer_is_generated_as_its_caller_says(model, scenes):
    images, questions = (column[:3] for column in scenes)
    generation = [
        Generation(max_new_tokens=1),
        Generation(temperature=1.0, seed=3, max_new_tokens=4),
        Generation(stop=("e",)),
    ]
    policy = Climber(model.ladder, by=2, answers=2)
    answers = EscalatingVLM(model, policy, bound=np.inf).answer(
        images, questions, generation=generation
    )
    alone = model.answer(
        images, questions, num_visual_tokens=model.ladder[2], generation=generation
    )
    assert [a.token_ids for a in answers] == [a.token_ids for a in alone]
    assert [a.text for a in answers] == [a.text for a in alone]
    assert answers[0].finish_reason == "length"


def test_a_prompt_too_long_for_a_larger_scale_stays_where_it_is(model, scenes, monkeypatch):
    images, questions = (column[:2] for column in scenes)
    longest = max(model.count_text_tokens(question) for question in questions)
    monkeypatch.setattr(
        model.model.config.text_config, "max_position_embeddings", longest + model.ladder[1]
    )
    policy = Climber(model.ladder, by=3)
    answers = EscalatingVLM(model, policy, bound=np.inf).answer(images, questions)
    assert [a.num_visual_tokens for a in answers] == [model.ladder[1]] * 2


def test_a_relay_speaks_of_samples_by_their_own_places():
    notes = Notes(gone=(7,))
    relay = Relay(Relay(notes, [5, 6, 7]), [2, 0], heard={1})
    relay.text(0, "lost")
    relay.text(1, "kept")
    tell(relay, 1, (), "")
    assert notes.heard == [(5, "kept")]
    assert [relay.cancelled(0), relay.cancelled(1)] == [True, False]


def test_only_what_was_given_is_passed_on():
    assert options_for([1, 2]) == {}
    assert options_for([2, 0], generation=["a", "b", "c"]) == {"generation": ["c", "a"]}
    alike = Generation(max_new_tokens=3)
    assert options_for([2, 0], generation=alike) == {"generation": alike}
    notes = Notes()
    options_for([4, 3], listener=notes)["listener"].text(1, "x")
    assert notes.heard == [(3, "x")]
