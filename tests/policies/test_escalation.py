from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from budget.budgets import Budget
from budget.errors import PolicyError
from budget.escalation import STOP, EscalationPolicy, Tried
from budget.ladder import ScaleLadder
from budget.types import Answer
from policies import load_policy
from policies.answer_features import AnswerSigns
from policies.escalation import KIND, ScoreEscalationPolicy
from policies.escalation_fit import Answered, fit_escalation, fit_predictors, policy_with
from policies.escalation_state import restore, take_apart
from policies.features import current_schema
from policies.hull import fixed_hull
from policies.paid import pay
from policies.scores import LightGBMScores
from policies.tried_rungs import spending

LADDER = ScaleLadder((1, 4, 16))
TOKENS = np.array([1.0, 4.0, 16.0])


def small(**more):
    settings = {"max_trees": 30, "num_leaves": 4, "min_data_in_leaf": 5, "patience": 5}
    return LightGBMScores(**{**settings, **more})


def answered(n, seed=0):
    """Samples whose need is half seen before an answer, and whose answers say if they are right.

    Need 0, 1 or 2 is the first rung that is right; the first feature hints at it."""
    rng = np.random.default_rng(seed)
    need = rng.integers(0, 3, size=n)
    features = np.zeros((n, len(current_schema().names)))
    features[:, 1] = rng.normal(size=n)
    features[:, 0] = need + rng.normal(scale=0.8, size=n)
    scores = (np.arange(3) >= need[:, None]).astype(float)
    sure = np.where(scores == 1, -0.05, -1.0) + rng.normal(scale=0.1, size=scores.shape)
    margin = np.where(scores == 1, 0.9, 0.2)
    texts = np.where(scores == 1, "red", "3")
    return Answered(features, AnswerSigns(texts, sure, margin, 1 - margin), scores)


@pytest.fixture(scope="module")
def fitted():
    fit, held_out = answered(600), answered(400, seed=1)
    predictors = fit_predictors(small(), fit, folds=2)
    escalation = fit_escalation(predictors, held_out, spending(TOKENS), TOKENS)
    policy = policy_with(predictors, escalation, held_out, LADDER, costs=TOKENS, cost_unit="tokens")
    return predictors, escalation, ScoreEscalationPolicy(policy)


def answer(texts, confidence, margin, entropy):
    return Answer(str(texts), (1,), 1, 10, float(confidence), 1, float(margin), float(entropy))


def walk(policy, described, answers, budget):
    """Run the protocol as a runtime would, answers taken from a table."""
    rungs = policy.start(described, budget=budget)
    tried = [[] for _ in rungs]
    going = list(range(len(rungs)))
    while going:
        for i in going:
            cells = (column[i, rungs[i]] for column in answers)
            tried[i].append(Tried(int(rungs[i]), answer(*cells)))
        moves = policy.next(described[going], [tried[i] for i in going], budget=budget)
        rungs[going] = moves
        going = [i for i in going if rungs[i] != STOP]
    return tried


@pytest.mark.parametrize("price", [0.0, 0.05, 0.3, 1.0])
def test_the_protocol_goes_the_ways_that_were_evaluated(fitted, price):
    predictors, escalation, policy = fitted
    test = answered(80, seed=2)
    described = np.hstack([test.features, predictors.before.predict(test.features)])
    keeps: EscalationPolicy = policy
    tried = walk(keeps, described, test.answers, Budget(price=price))
    visited = predictors.walks(test).take(escalation.rule, price)
    assert [[t.rung for t in each] for each in tried] == [
        np.flatnonzero(row).tolist() for row in visited
    ]


def test_looking_at_answers_beats_choosing_before_them(fitted):
    predictors, escalation, policy = fitted
    test = answered(1000, seed=3)
    walks, full = predictors.walks(test), test.scores[:, -1].mean()
    visited = [walks.take(escalation.rule, escalation.prices["balanced"])]
    paid = pay(visited, np.zeros(1), TOKENS, test.scores, kept_cache=False)
    assert paid.scores.mean() >= full - 0.03
    before = policy.policy
    rungs = before.choose_from(walks.expected(()), budget=Budget(price=before.prices["balanced"]))
    assert paid.costs.mean() < 0.95 * TOKENS[rungs].mean()
    hull = fixed_hull(TOKENS, test.scores.mean(axis=0))
    assert paid.scores.mean() > hull.at(float(paid.costs.mean())) + 0.1


@pytest.mark.parametrize("cap", [1.1, 1.3])
def test_no_sample_spends_more_than_the_cap(fitted, cap):
    predictors, *_ = fitted
    held_out, walks = answered(200, seed=1), predictors.walks(answered(300, seed=2))
    rule = fit_escalation(predictors, held_out, spending(TOKENS, cap=cap), TOKENS).rule
    for price in (0.0, 0.01, 0.2, 1.0):
        visited = walks.take(rule, price)
        assert (visited @ TOKENS).max() <= cap * TOKENS[-1]
        assert visited.any(axis=1).all()


