"""A transformers vision-language model that answers under caps of visual tokens per image."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from threading import Lock
from typing import Any

import torch
from PIL import Image as Pictures
from PIL.Image import Image

from budget.chat import Question, text_of
from budget.families.decoding import decode
from budget.families.encoding import encode, features_of, merge
from budget.families.family import Family, image_token_id
from budget.families.knob import Knob
from budget.families.measured_cost import (
    LanguageCost,
    count_flops,
    fit_vision,
    language_cost,
    whole_cost,
)
from budget.families.prompts import PromptRow, make_row, pad_rows
from budget.families.seen import Seen
from budget.generation import NOTHING, Generated
from budget.ladder import ScaleLadder
from budget.listening import make_readers
from budget.pictures import as_shown
from budget.prompt import Prompt
from budget.samples import SampleImages, SampleScales, images_of, scales_of
from budget.sampling import Generation, Listener, one_per_sample
from budget.schedule import UNMEASURED, Times, groups_of
from budget.types import Answer, Cost

_REFERENCE = (640, 480)  # the picture whose costs stand for a scale where no picture is given


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

    Raises:
        ValueError: if a cap of ``ladder`` cannot be kept.
    """

    times: Times = UNMEASURED

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
        places = (parameter.device for parameter in model.parameters())
        self.device = next((place for place in places if place.type != "meta"), model.device)
        # Some families keep the state of a run on the model itself.
        self._one_at_a_time = Lock()
        self._tokens_of_size = lru_cache(maxsize=4096)(self._count_by_size)
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
        found: list[Seen] = []
        for scale in self.ladder:
            seen = self.see(image, scale)
            found.append(next((other for other in found if other.same(seen)), seen))
        return found

    def realised(self, image: Image) -> list[int]:
        """Return the visual tokens that an image costs at every rung.

        They depend on its shape alone and are counted once for every shape.
        """
        return [tokens for tokens, _ in self._tokens_of_size(as_shown(image).size)]

    def count_grids(self, image: Image) -> int:
        """Return 1: numbers of visual tokens are of whole images here."""
        return 1

    def encode(self, images: Sequence[Image]) -> list[torch.Tensor]:
        """Return, per image, its visual tokens at the largest scale, shapes [n, d]."""
        top = self.ladder[-1]
        return [features_of(self._encode(self.see(image, top), top)) for image in images]

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
        if features is not None:
            raise ValueError(f"the scales of {self.name} share no features; give images alone")
        listed = self._listed(images, questions)
        scales = scales_of(num_visual_tokens, [len(each) for each in listed])
        for m in {m for row in scales for m in row}:
            self.check_tokens(m)
        seen = [
            [self.see(image, m) for image, m in zip(each, own, strict=True)]
            for each, own in zip(listed, scales, strict=True)
        ]
        generation = generation or Generation(max_new_tokens=max_new_tokens)
        return self._answer_seen(seen, scales, questions, generation, batch_size, listener)

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
        if features is not None:
            raise ValueError(f"the scales of {self.name} share no features; give images alone")
        listed = self._listed(images, questions)
        ladders = [[self.see_every_scale(image) for image in each] for each in listed]
        found: list[dict[tuple[int, ...], Answer]] = [{} for _ in listed]
        keys = [
            [tuple(id(rungs[rung]) for rungs in each) for rung in range(len(self.ladder))]
            for each in ladders
        ]
        generation = Generation(max_new_tokens=max_new_tokens)
        for rung, scale in enumerate(self.ladder):
            rows = [i for i in range(len(listed)) if keys[i][rung] not in found[i]]
            answers = self._answer_seen(
                [[rungs[rung] for rungs in ladders[i]] for i in rows],
                [[scale] * len(listed[i]) for i in rows],
                [questions[i] for i in rows],
                generation,
                batch_size,
                None,
            )
            for i, answer in zip(rows, answers, strict=True):
                found[i][keys[i][rung]] = answer
        return [[own[key] for key in row] for own, row in zip(found, keys, strict=True)]

    @torch.inference_mode()
    def prompt_logits(
        self, image: SampleImages, question: Question, *, num_visual_tokens: SampleScales
    ) -> torch.Tensor:
        """Return the logits of every prompt position, shape [positions, vocabulary]."""
        (listed,) = self._listed([image], [question])
        (scales,) = scales_of([num_visual_tokens], [len(listed)])
        for m in scales:
            self.check_tokens(m)
        seen = [self.see(each, m) for each, m in zip(listed, scales, strict=True)]
        row = make_row(self.prompt, question, seen, self.token_id)
        with self._one_at_a_time:
            logits: torch.Tensor = self.model(**self._batch([row], [scales])).logits[0]
        return logits

    def count_text_tokens(self, question: Question, images: int | None = None) -> int:
        """Return the length of a prompt without the visual tokens.

        What a processor sets around an image is counted as text, at the smallest scale.
        """
        count = images if images is not None else getattr(question, "num_images", 1)
        picture = Pictures.new("RGB", _REFERENCE)
        seen = [self.see(picture, self.ladder[0])] * count
        row = make_row(self.prompt, question, seen, self.token_id)
        return len(row.ids) - row.visual_tokens

    def cost(
        self, num_visual_tokens: int, text_tokens: int, new_tokens: int, *, grids: int = 1
    ) -> Cost:
        """Return the cost of one sample whose images spend all that a cap allows.

        The vision encoder is charged what it takes for a picture of 640 x 480. What an answer
        really took says ``answer_cost``.
        """
        self.check_tokens(num_visual_tokens)
        return whole_cost(
            self._language,
            prompt=grids * num_visual_tokens + text_tokens,
            new_tokens=new_tokens,
            vision_flops=grids * self._vision_at(num_visual_tokens, _REFERENCE),
        )

    def answer_cost(self, answer: Answer) -> Cost:
        """Return what an answer took."""
        return whole_cost(
            self._language,
            prompt=answer.prompt_tokens,
            new_tokens=max(len(answer.token_ids), 1),
            vision_flops=answer.vision_flops,
        )

    def full_flops(self, answer: Answer, images: SampleImages) -> float:
        """Return what an answer of the same length takes with every image at the largest scale."""
        sizes = [as_shown(image).size for image in images_of(images)]
        top = [self._tokens_of_size(size)[-1] for size in sizes]
        return whole_cost(
            self._language,
            prompt=answer.prompt_tokens - answer.num_visual_tokens + sum(n for n, _ in top),
            new_tokens=max(len(answer.token_ids), 1),
            vision_flops=sum(self._vision(pixels) for _, pixels in top),
        ).flops

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
        self, images: Sequence[SampleImages], questions: Sequence[Question]
    ) -> list[list[Image]]:
        if len(images) != len(questions):
            raise ValueError(f"got {len(images)} images for {len(questions)} questions")
        return [images_of(each) for each in images]

    def _answer_seen(
        self,
        seen: Sequence[Sequence[Seen]],
        scales: Sequence[Sequence[int]],
        questions: Sequence[Question],
        generation: Generation | Sequence[Generation],
        batch_size: int,
        listener: Listener | None,
    ) -> list[Answer]:
        rows = [
            make_row(self.prompt, question, own, self.token_id)
            for question, own in zip(questions, seen, strict=True)
        ]
        for row in rows:
            self._check_length(row)
        generations = one_per_sample(generation, len(rows))
        readers = make_readers(self.prompt, generations, listener)
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
                        self._batch([rows[i] for i in wanted], [scales[i] for i in wanted]),
                        [generations[i] for i in wanted],
                        [readers[i] for i in wanted],
                        stop_ids=self.stop_ids,
                        pad_id=self._pad_id,
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
            sum(self._vision(each.num_pixels) for each in row.images),
        )

    def _batch(self, rows: Sequence[PromptRow], scales: Sequence[Sequence[int]]) -> dict[str, Any]:
        """Return prompts as ``forward`` takes them, with their images encoded."""
        batch: dict[str, Any] = dict(pad_rows(rows, self.processor, self._pad_id, self.device))
        seen = [each for row in rows for each in row.images]
        if seen:
            flat = [m for own in scales for m in own]
            outputs = [self._encode(*pair) for pair in zip(seen, flat, strict=True)]
            batch["mm_encoder_outputs"] = {"image": merge(outputs)}
            batch |= _beside(seen, self.device)
        return batch

    def _encode(self, seen: Seen, scale: int) -> Any:
        encoder = self.knob.encoder(self.model, scale)
        return encode(encoder, seen, device=self.device, dtype=self.model.dtype)

    def _check_length(self, row: PromptRow) -> None:
        limit = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        if limit is not None and len(row.ids) > limit:
            raise ValueError(
                f"the prompt of {len(row.ids)} tokens, {row.visual_tokens} of them visual, is too "
                f"long: {self.name} reads {limit}"
            )

    @property
    def _pad_id(self) -> int:
        pad = self.tokenizer.pad_token_id
        return int(pad if pad is not None else (self.stop_ids or (0,))[0])

    @cached_property
    def _language(self) -> LanguageCost:
        with self._one_at_a_time:
            return language_cost(self.model, self._pad_id)

    @cached_property
    def _vision(self) -> Callable[[int], float]:
        """FLOPs of an image by its numbers, measured at the first, a middle and the last rung."""
        picture = Pictures.new("RGB", _REFERENCE)
        k = len(self.ladder)
        scales = [self.ladder[rung] for rung in sorted({0, k // 2, k - 1})]
        seen = [self.see(picture, scale) for scale in scales]
        flops = [
            count_flops(partial(self._encode, *pair)) for pair in zip(seen, scales, strict=True)
        ]
        return fit_vision([each.num_pixels for each in seen], flops)

    def _vision_at(self, scale: int, size: tuple[int, int]) -> float:
        return self._vision(self.see(Pictures.new("RGB", size), scale).num_pixels)

    def _count_by_size(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """Return tokens and numbers for the encoder, per rung, of any picture of a size."""
        seen = self.see_every_scale(Pictures.new("RGB", size))
        return [(each.num_visual_tokens, each.num_pixels) for each in seen]


def _beside(seen: Sequence[Seen], device: torch.device) -> dict[str, torch.Tensor]:
    """Return what positions are made from, beside the features: the grids of all images."""
    grids = [each.tensors["image_grid_thw"] for each in seen if "image_grid_thw" in each.tensors]
    return {"image_grid_thw": torch.cat(grids).to(device)} if grids else {}
