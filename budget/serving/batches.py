"""Run a batch of jobs on the model, in the worker's thread; one that fails fails alone."""

import logging
from collections.abc import Sequence
from typing import Any, Protocol

from budget.adaptive import AdaptiveAnswer
from budget.planning import Choice
from budget.serving.jobs import Job
from budget.serving.outcomes import told_error

logger = logging.getLogger(__name__)


class Answerer(Protocol):
    """What the server needs of a model with a policy; nothing inherits from this."""

    def answer(
        self, images: Sequence[Any], questions: Sequence[Any], **options: Any
    ) -> list[AdaptiveAnswer]:
        """Answer one question per sample, in input order; see ``AdaptiveVLM.answer``."""
        ...


class Ears:
    """Hears a batch's text for its jobs; a ``budget.sampling.Listener``.

    Args:
        jobs: in the order in which the model is asked.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = tuple(jobs)

    def decided(self, i: int, choices: tuple[Choice, ...]) -> None:
        """Hear which scales the images of sample i were given."""
        self.jobs[i].decide(choices)

    def text(self, i: int, piece: str) -> None:
        """Hear new text of sample i."""
        self.jobs[i].text(piece)

    def cancelled(self, i: int) -> bool:
        """Return whether nobody waits for sample i any more."""
        return self.jobs[i].cancelled


def run_batch(vlm: Answerer, jobs: Sequence[Job]) -> None:
    """Answer all jobs; those that fail together run again each on its own.

    Every job that is not cancelled gets an answer or an error, and one cannot fail the others.
    """
    jobs = tuple(job for job in jobs if not job.cancelled)
    if not jobs:
        return
    try:
        answers = _answers(vlm, jobs)
    except Exception as problem:
        _again(vlm, jobs, len(jobs), problem)
        return
    for job, answer in zip(jobs, answers, strict=True):
        try:
            job.finish(answer)
        except Exception as problem:
            _again(vlm, [job], len(jobs), problem)


def _again(vlm: Answerer, jobs: Sequence[Job], together: int, problem: Exception) -> None:
    """Run jobs singly that failed among so many; a job that was alone has had its chance."""
    if together == 1:
        jobs[0].fail(told_error(problem))
        return
    logger.warning("%d of a batch of %d run again, singly: %r", len(jobs), together, problem)
    for job in jobs:
        run_batch(vlm, [job])


def _answers(vlm: Answerer, jobs: tuple[Job, ...]) -> list[AdaptiveAnswer]:
    for job in jobs:
        job.begin()
    asked = [job.question for job in jobs]
    answers = vlm.answer(
        [_images(each.images) for each in asked],
        [each.chat for each in asked],
        budget=[each.budgets for each in asked],
        generation=[each.generation for each in asked],
        listener=Ears(jobs),
    )
    if len(answers) != len(jobs):
        raise RuntimeError(f"got {len(answers)} answers to {len(jobs)} questions")
    return answers


def _images(images: tuple[Any, ...]) -> Any:
    """Return a sample's images as models take them: several as a list, one alone, or None."""
    return list(images) if len(images) > 1 else images[0] if images else None
