"""Samples with several images, each at a rung of its own: the best split that a search finds.

A curve keeps one row a sample and rung; rung r stands for the total that all images take at that
rung. By default they are all at rung r. ``GreedySplit`` asks for that too, and then goes on with
the search of ``oracle.climbing``: the answer of a rung is the best one found within its total,
never worse in score than all images at that rung. For n images and k rungs a search takes at most
n * n * (k - 1) answers more, and none for a sample with one image, whose curve is the same either
way.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.samples import images_of
from oracle.batch import ImageSplit, RungResult, run_batch, rung_result
from oracle.climbing import Climb, Rungs
from oracle.measure import score_texts
from oracle.samples import Sample
from oracle.scoring import Scorer

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.types import Answer, MatryoshkaVLM

_ASKED_WITH = (640, 480)  # pixels of the images that a model is tried with

NOTE = (
    "images of one prompt were given rungs by a search that knows the right answers: "
    "an upper reference, not what a policy could do"
)


@dataclass(frozen=True, slots=True)
class GreedySplit:
    """One greedy answer to each split that the search asks for."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the manifest says."""
        return {"image_split": "greedy", "image_split_note": NOTE}

    def check_model(self, model: "MatryoshkaVLM") -> None:
        """Refuse a model that does not take several images in one prompt, each at its own scale.

        Asks it once, with two black images at its two smallest scales.

        Raises:
            ValueError: says what it did.
        """
        from PIL import Image

        images = [Image.new("RGB", _ASKED_WITH) for _ in range(2)]
        rungs = (0, min(1, len(model.ladder) - 1))
        scales = [model.ladder[rung] for rung in rungs]
        try:
            wanted = sum(model.realised(images[0])[rung] for rung in rungs)
            (answer,) = model.answer([images], ["?"], num_visual_tokens=[scales], max_new_tokens=1)
            said = (
                "" if answer.num_visual_tokens == wanted else f"{answer.num_visual_tokens} tokens"
            )
        except Exception as problem:  # whatever a model says to what it was not made for
            said = " ".join(str(problem).split())[:200] or type(problem).__name__
        if said:
            raise ValueError(
                "--image-split greedy takes a model that reads several images in one prompt, each "
                f"at a scale of its own; {model.name} answers to two images at {scales}: {said}"
            )

    def check_sample(self, sample: Sample) -> None:
        """Accept every sample."""

    def run(
        self,
        model: "MatryoshkaVLM",
        samples: Sequence[Sample],
        images: Sequence[Any],
        *,
        max_new_tokens: int,
        score: Scorer,
    ) -> list[list[RungResult]]:
        """Run samples as one batch at every rung; return one list of rungs per sample."""
        questions = [sample.question for sample in samples]
        found = run_batch(model, images, questions, max_new_tokens=max_new_tokens)
        several = [i for i, own in enumerate(images) if len(images_of(own)) > 1]
        asked = [_Asked(samples[i], images_of(images[i]), found[i]) for i in several]
        searches = [_Search(each, model, score) for each in asked]
        _search(model, searches, max_new_tokens=max_new_tokens, batch_size=len(samples))
        for i, search in zip(several, searches, strict=True):
            found[i] = search.results()
        return found


class _Asked(NamedTuple):
    """A sample with several images, and what it answered with all of them at one rung."""

    sample: Sample
    images: "list[Image]"
    uniform: list[RungResult]


class _Search:
    """The search of one sample, with what was answered to every split."""

    def __init__(self, asked: _Asked, model: "MatryoshkaVLM", score: Scorer) -> None:
        self.asked = asked
        self._model, self._score = model, score
        self._ladder = tuple(model.ladder)
        texts = [rung.answer for rung in asked.uniform]
        scores = self._scores(texts)
        sure = [rung.confidence for rung in asked.uniform]
        tokens = [model.realised(image) for image in asked.images]
        self.climb = Climb(tokens, list(zip(scores, sure, strict=True)))
        # As many as there are rungs, all images at one each.
        self._results = dict(zip(self.climb.tried, asked.uniform, strict=True))
        self._pace = fmean(rung.seconds / rung.flops for rung in asked.uniform)

    def scales(self, rungs: Rungs) -> list[int]:
        """Return the visual tokens of a split, one number per image."""
        return [self._ladder[rung] for rung in rungs]

    def note(self, rungs: Rungs, answer: "Answer") -> None:
        """Take what was answered to a split."""
        (score,) = self._scores([answer.text])
        self.climb.note(rungs, score, answer.confidence)
        result = rung_result(self._model, answer, math.nan)
        self._results[rungs] = result._replace(seconds=self._seconds(result.flops))

    def results(self) -> list[RungResult]:
        """Return the best answer within each rung's total, and how the total was split."""
        more = len(self.climb.tried) - len(self.asked.uniform)
        return [
            self._results[best.rungs]._replace(
                split=ImageSplit(tuple(self.scales(best.rungs)), more)
            )
            for best in self.climb.best()
        ]

    def _scores(self, texts: Sequence[str]) -> list[float]:
        return score_texts(self._score, self.asked.sample, texts, self.asked.uniform[-1].answer)

    def _seconds(self, flops: float) -> float:
        """Return what these FLOPs take at the speed of the uniform answers."""
        if math.isfinite(self._pace):
            return self._pace * flops
        return fmean(rung.seconds for rung in self.asked.uniform)


def _search(
    model: Any, searches: Sequence[_Search], *, max_new_tokens: int, batch_size: int
) -> None:
    """Bring searches to their end, all of them a step at a time."""
    features: dict[int, Any] = {}
    if searches and hasattr(model, "encode_samples"):  # others share nothing between scales
        encoded = model.encode_samples([search.asked.images for search in searches])
        features = dict(enumerate(encoded))
    while wanted := [(i, rungs) for i, s in enumerate(searches) for rungs in s.climb.wanted()]:
        own = [searches[i] for i, _ in wanted]
        answers = model.answer(
            [search.asked.images for search in own],
            [search.asked.sample.question for search in own],
            num_visual_tokens=[s.scales(rungs) for s, (_, rungs) in zip(own, wanted, strict=True)],
            max_new_tokens=max_new_tokens,
            features=[features[i] for i, _ in wanted] if features else None,
            batch_size=batch_size,
        )
        for search, (_, rungs), answer in zip(own, wanted, answers, strict=True):
            search.note(rungs, answer)
