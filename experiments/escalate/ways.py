"""Ways to answer the same questions, run for real: what each scored and what it spent."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budget.adaptive import AdaptiveAnswer, AdaptiveVLM
from budget.budgets import Budget
from budget.escalating import EscalatingVLM
from oracle.scoring import get_scorer
from policies.answer_features import AnswerSigns
from policies.escalation import ScoreEscalationPolicy
from policies.hull import FloatArray

if TYPE_CHECKING:
    from budget.llava import LlavaRunner
    from policies.judging import Policy

FIXED, BEFORE = "fixed scale", "before any answer"
ANEW, KEPT = "escalate", "escalate, kept cache"


class Questions(NamedTuple):
    """What is asked.

    Attributes:
        images: n pictures.
        questions: n questions.
        answers: the texts that are right, per question.
    """

    images: Sequence[Any]
    questions: Sequence[str]
    answers: Sequence[Sequence[str]]


class Outcome(NamedTuple):
    """What one way gave at one budget.

    Attributes:
        way: its name.
        budget: mean visual tokens that were asked for; of a fixed scale, its tokens.
        scores: of the answers that stood, shape [n].
        flops: spent on all answers of a sample, shape [n].
        full_flops: of a direct answer of the same length at the full scale, shape [n].
        tokens: visual tokens that were run, over all answers of a sample, shape [n].
        tries: answers per sample, shape [n].
        ms: milliseconds of wall time per sample, decisions included.
    """

    way: str
    budget: float
    scores: FloatArray
    flops: FloatArray
    full_flops: FloatArray
    tokens: FloatArray
    tries: FloatArray
    ms: float


class FixedRuns(NamedTuple):
    """Every question at every scale.

    Attributes:
        outcomes: one per rung.
        signs: the answers and how sure the model was, shape [n, k].
    """

    outcomes: list[Outcome]
    signs: AnswerSigns


def run_fixed(model: "LlavaRunner", asked: Questions, *, max_new_tokens: int) -> FixedRuns:
    """Answer every question at every scale of the ladder."""
    outcomes, answered = [], []
    for m in model.ladder:
        start = time.perf_counter()
        answers = model.answer(
            asked.images, asked.questions, num_visual_tokens=m, max_new_tokens=max_new_tokens
        )
        taken = time.perf_counter() - start
        answered.append(answers)
        outcomes.append(
            Outcome(
                FIXED,
                float(m),
                _scores([a.text for a in answers], asked),
                np.array([model.answer_cost(a).flops for a in answers]),
                np.array(
                    [model.full_flops(a, i) for a, i in zip(answers, asked.images, strict=True)]
                ),
                np.array([float(a.num_visual_tokens) for a in answers]),
                np.ones(len(answers)),
                1e3 * taken / len(answers),
            )
        )
    numbers = (
        np.array([[getattr(a, name) for a in rung] for rung in answered]).T
        for name in ("confidence", "margin", "entropy")
    )
    texts = np.array([[a.text for a in rung] for rung in answered], dtype=np.str_).T
    return FixedRuns(outcomes, AnswerSigns(texts, *numbers))


def run_policies(
    model: "LlavaRunner",
    policy: "Policy",
    asked: Questions,
    budgets: Sequence[float],
    *,
    bound: float,
    max_new_tokens: int,
) -> Iterator[Outcome]:
    """Answer every question by the policy before answers, and going up, at every budget.

    Args:
        model: the model.
        policy: carries what it takes to look at answers.
        asked: the questions.
        budgets: mean visual tokens.
        bound: of going up.
        max_new_tokens: longest answer, in tokens.
    """
    before, looking = AdaptiveVLM(model, policy), ScoreEscalationPolicy(policy)
    ways: dict[str, Callable[..., Sequence[AdaptiveAnswer]]] = {BEFORE: before.answer}
    for name, keeps in ((ANEW, False), (KEPT, True)):
        if model.nested or not keeps:
            going = EscalatingVLM(model, looking, bound=bound, keep_cache=keeps)
            ways[name] = going.answer
    for mean in budgets:
        for name, answer in ways.items():
            yield _run(answer, name, mean, Budget(mean_tokens=mean), asked, max_new_tokens)


def _run(
    answer: Callable[..., Sequence[AdaptiveAnswer]],
    way: str,
    mean: float,
    budget: Budget,
    asked: Questions,
    max_new_tokens: int,
) -> Outcome:
    start = time.perf_counter()
    answers = answer(asked.images, asked.questions, budget=budget, max_new_tokens=max_new_tokens)
    taken = time.perf_counter() - start
    tried = [getattr(a, "tried", ()) for a in answers]
    kept = way == KEPT  # a larger set's tokens hold those of the smaller
    return Outcome(
        way,
        float(mean),
        _scores([a.text for a in answers], asked),
        np.array([a.flops for a in answers]),
        np.array([a.full_flops for a in answers]),
        np.array(
            [
                float(a.num_visual_tokens)
                if kept or not each
                else float(sum(t.num_visual_tokens for t in each))
                for a, each in zip(answers, tried, strict=True)
            ]
        ),
        np.array([float(len(each) or 1) for each in tried]),
        1e3 * taken / len(answers),
    )


def _scores(texts: Sequence[str], asked: Questions) -> FloatArray:
    score = get_scorer("exact")
    return np.array([score(text, own) for text, own in zip(texts, asked.answers, strict=True)])
