"""A transformers vision-language model that answers under caps of visual tokens per image."""

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import torch
from PIL import Image as Pictures
from PIL.Image import Image

from budget.chat import Question, text_of
from budget.families.batches import Batches
from budget.families.decoding import decode
from budget.families.encoding import features_of
from budget.families.family import Family, image_token_id
from budget.families.knob import Knob
from budget.families.prompts import PromptRow
from budget.families.run_costs import REFERENCE, RunCosts
from budget.families.seen import Seen
from budget.generation import NOTHING, Generated
from budget.ladder import ScaleLadder
from budget.listening import Reader, make_readers
from budget.pictures import as_shown
from budget.prompt import Prompt
from budget.samples import SampleImages, SampleScales, images_of, scales_of
from budget.sampling import Generation, Listener, one_per_sample
from budget.schedule import UNMEASURED, Times, groups_of
from budget.types import Answer, Cost

_WINDOW = 8  # batches


class KnobRunner:
    """A model whose processor has a knob; has the interface of ``budget.types.MatryoshkaVLM``.

    A scale is a cap: images cost at most so many visual tokens, mostly fewer, which is counted
    after the processor. An image's tokens at one scale share nothing with those at another, so
    each scale pays for its own run of the vision encoder.

    Args:
        model: a transformers model that generates.
        processor: its processor.
        family: which family it is of.
        name: short name for reports.
        ladder: caps that the model is run at; the family's by default.

    Attributes:
        knob: what sets the tokens.
        times: what batches take, as of ``budget.llava.LlavaRunner``.
        shares_features: whether all scales are made of what ``encode`` gives.

    Raises:
        ValueError: if a cap of ``ladder`` cannot be kept.
    """

    times: Times = UNMEASURED
    shares_features = False

    def __init__(
        self,
        model: Any,
        processor: Any,
        family: Family,
        *,
        name: str,
        ladder: ScaleLadder | None = None,
    ) -> None:
        self.model, self.processor, self.family, self.name = model.eval(), processor, family, name
        self.tokenizer = processor.tokenizer
        self.token_id = image_token_id(model.config)
        self.knob: Knob = family.knob(processor, model.config)
        self.ladder = ladder or ScaleLadder(self.knob.ladder)
        self.prompt = Prompt(self.tokenizer, processor.image_token)
        # Some families keep the state of a run on the model itself.
        self._one_at_a_time = Lock()
        self._batches = Batches(
            self.model,
            processor,
            self.knob,
            self.prompt,
            token_id=self.token_id,
            stop_ids=self.stop_ids,
            name=name,
        )
        self.device = self._batches.device
        self._costs = RunCosts(
            self.model,
            self._batches.pad_id,
            tuple(self.ladder),
            self.see_every_scale,
            self._batches.encode,
            self._one_at_a_time,
        )
        picture = Pictures.new("RGB", REFERENCE)
        self._reference = lru_cache(maxsize=1)(lambda scale: self.see(picture, scale))
        for scale in self.ladder:
            self.check_tokens(scale)

    def check_tokens(self, num_visual_tokens: int) -> None:
        """Refuse a cap that cannot be kept; see the knob's ``check``."""
        self.knob.check(num_visual_tokens)

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap."""
        return self.knob.see(image, scale)

    def see_every_scale(self, image: Image) -> list[Seen]:
        """Return an image at every rung; rungs that coincide share one object."""
        found: dict[bytes, Seen] = {}
        rungs = (self.see(image, scale) for scale in self.ladder)
        return [found.setdefault(seen.digest, seen) for seen in rungs]

    def realised(self, image: Image) -> list[int]:
        """Return the visual tokens that an image costs at every rung.

        They depend on its shape alone and are counted once for every shape.
        """
        costs = self._costs.of_size(as_shown(image).size)
        return [each.num_visual_tokens for each in costs]

    def tokens_at(self, image: Image, num_visual_tokens: int) -> int:
        """Return the visual tokens that an image costs under a cap, of the ladder or not."""
        if num_visual_tokens in tuple(self.ladder):
            return self.realised(image)[self.ladder.rung_of(num_visual_tokens)]
        return self.see(image, num_visual_tokens).num_visual_tokens

    def check_fits(
        self, images: Sequence[Image], question: Question, scales: Sequence[int]
    ) -> None:
        """Refuse a prompt that cannot be written or is longer than the model reads.

        Args:
            images: of one sample.
            question: about them.
            scales: a cap for each image.

        Raises:
            ValueError: with what is wrong.
        """
        for m in scales:
            self.check_tokens(m)
        # What is set around an image's tokens is fewer than they are, and they fewer than the cap.
        if self.count_text_tokens(question, len(images)) + 2 * sum(scales) > self._batches.longest:
            self._row(question, images, scales)

    def count_grids(self, image: Image) -> int:
        """Return 1: numbers of visual tokens are of whole images here."""
        return 1

    def encode(self, images: Sequence[Image]) -> list[torch.Tensor]:
        """Return, per image, its visual tokens at the largest scale, shapes [n, d]."""
        top = self.ladder[-1]
        return [features_of(self._batches.encode(self.see(image, top), top)) for image in images]

    @torch.inference_mode()
    def embed_questions(self, questions: Sequence[Question]) -> list[torch.Tensor]:
        """Return, per question, its tokens' embeddings from the model's table, shapes [t, d]."""
        table = self.model.get_input_embeddings()
        texts = [text_of(question) for question in questions]
        ids = [self.tokenizer(text, add_special_tokens=False).input_ids for text in texts]
        return [table(torch.tensor(each, device=self.device, dtype=torch.long)) for each in ids]

    @torch.inference_mode()
    def answer(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        num_visual_tokens: int | Sequence[SampleScales],
        max_new_tokens: int = 16,
        features: Any = None,
        batch_size: int = 32,
        generation: Generation | Sequence[Generation] | None = None,
        listener: Listener | None = None,
    ) -> list[Answer]:
        """Answer one question per sample, in input order; see ``MatryoshkaVLM.answer``.

        Raises:
            ValueError: as for other models, or if ``features`` are given.
        """
        listed = self._listed(images, questions, features)
        scales = scales_of(num_visual_tokens, [len(each) for each in listed])
        for m in {m for row in scales for m in row}:
            self.check_tokens(m)
        generations = one_per_sample(
            generation or Generation(max_new_tokens=max_new_tokens), len(questions)
        )
        readers = make_readers(self.prompt, generations, listener)
        found: list[Answer] = []
        # Pictures behind the processor are large: a few batches at a time are put in order.
        for start in range(0, len(questions), _WINDOW * batch_size):
            part = slice(start, start + _WINDOW * batch_size)
            rows = [
                self._row(*asked)
                for asked in zip(questions[part], listed[part], scales[part], strict=True)
            ]
            found += self._answer_rows(rows, generations[part], readers[part], batch_size)
        return found

    def answer_every_scale(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
        *,
        max_new_tokens: int = 16,
        features: Any = None,
        batch_size: int = 32,
    ) -> list[list[Answer]]:
        """Answer every question at every rung; rungs that coincide for its images are run once.

        Args and errors are those of ``answer``.

        Returns:
            Per sample, one answer per rung, cheapest first; coinciding rungs share one object.
        """
        listed = self._listed(images, questions, features)
        generation = Generation(max_new_tokens=max_new_tokens)
        found: list[dict[tuple[bytes, ...], Answer]] = [{} for _ in listed]
        every: list[list[Answer]] = [[] for _ in listed]
        for scale in self.ladder:
            rows = {
                i: self._row(question, each, [scale] * len(each))
                for i, (question, each) in enumerate(zip(questions, listed, strict=True))
            }
            keys = {i: tuple(seen.digest for seen in row.images) for i, row in rows.items()}
            new = [i for i, key in keys.items() if key not in found[i]]
            readers = make_readers(self.prompt, [generation] * len(new), None)
            answers = self._answer_rows(
                [rows[i] for i in new], [generation] * len(new), readers, batch_size
            )
            for i, answer in zip(new, answers, strict=True):
                found[i][keys[i]] = answer
            for own, known, key in zip(every, found, keys.values(), strict=True):
                own.append(known[key])
        return every

    @torch.inference_mode()
    def prompt_logits(
        self, image: SampleImages, question: Question, *, num_visual_tokens: SampleScales
    ) -> torch.Tensor:
        """Return the logits of every prompt position, shape [positions, vocabulary]."""
        (listed,) = self._listed([image], [question])
        (scales,) = scales_of([num_visual_tokens], [len(listed)])
        for m in scales:
            self.check_tokens(m)
        row = self._row(question, listed, scales)
        with self._one_at_a_time:
            logits: torch.Tensor = self.model(**self._batches.inputs([row])).logits[0]
        return logits

    def count_text_tokens(self, question: Question, images: int | None = None) -> int:
        """Return the length of a prompt without the visual tokens.

        What a processor sets around an image is counted as text, at the smallest scale.
        """
        count = images if images is not None else getattr(question, "num_images", 1)
        least = self.ladder[0]
        row = self._batches.written(question, [self._reference(least)] * count, [least] * count)
        return len(row.ids) - row.visual_tokens

    def cost(
        self, num_visual_tokens: int, text_tokens: int, new_tokens: int, *, grids: int = 1
    ) -> Cost:
        """Return the cost of one sample whose images spend all that a cap allows.

        The vision encoder is charged what it takes for a picture of 640 x 480. What an answer
        really took says ``answer_cost``.
        """
        pixels = self._reference(num_visual_tokens).num_pixels if grids else 0
        return self._costs.of(
            grids * num_visual_tokens + text_tokens,
            new_tokens,
            grids * self._costs.vision(pixels),
        )

    def answer_cost(self, answer: Answer) -> Cost:
        """Return what an answer took."""
        return self._costs.of_answer(answer)

    def full_flops(self, answer: Answer, images: SampleImages) -> float:
        """Return what an answer of the same length takes with every image at the largest scale."""
        return self._costs.full_flops(answer, [as_shown(each).size for each in images_of(images)])

    def every_scale_flops(self, rungs: Sequence[Answer], sharing: int = 1) -> float:
        """Return the FLOPs that answers of ``answer_every_scale`` to one question took."""
        distinct = {id(answer): answer for answer in rungs}.values()
        return sum(self.answer_cost(answer).flops for answer in distinct)

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end an answer."""
        stop = self.model.generation_config.eos_token_id
        if stop is None:
            stop = self.tokenizer.eos_token_id
        return () if stop is None else (stop,) if isinstance(stop, int) else tuple(stop)

    def _listed(
        self, images: Sequence[SampleImages], questions: Sequence[Question], features: Any = None
    ) -> list[list[Image]]:
        if features is not None:
            raise ValueError(f"the scales of {self.name} share no features; give images alone")
        if len(images) != len(questions):
            raise ValueError(f"got {len(images)} images for {len(questions)} questions")
        return [images_of(each) for each in images]

    def _row(self, question: Question, images: Sequence[Image], scales: Sequence[int]) -> PromptRow:
        seen = [self.see(image, m) for image, m in zip(images, scales, strict=True)]
        return self._batches.row(question, seen, scales)

    def _answer_rows(
        self,
        rows: Sequence[PromptRow],
        generations: Sequence[Generation],
        readers: Sequence[Reader],
        batch_size: int,
    ) -> list[Answer]:
        groups = groups_of(
            [len(row.ids) for row in rows],
            self.times,
            batch_size=batch_size,
            new_tokens=max((each.max_new_tokens for each in generations), default=1),
        )
        answers: dict[int, Answer] = {}
        for group in groups:
            found = dict.fromkeys(group, NOTHING)
            wanted = [i for i in group if not readers[i].cancelled()]
            if wanted:
                with self._one_at_a_time:
                    generated = decode(
                        self.model,
                        self._batches.inputs([rows[i] for i in wanted]),
                        [generations[i] for i in wanted],
                        [readers[i] for i in wanted],
                        stop_ids=self.stop_ids,
                        pad_id=self._batches.pad_id,
                    )
                found.update(zip(wanted, generated, strict=True))
            for i, result in found.items():
                answers[i] = self._answer_of(rows[i], result, readers[i].text(result.token_ids))
        return [answers[i] for i in range(len(rows))]

    def _answer_of(self, row: PromptRow, generated: Generated, text: str) -> Answer:
        return Answer(
            text,
            generated.token_ids,
            row.visual_tokens,
            len(row.ids),
            generated.confidence,
            len(row.images),
            generated.margin,
            generated.entropy,
            generated.finish_reason,
            sum(self._costs.vision(each.num_pixels) for each in row.images),
        )
