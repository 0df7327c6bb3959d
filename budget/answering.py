"""What all that answers batches of samples has in common, whichever way it chooses scales."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from budget.samples import SampleImages

AnswerKind = TypeVar("AnswerKind")


class AsyncAnswers(Generic[AnswerKind]):
    """Gives a class with a method ``answer`` an asynchronous form of it."""

    answer: Any

    async def answer_async(
        self, images: "Sequence[SampleImages]", questions: Sequence[Any], **options: Any
    ) -> list[AnswerKind]:
        """Answer without holding up the event loop; takes and gives what ``answer`` does.

        Batches run one after the other on a thread of their own. An awaiting task that is
        cancelled stops waiting; its batch runs to the end.
        """
        work = partial(self.answer, images, questions, **options)
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    @cached_property
    def _worker(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers")


def refuse_unpaired(images: Sequence[Any], questions: Sequence[Any]) -> None:
    """Refuse what is not one question per sample's images.

    Raises:
        ValueError: with both numbers.
    """
    if isinstance(questions, str) or len(images) != len(questions):
        got = "one string" if isinstance(questions, str) else f"{len(questions)} questions"
        raise ValueError(f"one question per image is needed, got {len(images)} images, {got}")
