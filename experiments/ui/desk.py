"""What happens when somebody asks or moves a slider: from inputs to what is shown.

Asking runs the model at all scales. Moving a slider afterwards runs nothing but the policy: the
answers are there already.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from budget.budgets import Budget
from budget.errors import BudgetError, one_line
from budget.pictures import open_image
from experiments.ui import parts, words
from experiments.ui.answering import Answerer, Decided, Outcome
from experiments.ui.looking import look
from experiments.ui.reasoning import sentence_of

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_QUESTION = 2000  # characters
PRICE_STEP = 0.01  # of the slider
# A device without memory left is a RuntimeError.
_CAUGHT = (BudgetError, ValueError, OSError, RuntimeError)


class View(NamedTuple):
    """What the page shows; all texts are HTML.

    Attributes:
        problem: one line on what is wrong; empty if nothing is.
        card: the answer, its scale and what that saves.
        table: the answers at all scales.
        maps: heat maps, or why there are none.
        outcome: what is known, for the next move of a slider; None if nothing is.
    """

    problem: str = ""
    card: str = ""
    table: str = ""
    maps: str = ""
    outcome: Outcome | None = None


class Wish(NamedTuple):
    """How many tokens the user wants to be spent.

    Attributes:
        place: of the slider: 0 is auto, 1 the cheapest scale of the ladder.
        price: for auto: score that the largest scale's cost must be worth.
    """

    place: int
    price: float


class Desk:
    """Serves all users of a page; it keeps nothing of any of them.

    Args:
        answerer: the model with its policy.
    """

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer

    @property
    def default_price(self) -> float:
        """The policy's own price, 0 without a policy."""
        own = self.answerer.world.own
        return 0.0 if own is None else own.price_of(Budget())

    def ask(self, path: str | None, question: str | None, wish: Wish) -> Iterator[View]:
        """Answer a question about a picture; yields more and more of what is to be shown.

        Args:
            path: of the picture, as the browser uploaded it.
            question: the question.
            wish: how many tokens.
        """
        asked = (question or "").strip()
        if wrong := _missing(path, asked):
            yield View(parts.problem(wrong))
            return
        assert path is not None
        try:
            yield from self._answered(path, asked, wish)
        except _CAUGHT as error:
            yield View(parts.problem(words.as_sentence(one_line(error))))

    def _answered(self, path: str, question: str, wish: Wish) -> Iterator[View]:
        image = open_image(path, name="the picture")
        ask = self.answerer
        made = self._made(image, question, wish)
        first = ask.at(image, question, made.decided.choice.rung)
        yield View(card=parts.card(made.decided, first, None, made.sentence))
        answers = ask.all_scales(image, question, first)
        outcome = Outcome(path, question, answers, ask.expected(image, question))
        yield _view(outcome, made)._replace(maps=parts.note("Making heat maps ..."))
        model, longest = ask.world.model, ask.max_new_tokens
        looks = look(model, image, question, ask.scales, max_new_tokens=longest)
        yield _view(outcome._replace(looks=looks), made)

    def review(
        self, outcome: Outcome | None, path: str | None, question: str | None, wish: Wish
    ) -> View | None:
        """Return the view after a slider was moved; None if there is nothing to change yet.

        Args:
            outcome: what was answered last.
            path: of the picture that is there now.
            question: the question that stands there now.
            wish: how many tokens.
        """
        if outcome is None:
            return None
        if not outcome.is_about(path, question or ""):
            return View(parts.problem(words.CHANGED), outcome=outcome)
        try:
            image = open_image(outcome.path, name="the picture")
            return _view(outcome, self._made(image, outcome.question, wish))
        except _CAUGHT as error:
            return View(parts.problem(words.as_sentence(one_line(error))))

    def _made(self, image: "Image", question: str, wish: Wish) -> "_Made":
        """Decide as is wished, and say what moved the policy."""
        budget = self._budget(wish)
        decided = self.answerer.decide(image, question, budget)
        own = self.answerer.world.own
        if own is None or not decided.choice.scores or decided.choice.fallback:
            return _Made(decided, "")
        return _Made(decided, sentence_of(own, image, question, budget))

    def _budget(self, wish: Wish) -> Budget | None:
        """Return what is allowed; None, the policy's default, where its own price was left."""
        scales = self.answerer.scales
        if not 0 <= wish.place <= len(scales):
            raise ValueError(f"the slider has places from 0 to {len(scales)}, got {wish.place}")
        if wish.place:
            return Budget(num_visual_tokens=scales[wish.place - 1])
        left = abs(wish.price - self.default_price) < PRICE_STEP / 2
        return None if left else Budget(price=wish.price)


class _Made(NamedTuple):
    """A decision and what moved it, in words."""

    decided: Decided
    sentence: str


def _view(outcome: Outcome, made: _Made) -> View:
    """Return all that is known, seen from one choice."""
    chosen = outcome.answers[made.decided.choice.rung]
    return View(
        card=parts.card(made.decided, chosen, outcome.answers, made.sentence),
        table=parts.table(outcome.answers, chosen.scale, outcome.expected),
        maps=parts.maps(outcome.looks, chosen.scale),
        outcome=outcome,
    )


def _missing(path: str | None, question: str) -> str:
    """Return what is missing to ask, in one line; empty if nothing."""
    if not path:
        return "Choose a picture first: upload one, or take one of the scenes."
    if not question:
        return "Ask a question about the picture first."
    if len(question) > MAX_QUESTION:
        return f"The question is too long: {len(question):,} characters of {MAX_QUESTION:,}."
    return ""
