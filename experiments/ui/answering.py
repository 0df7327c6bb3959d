"""What the model answers at each scale of its ladder, and what each answer takes.

Every scale is run by itself, the vision encoder included, so that its milliseconds are those of a
request at that scale. Short runs are repeated, all scales in turn, and their median is taken.
"""

import statistics
import time
from typing import NamedTuple

from PIL import Image

from budget.budgets import Budget, EncodedPolicy
from budget.planning import Asked, Choice, plan
from experiments.ui.loading import World
from experiments.ui.looking import Looks

_ROUNDS, _ENOUGH_S = 3, 1.0
_LONG_MS = 300.0  # so long a run is not repeated for a warmer start


class ScaleAnswer(NamedTuple):
    """The answer at one scale and its cost.

    Attributes:
        scale: of the ladder.
        num_visual_tokens: that the picture really took.
        text: the answer.
        confidence: mean log-probability of the answer's tokens, natural log; NaN if unknown.
        flops: all parts of the model, a multiply-add counts as two; NaN if unknown.
        ms: milliseconds; where several runs were made, their median.
    """

    scale: int
    num_visual_tokens: int
    text: str
    confidence: float
    flops: float
    ms: float


class Decided(NamedTuple):
    """A scale and how it came about.

    Attributes:
        choice: the policy's, or the user's.
        ms: milliseconds that choosing took; 0 where the user chose.
    """

    choice: Choice
    ms: float


class Outcome(NamedTuple):
    """All that is known of one question about one picture; the page keeps it.

    Attributes:
        path: the picture's file.
        question: the question.
        answers: one per rung of the ladder, cheapest first.
        expected: score that the policy expects at each rung; none without a policy.
        looks: heat maps.
    """

    path: str
    question: str
    answers: tuple[ScaleAnswer, ...]
    expected: tuple[float, ...] = ()
    looks: Looks = Looks()

    def is_about(self, path: str | None, question: str) -> bool:
        """Whether this is still what the page shows above it."""
        return (path, question.strip()) == (self.path, self.question)


class Answerer:
    """Asks a model and its policy.

    Args:
        world: the two.
        max_new_tokens: longest answer, in tokens.
    """

    def __init__(self, world: World, *, max_new_tokens: int = 16) -> None:
        self.world, self.max_new_tokens = world, max_new_tokens

    @property
    def scales(self) -> tuple[int, ...]:
        """The model's ladder."""
        return tuple(self.world.model.ladder)

    def warm_up(self) -> None:
        """Answer once at the cheapest scale, so that no user pays for one-off costs."""
        blank = Image.new("RGB", (32, 32), "white")
        self.world.model.answer([blank], ["?"], num_visual_tokens=self.scales[0], max_new_tokens=1)
        self.world.policy.warm_up(blank)

    def decide(self, image: Image.Image, question: str, budget: Budget | None) -> Decided:
        """Return the scale that a budget comes to for one question.

        Args:
            image: the picture.
            question: the question.
            budget: None for the policy's default; one with a number of tokens asks no policy.
        """
        model, policy = self.world.model, self.world.policy
        asked = Asked(image, question, budget)
        features = words = None
        if isinstance(policy, EncodedPolicy) and asked.is_open:
            features, words = model.encode([image]), model.embed_questions([question])
        planned = plan([asked], policy, model.ladder, features=features, words=words)
        return Decided(planned.choices[0], planned.decision_ms)

    def expected(self, image: Image.Image, question: str) -> tuple[float, ...]:
        """Return the score that the policy expects at each rung; none where it has no say."""
        choice = self.decide(image, question, None).choice
        return () if choice.fallback else choice.scores

    def at(self, image: Image.Image, question: str, rung: int) -> ScaleAnswer:
        """Answer at one rung of the ladder, timed."""
        scale = self.scales[rung]
        start = time.perf_counter()
        (answer,) = self.world.model.answer(
            [image], [question], num_visual_tokens=scale, max_new_tokens=self.max_new_tokens
        )
        ms = (time.perf_counter() - start) * 1000
        flops = self.world.model.answer_cost(answer).flops
        tokens = answer.num_visual_tokens
        return ScaleAnswer(scale, tokens, answer.text, answer.confidence, flops, ms)

    def all_scales(
        self, image: Image.Image, question: str, first: ScaleAnswer
    ) -> tuple[ScaleAnswer, ...]:
        """Return the answers at all rungs, cheapest first.

        Args:
            image: the picture.
            question: the question.
            first: an answer that is there already.
        """
        start = time.perf_counter()
        kept = first.ms > _LONG_MS
        runs = [[first] if kept and scale == first.scale else [] for scale in self.scales]
        for number in range(_ROUNDS):
            for rung, own in enumerate(runs):
                if number or not own:
                    own.append(self.at(image, question, rung))
            if time.perf_counter() - start > _ENOUGH_S:
                break
        return tuple(own[0]._replace(ms=statistics.median(each.ms for each in own)) for own in runs)