def test_mean_tokens_hold_on_new_samples(fitted):
    predictors, escalation, _ = fitted
    walks, spent = predictors.walks(answered(1500, seed=4)), []
    for mean in (1.0, 2.0, 4.0):
        price = escalation.price_of(Budget(mean_tokens=mean))
        spent.append(float((walks.take(escalation.rule, price) @ TOKENS).mean()))
        assert 0.6 * mean < spent[-1] < 1.15 * mean
    assert spent == sorted(spent)
    with pytest.raises(PolicyError, match="mean_tokens must be at least 1"):
        escalation.price_of(Budget(mean_tokens=0.5))


def test_a_fixed_scale_is_answered_once(fitted):
    *_, policy = fitted
    described = np.zeros((2, 152))
    budget = Budget(num_visual_tokens=4)
    assert policy.start(described, budget=budget).tolist() == [1, 1]
    tried = [[Tried(1, answer("a", -3, 0.1, 1))]] * 2
    assert policy.next(described, tried, budget=budget).tolist() == [STOP, STOP]


def test_saved_and_read_it_chooses_the_same(fitted, tmp_path):
    *_, policy = fitted
    policy.save(tmp_path / "policy")
    again = ScoreEscalationPolicy(load_policy(tmp_path / "policy"))
    pictures = [Image.new("RGB", (30, 30), (i * 60, 10, 200)) for i in range(4)]
    described = again.describe(pictures, ["What colour is it?"] * 4)
    assert described == pytest.approx(policy.describe(pictures, ["What colour is it?"] * 4))
    for sure in (-0.05, -1.0):
        tried = [[Tried(0, answer("red", sure, 0.5, 0.5))]] * 4
        assert again.next(described, tried).tolist() == policy.next(described, tried).tolist()
    assert again.escalation.prices == policy.escalation.prices
    assert again.start(described).tolist() == policy.start(described).tolist()


def test_no_samples(fitted):
    *_, policy = fitted
    described = policy.describe([], [])
    assert policy.start(described).shape == (0,)
    assert policy.next(described, []).shape == (0,)


@pytest.mark.parametrize(
    ("tried", "message"),
    [
        ([], "1 samples need as many tries, got 0"),
        ([[]], r"tried rungs must rise within 0..2, got \(\)"),
        ([[Tried(1, answer("", 0, 0, 0)), Tried(0, answer("", 0, 0, 0))]], r"got \(1, 0\)"),
        ([[Tried(3, answer("", 0, 0, 0))]], r"got \(3,\)"),
        ([[Tried(0, answer("", np.nan, 0, 0))]], "finite confidence, got nan at rung 0"),
    ],
)
def test_tries_that_cannot_be_are_refused(fitted, tried, message):
    *_, policy = fitted
    with pytest.raises(ValueError, match=message):
        policy.next(np.zeros((1, 152)), tried)


def test_a_policy_that_carries_nothing_to_look_with_is_refused(fitted):
    *_, policy = fitted
    plain = policy.policy
    extras, plain.extras = plain.extras, {}
    try:
        with pytest.raises(PolicyError, match="was not fitted to look at answers"):
            ScoreEscalationPolicy(plain)
    finally:
        plain.extras = extras


@pytest.mark.parametrize(
    ("field", "name", "value", "message"),
    [
        ("settings", "cap", 0.5, "cap"),
        ("settings", "max_tries", 0, "max_tries"),
        ("settings", "max_tries", 2, "arrays must be"),
        ("settings", "price_names", ["no-loss"], "equally long"),
        ("settings", "price_names", ["a", "b", "c"], "needs a price 'no-loss'"),
        ("arrays", "grid", np.array([1.0, 2.0]), "must fall"),
        ("arrays", "grid", np.array([2.0, 1.0]), "'gain"),
        ("arrays", "costs", np.array([4.0, 1.0, 16.0]), "costs must rise"),
        ("arrays", "gain_0", np.zeros((1, 2, 3)), "'gain_0' must be float64"),
        ("arrays", "gain_9", np.zeros(1), "arrays must be"),
        ("parts", "more", None, "parts must be"),
    ],
)
def test_what_is_not_well_formed_is_refused(fitted, field, name, value, message):
    state = take_apart(fitted[1])
    assert state.kind == KIND
    changed = {**getattr(state, field), name: state if value is None else value}
    with pytest.raises(PolicyError, match=message):
        restore(replace(state, **{field: changed}), 149, 3)


@pytest.mark.parametrize("columns", [[-1], [149]])
def test_columns_beyond_the_features_are_refused(fitted, columns):
    state = take_apart(fitted[1])
    after = replace(state.parts["after"], settings={"columns": columns})
    with pytest.raises(PolicyError, match="columns must be of 149 features"):
        restore(replace(state, parts={**state.parts, "after": after}), 149, 3)
