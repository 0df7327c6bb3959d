"""Documents that are asked round after round: each round hangs on what was answered before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from budget.adaptive import AdaptiveAnswer
from budget.errors import DataError
from experiments.evals.harness_model import HarnessModel, Request
from experiments.evals.places import Place
from experiments.evals.prompts import Prompted

# No task of either tool comes near; one whose rounds do not end is stopped.
MOST_ROUNDS = 64


class Round(NamedTuple):
    """What a task says to the answers so far.

    Attributes:
        load: gives what is asked now; None if nothing is.
        outputs: the answers so far, as the task wants them kept; None for as they are.
        told: what the task wants to be told in the next round.
    """

    load: Callable[[], Prompted] | None
    outputs: Sequence[str] | None = None
    told: Any = None


# Of the number of a round from 1, the answers so far and what the task wanted to be told.
NextRound = Callable[[int, list[str], Any], Round]


@dataclass
class Talk:
    """A document on its way through its rounds.

    Attributes:
        place: of its first round.
        load: gives what its first round asks.
        arguments: of the generation.
        next_round: asks the task what comes next.
        counted: whether it belongs in the report.
        outputs: the answers so far.
        answers: the same with what they cost.
    """

    place: Place
    load: Callable[[], Prompted]
    arguments: Mapping[str, Any]
    next_round: NextRound
    counted: bool = True
    outputs: list[str] = field(default_factory=list)
    answers: list[AdaptiveAnswer] = field(default_factory=list)
    _told: Any = None

    def request(self) -> Request:
        """Return what is asked now."""
        return Request(self.place, self.load, self.arguments, self.counted)

    def take(self, answer: AdaptiveAnswer | None) -> bool:
        """Take an answer; return whether another round follows."""
        self.outputs.append("" if answer is None else answer.text)
        if answer is not None:
            self.answers.append(answer)
        number = self.place.round + 1
        load, outputs, self._told = self.next_round(number, list(self.outputs), self._told)
        if outputs is not None:
            self.outputs = list(outputs)
        if load is None:
            return False
        if number >= MOST_ROUNDS:
            raise DataError(f"{self.place.name}: the task goes on after {MOST_ROUNDS} rounds")
        self.load = load
        self.place = self.place._replace(round=number)
        return True


def talk(model: HarnessModel, talks: Sequence[Talk]) -> list[Talk]:
    """Ask all rounds of documents, those of one number together; return them done."""
    own = [replace(each, outputs=[], answers=[]) for each in talks]
    going = own
    while going:
        answers = model.answer([each.request() for each in going])
        going = [each for each, answer in zip(going, answers, strict=True) if each.take(answer)]
    return own
