"""The right answers: what the same model says when it is asked directly, in this process."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from budget.pictures import open_image
from experiments.load.call import Asked
from experiments.load.said import Said

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.llava import LlavaRunner
    from budget.types import Answer

BATCH = 64


class Candidate(NamedTuple):
    """A question with its scales decided.

    Attributes:
        images: files of the images.
        question: text of the question.
        max_new_tokens: longest answer, in tokens.
        scales: visual tokens of each image.
    """

    images: tuple[bytes, ...]
    question: str
    max_new_tokens: int
    scales: tuple[int, ...]


class References:
    """Answers of a model, each computed once.

    Args:
        model: the model that the server says it runs.
    """

    def __init__(self, model: "LlavaRunner") -> None:
        self._model = model
        self._known: dict[Candidate, Answer] = {}
        self._pictures: dict[bytes, Image] = {}

    def prepare(self, heard: Iterable[tuple[Asked, Said]]) -> None:
        """Compute what is needed to judge these answers, in batches."""
        wanted = {each for asked, said in heard for each in self.candidates(asked, said)}
        missing = sorted(wanted - set(self._known), key=lambda each: each.max_new_tokens)
        while missing:
            limit = missing[0].max_new_tokens
            batch = [each for each in missing[:BATCH] if each.max_new_tokens == limit]
            self._known.update(zip(batch, self._answer(batch, limit), strict=True))
            missing = missing[len(batch) :]

    def candidates(self, asked: Asked, said: Said) -> list[Candidate]:
        """Return all ways to spend the visual tokens that the server reports on the images.

        Where the request fixed the scale there is one, whatever is reported; several images whose
        scales a policy chose can have swapped them.
        """
        count = len(asked.images)
        if asked.num_visual_tokens is not None:
            ways = [(asked.num_visual_tokens,) * count]
        else:
            every = product(tuple(self._model.ladder), repeat=count)
            ways = [way for way in every if sum(way) == said.image_tokens]
        return [Candidate(asked.images, asked.question, asked.max_new_tokens, way) for way in ways]

    def judge(self, asked: Asked, said: Said) -> str:
        """Return why an answer is not that of its question, empty if it is.

        Compared are the text, how it ended, the visual tokens, and where reported the prompt's
        length.
        """
        ways = self.candidates(asked, said)
        if not ways:
            return (
                f"{said.image_tokens} visual tokens cannot be those of {len(asked.images)} images"
            )
        problems = [self._compare(asked, said, self._known[way]) for way in ways]
        return "" if "" in problems else problems[0]

    def _compare(self, asked: Asked, said: Said, right: "Answer") -> str:
        text, ended = _stopped(right.text, asked.stop)
        reason = "stop" if ended or self._ended(right) else "length"
        pairs = {
            "text": (said.text.strip(), text),
            "finish_reason": (said.finish_reason, reason),
            "image_tokens": (said.image_tokens, right.num_visual_tokens),
            "prompt_tokens": (said.prompt_tokens, right.prompt_tokens),
        }
        for name, (got, wanted) in pairs.items():
            if got != wanted and got is not None:
                return f"{name} is {got!r}, must be {wanted!r}"
        return ""

    def _ended(self, answer: "Answer") -> bool:
        return answer.token_ids[-1] in self._model.stop_ids

    def _answer(self, batch: Sequence[Candidate], limit: int) -> "list[Answer]":
        return self._model.answer(
            [[self._picture(file) for file in each.images] for each in batch],
            [each.question for each in batch],
            num_visual_tokens=[list(each.scales) for each in batch],
            max_new_tokens=limit,
        )

    def _picture(self, file: bytes) -> "Image":
        if file not in self._pictures:
            self._pictures[file] = open_image(file)
        return self._pictures[file]


def same_answers(texts: Sequence[Hashable]) -> float:
    """Return the share of pairs that are equal, in [0, 1]: how many mix-ups nobody could see.

    Example:
        >>> same_answers(["yes", "yes", "no"])
        0.3333333333333333
    """
    n = len(texts)
    if n < 2:
        return 0.0
    return sum(count * (count - 1) for count in Counter(texts).values()) / (n * (n - 1))


def _stopped(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """Return a text up to the first stop string, and whether there was one."""
    places = [place for each in stop if (place := text.find(each)) >= 0]
    return (text[: min(places)].strip(), True) if places else (text, False)
