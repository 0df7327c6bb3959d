"""A model that is served elsewhere, with the interface of one that runs here.

model = load_model("openai:http://127.0.0.1:8000/v1#m3")
model.answer([image], ["What does the sign say?"], num_visual_tokens=36)
"""

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from budget.chat import Question
from budget.errors import ModelError
from budget.remote.asker import Asker, TimedAnswer
from budget.remote.failures import RequestFailed
from budget.remote.kept import Kept, Row, Sample
from budget.remote.lane import Lane, together
from budget.remote.prompts import Prompt, make_prompt
from budget.remote.settings import RemoteSettings
from budget.samples import SampleFeatures, SampleImages, SampleScales, images_of, scales_of
from budget.sampling import Generation, Listener, one_per_sample
from budget.types import Answer, Cost

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

NAN = float("nan")


class RemoteModel:
    """Answers through a server of OpenAI's chat completions.

    What it costs there is not known: FLOPs are NaN. Visual tokens are those that the server tells,
    or what an image adds to the prompt; they are counted for every answer, never assumed.

    Args:
        asker: of the server's model.
        lane: where it runs.
        settings: how it is asked.

    Attributes:
        name: of the model on its server.
        ladder: its scales, which are caps where the dialect is not ``budget``.
        tells_confidence: whether answers have a confidence; it is NaN in all of them if not.
        served: where it is and how it is asked, for a run's manifest.
    """

    def __init__(self, asker: Asker, lane: Lane, settings: RemoteSettings) -> None:
        self.name, self.ladder = asker.name, asker.ladder
        self.tells_confidence = asker.confident
        self._asker, self._lane, self._settings = asker, lane, settings
        self._busy = asyncio.Semaphore(settings.concurrency)
        self._kept = Kept()
        self._end = weakref.finalize(self, lane.close)

    @property
    def served(self) -> Mapping[str, Any]:
        """URL, dialect, knobs and whether confidence is told, JSON values."""
        return {
            "url": self._asker.endpoint.url,
            "dialect": self._settings.dialect,
            "knobs": self._settings.knobs and list(self._settings.knobs),
            "confidence": self.tells_confidence,
        }

    def answer(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        num_visual_tokens: int | Sequence[SampleScales],
        max_new_tokens: int = 16,
        features: Sequence[SampleFeatures] | None = None,
        batch_size: int = 32,
        generation: Generation | Sequence[Generation] | None = None,
        listener: Listener | None = None,
    ) -> list[Answer]:
        """Answer one question per sample, in input order.

        Args:
            images: see ``MatryoshkaVLM.answer``, like all others.
            questions: likewise.
            num_visual_tokens: scales of the ladder. The images of one prompt can have different
                ones with the dialects ``resize`` and ``detail``; with the others the largest holds
                for all.
            max_new_tokens: likewise.
            features: there are none of a served model.
            batch_size: has no effect: as many requests are under way as the settings allow.
            generation: likewise.
            listener: is told each text once, when it is complete.

        Raises:
            ModelError: if the server does not answer; names its URL, the status and its message.
            ValueError: if a number of visual tokens is no scale, or features are given.
        """
        if features is not None:
            self._refuse("features")
        listed = [images_of(each) for each in images]
        scales = scales_of(num_visual_tokens, [len(each) for each in listed])
        wanted = [[[self.ladder.rung_of(m) for m in own]] for own in scales]
        how = one_per_sample(
            generation or Generation(max_new_tokens=max_new_tokens), len(questions)
        )
        rows = self._lane.run(self._ask(listed, questions, how, wanted, listener))
        return [timed.answer for (timed,) in map(_checked, rows)]

    def timed_every_scale(
        self, images: Sequence[SampleImages], questions: Sequence[Question], *, max_new_tokens: int
    ) -> list[list[TimedAnswer]]:
        """Answer every question at every rung; rungs that send the same are asked once.

        If a request fails, the other answers are kept until the same samples are asked for again.

        Args:
            images: see ``answer``.
            questions: n questions.
            max_new_tokens: see ``answer``.

        Returns:
            Per sample one answer per rung, cheapest first, with its own seconds.

        Raises:
            ModelLost: if the server can be asked no more.
            ModelError: if it did not answer one of the requests.
        """
        listed = [images_of(each) for each in images]
        samples = [
            Sample(tuple(own), (question, max_new_tokens))
            for own, question in zip(listed, questions, strict=True)
        ]
        rows = [self._kept.take(sample) for sample in samples]
        new = [i for i, row in enumerate(rows) if row is None]
        work = self._ask(
            [listed[i] for i in new],
            [questions[i] for i in new],
            [Generation(max_new_tokens=max_new_tokens)] * len(new),
            [[[rung] * len(listed[i]) for rung in range(len(self.ladder))] for i in new],
        )
        came = dict(zip(new, self._lane.run(work), strict=True))
        whole = [came[i] if row is None else row for i, row in enumerate(rows)]
        self._kept.settle(samples, whole)
        return [_checked(row) for row in whole]

    def realised(self, image: "Image") -> list[int]:
        """Return the visual tokens that an image costs at every rung, as the server counts them.

        Raises:
            ModelError: if it does not answer.
        """
        every = [[[rung] for rung in range(len(self.ladder))]]
        work = self._ask([[image]], ["?"], [Generation(max_new_tokens=1)], every)
        (row,) = self._lane.run(work)
        return [timed.answer.num_visual_tokens for timed in _checked(row)]

    def count_text_tokens(self, question: Question) -> int:
        """Return the length of a question's prompt without images, as the server counts it.

        Raises:
            ModelError: if it does not answer.
        """
        return self._lane.run(self._asker.text_tokens(self._prompt([], question, Generation())))

    def cost(
        self, num_visual_tokens: int, text_tokens: int, new_tokens: int, *, grids: int = 1
    ) -> Cost:
        """Return a cost whose parts are NaN: nobody knows what the server computes."""
        return Cost(NAN, NAN, NAN, NAN, NAN)

    def answer_cost(self, answer: Answer) -> Cost:
        """Return a cost whose parts are NaN, as ``cost``."""
        return Cost(NAN, NAN, NAN, NAN, NAN)

    def full_flops(self, answer: Answer, images: SampleImages) -> float:
        """Return NaN, as ``cost``."""
        return NAN

    def encode(self, images: "Sequence[Image]") -> "list[torch.Tensor]":
        """Refuse: a server tells no features.

        Raises:
            ModelError: always.
        """
        self._refuse("image features")

    def embed_questions(self, questions: Sequence[Question]) -> "list[torch.Tensor]":
        """Refuse: a server tells no embeddings.

        Raises:
            ModelError: always.
        """
        self._refuse("embeddings")

    def prompt_logits(
        self, image: "Image", question: str, *, num_visual_tokens: int
    ) -> "torch.Tensor":
        """Refuse: a server tells no logits.

        Raises:
            ModelError: always.
        """
        self._refuse("logits")

    def close(self) -> None:
        """Close all connections; happens by itself with the last reference, or at exit."""
        self._end()

    async def _ask(
        self,
        images: "Sequence[list[Image]]",
        questions: Sequence[Question],
        how: Sequence[Generation],
        wanted: Sequence[Sequence[Sequence[int]]],
        listener: Listener | None = None,
    ) -> list[Row]:
        """Return what came of every sample at its rungs."""

        async def one(i: int) -> Row:
            async with self._busy:  # or the images of all samples would lie in memory as text
                prompt = await asyncio.to_thread(self._prompt, images[i], questions[i], how[i])
                row = await self._asker.answers(prompt, wanted[i])
            if listener is not None and isinstance(row[0], TimedAnswer) and row[0].answer.text:
                listener.text(i, row[0].answer.text)
            return row

        return await together(one(i) for i in range(len(questions)))

    def _prompt(self, images: "list[Image]", question: Question, how: Generation) -> Prompt:
        return make_prompt(images, question, how, self._settings.length_field)

    def _refuse(self, what: str) -> NoReturn:
        raise ModelError(f"{self.name!r} is served at {self._asker.endpoint.url}: no {what} here")


def _checked(row: Row) -> list[TimedAnswer]:
    """Return a row of answers.

    Raises:
        RequestFailed: the first that is none.
    """
    found = []
    for each in row:
        if isinstance(each, RequestFailed):
            raise each
        found.append(each)
    return found
