"""What M3 and MQT share: prompts around images, encoding once, batched answers.

A subclass says how features become exactly m visual tokens; everything else is the same.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from PIL.Image import Image

from budget.cost import LlavaShape, llava_cost
from budget.every_scale import EveryScale, can_share
from budget.every_scale_cost import every_scale_flops
from budget.generation import Generated, generate_greedily, pad_left
from budget.images import to_pixels
from budget.ladder import ScaleLadder
from budget.pictures import as_shown
from budget.pinpoints import parse_pinpoints
from budget.prompt import Prompt
from budget.samples import (
    Sample,
    SampleFeatures,
    SampleImages,
    SampleScales,
    check_features,
    features_of,
    images_of,
    scales_of,
)
from budget.session import Session
from budget.tiles import count_grids, cut_tiles
from budget.types import Answer, Cost

_ENCODE_BATCH = 32


class LlavaRunner:
    """A LLaVA-like transformers model that answers with a chosen number of visual tokens.

    A sample is a question with one image, several, or none. Numbers of visual tokens are per
    grid: a model that cuts images into tiles (LLaVA-NeXT) spends them on the whole image and on
    every tile.

    Args:
        model: a LLaVA model with its head.
        tokenizer: its tokenizer.
        image_processor: a CLIP image processor.
        ladder: the scales the model is run at.
        name: short name for reports.
        image_token: what the chat template writes for an image.

    Attributes:
        nested: whether an image's tokens for m are the first m of those for any larger number.
    """

    nested = False

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        image_processor: Any,
        *,
        ladder: ScaleLadder,
        name: str,
        image_token: str = "<image>",
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.ladder = ladder
        self.name = name
        self.prompt = Prompt(tokenizer, image_token)
        self.shape = LlavaShape.of(model.config)
        self.side = int(model.config.vision_config.image_size)
        self.aspect = getattr(model.config, "image_aspect_ratio", None)
        self.pinpoints = (
            parse_pinpoints(getattr(model.config, "image_grid_pinpoints", None), self.side)
            if self.aspect == "anyres"
            else ()
        )
        # Of a model in parts on several devices, some parameters may be elsewhere until needed.
        places = (parameter.device for parameter in model.parameters())
        self.device = next((place for place in places if place.type != "meta"), model.device)
        for scale in ladder:
            self.check_tokens(scale)

    def check_tokens(self, num_visual_tokens: int) -> None:
        """Refuse a number of visual tokens that cannot be met exactly."""
        raise NotImplementedError

    def reduce(self, features: torch.Tensor, num_visual_tokens: int) -> torch.Tensor:
        """Make exactly m visual tokens, shape [b, m, d], from features [b, n, d]."""
        raise NotImplementedError

    def count_grids(self, image: Image) -> int:
        """Return how many squares an image is seen in: 1, or with tiles more."""
        if not self.pinpoints:
            return 1
        return count_grids(as_shown(image).size, self.pinpoints, self.side)

    @torch.inference_mode()
    def encode(self, images: Sequence[Image]) -> list[torch.Tensor]:
        """Return, per image, the connector's tokens that every scale is made from.

        Returns:
            Shapes [n, d], or [grids, n, d] from a model that cuts images into tiles.
        """
        if not self.pinpoints:
            return list(self._encode_squares(images))
        cut = [cut_tiles(as_shown(image), self.pinpoints, self.side) for image in images]
        squares = list(self._encode_squares([tile for tiles in cut for tile in tiles]))
        ends = torch.tensor([len(tiles) for tiles in cut]).cumsum(0).tolist()
        return [
            torch.stack(squares[end - len(tiles) : end])
            for end, tiles in zip(ends, cut, strict=True)
        ]

    def _encode_squares(self, images: Sequence[Image]) -> Iterator[torch.Tensor]:
        for start in range(0, len(images), _ENCODE_BATCH):
            chunk = images[start : start + _ENCODE_BATCH]
            pixels = to_pixels(chunk, self.image_processor, pad=self.aspect == "pad")
            pixels = pixels.to(self.device, self.model.dtype)
            encoded = self.model.get_image_features(pixel_values=pixels, return_dict=True)
            yield from encoded.pooler_output

    @torch.inference_mode()
    def embed_questions(self, questions: Sequence[str]) -> list[torch.Tensor]:
        """Return, per question, the embeddings of its tokens from the model's own table.

        Returns:
            Shapes [t, d]; without the prompt around the question.
        """
        ids = [self.tokenizer(text, add_special_tokens=False).input_ids for text in questions]
        return list(self.embed_texts(ids))

    @torch.inference_mode()
    def answer(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[str],
        *,
        num_visual_tokens: int | Sequence[SampleScales],
        max_new_tokens: int = 16,
        features: Sequence[SampleFeatures] | None = None,
        batch_size: int = 32,
    ) -> list[Answer]:
        """Answer one question per sample, in input order; see ``MatryoshkaVLM.answer``.

        Args:
            images: per question one image, several, or None.
            questions: the questions.
            num_visual_tokens: visual tokens per grid: one number for all, or for each sample one
                number or one per image.
            max_new_tokens: tokens generated at most, the stop token included.
            features: what ``encode`` gave for these images; skips the vision encoder.
            batch_size: samples that run together; prompts of like length are put together.

        Raises:
            ValueError: if a number of visual tokens cannot be met exactly, if there is not one
                question, number and feature per sample, or if a prompt is too long.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        samples = self.samples(images, questions, num_visual_tokens, features)
        order = sorted(range(len(samples)), key=lambda i: samples[i].length)
        answers: dict[int, Answer] = {}
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            generated = generate_greedily(
                self.model.model.language_model,
                self.model.lm_head,
                self._embed_rows(rows, samples, images, features),
                max_new_tokens=max_new_tokens,
                stop_ids=self.stop_ids,
            )
            for i, result in zip(rows, generated, strict=True):
                answers[i] = self.answer_of(samples[i], result)
        return [answers[i] for i in range(len(samples))]

    def answer_of(self, sample: Sample, generated: Generated) -> Answer:
        """Return what was generated for a sample as its answer."""
        return Answer(
            self.prompt.decode(list(generated.token_ids)),
            generated.token_ids,
            sample.visual_tokens,
            sample.length,
            generated.confidence,
            sum(sample.grids),
            generated.margin,
            generated.entropy,
        )

    def session(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[str],
        *,
        features: Sequence[SampleFeatures] | None = None,
        keep: bool = True,
        batch_size: int = 32,
    ) -> Session:
        """Return questions to be answered again and again, with more visual tokens each time.

        Args and errors are those of :class:`budget.session.Session`.
        """
        return Session(self, images, questions, features=features, keep=keep, batch_size=batch_size)

    def answer_every_scale(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[str],
        *,
        max_new_tokens: int = 16,
        features: Sequence[SampleFeatures] | None = None,
        batch_size: int = 32,
    ) -> list[list[Answer]]:
        """Answer every question at every rung of the ladder; what rungs share is run once.

        Args and errors are those of ``answer``; memory is that of all rungs together.

        Returns:
            Per sample, one answer per rung, cheapest first: those that ``answer`` gives.
        """
        if can_share(self):
            shared = self.every_scale(images, questions, features=features, batch_size=batch_size)
            found = shared.answers(max_new_tokens=max_new_tokens)
            return [[answer for (answer,) in rungs] for rungs in found]
        if features is None:
            flat = iter(self.encode([image for each in images for image in images_of(each)]))
            features = [[next(flat) for _ in images_of(each)] for each in images]
        per_rung = [
            self.answer(
                images,
                questions,
                num_visual_tokens=m,
                max_new_tokens=max_new_tokens,
                features=features,
                batch_size=batch_size,
            )
            for m in self.ladder
        ]
        return [list(rungs) for rungs in zip(*per_rung, strict=True)]

    def every_scale(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[str],
        *,
        features: Sequence[SampleFeatures] | None = None,
        batch_size: int = 32,
    ) -> EveryScale:
        """Return questions at every rung of the ladder, to draw answers or to weigh given ones.

        Args are those of ``answer``.

        Raises:
            ValueError: as ``answer``, or if the model's attention cannot keep rungs apart.
        """
        if not can_share(self):
            raise ValueError(f"{self.name} needs attention sdpa or eager to read all rungs at once")
        return EveryScale(self, images, questions, features=features, batch_size=batch_size)

    @torch.inference_mode()
    def logits(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[str],
        *,
        num_visual_tokens: int | Sequence[SampleScales],
    ) -> list[torch.Tensor]:
        """Return the logits of every prompt position, run as one batch.

        Args and errors are those of ``answer``.

        Returns:
            Per sample, shape [positions, vocabulary].
        """
        samples = self.samples(images, questions, num_visual_tokens, None)
        padded = pad_left(self._embed_rows(range(len(samples)), samples, images, None))
        states = self.model.model.language_model(
            inputs_embeds=padded.embeds,
            attention_mask=padded.mask,
            position_ids=padded.positions,
            use_cache=False,
        ).last_hidden_state
        return [
            self.model.lm_head(row[len(row) - sample.length :])
            for row, sample in zip(states, samples, strict=True)
        ]

    def prompt_logits(
        self, image: SampleImages, question: str, *, num_visual_tokens: SampleScales
    ) -> torch.Tensor:
        """Return the logits of every position of one prompt, shape [positions, vocabulary]."""
        return self.logits([image], [question], num_visual_tokens=[num_visual_tokens])[0]

    def count_text_tokens(self, question: str, images: int = 1) -> int:
        """Return the length of a prompt with so many images, without the visual tokens."""
        return self.prompt.ids(question, images).text_tokens

    def cost(
        self, num_visual_tokens: int, text_tokens: int, new_tokens: int, *, grids: int = 1
    ) -> Cost:
        """Return the cost of one sample; see ``budget.cost.llava_cost``."""
        if grids:
            self.check_tokens(num_visual_tokens)
        return llava_cost(
            self.shape,
            num_visual_tokens=num_visual_tokens,
            text_tokens=text_tokens,
            new_tokens=new_tokens,
            bytes_per_value=self.model.dtype.itemsize,
            grids=grids,
        )

    def every_scale_flops(self, rungs: Sequence[Answer], sharing: int = 1) -> float:
        """Return the FLOPs that answers of ``answer_every_scale`` to one question took at least.

        Args:
            rungs: one answer per rung.
            sharing: questions with images that were read together.
        """
        distinct = {answer.num_visual_tokens: answer for answer in rungs}
        answers = list(distinct.values())
        text = answers[0].prompt_tokens - answers[0].num_visual_tokens
        before = len(self.prompt.ids("").before) if answers[0].grids else 0
        return every_scale_flops(
            self.shape,
            list(distinct),
            [len(answer.token_ids) for answer in answers],
            before=before,
            behind=text - before,
            nested=self.nested and answers[0].grids == 1,
            grids=answers[0].grids,
            sharing=sharing,
        )

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end an answer."""
        stop = self.model.generation_config.eos_token_id
        if stop is None:
            stop = self.tokenizer.eos_token_id
        return () if stop is None else (stop,) if isinstance(stop, int) else tuple(stop)

    def samples(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[str],
        num_visual_tokens: int | Sequence[SampleScales],
        features: Sequence[SampleFeatures] | None,
    ) -> list[Sample]:
        """Return what every sample asks for.

        Args and errors are those of ``answer``.
        """
        for what, given in (("images", images), ("features", features)):
            if given is not None and len(given) != len(questions):
                raise ValueError(f"got {len(given)} {what} for {len(questions)} questions")
        listed = [images_of(each) for each in images]
        grids = [[self.count_grids(image) for image in each] for each in listed]
        if features is not None:
            check_features(features, grids)
        scales = scales_of(num_visual_tokens, [len(each) for each in listed])
        for m in {m for row in scales for m in row}:
            self.check_tokens(m)
        prompts = [self.prompt.ids(q, len(each)) for q, each in zip(questions, listed, strict=True)]
        samples = [Sample(*parts) for parts in zip(prompts, scales, grids, strict=True)]
        for sample in samples:
            self.check_length(sample)
        return samples

    def check_length(self, sample: Sample) -> None:
        """Refuse a prompt of more tokens than the language model has positions for.

        Raises:
            ValueError: with both numbers.
        """
        limit = self.model.config.text_config.max_position_embeddings
        if sample.length > limit:
            raise ValueError(
                f"the prompt of {sample.length} tokens, {sample.visual_tokens} of them visual, is "
                f"too long: {self.name} reads {limit}"
            )

    def _embed_rows(
        self,
        rows: Sequence[int],
        samples: Sequence[Sample],
        images: Sequence[SampleImages],
        features: Sequence[SampleFeatures] | None,
    ) -> list[torch.Tensor]:
        """Return the embeddings of each prompt with its images in place, shapes [t_i, d]."""
        if features is None:
            flat = self.encode([image for i in rows for image in images_of(images[i])])
        else:
            flat = [each for i in rows for each in features_of(features[i])]
        tokens = iter(self.visual_tokens(flat, [m for i in rows for m in samples[i].scales]))
        pieces = self.embed_texts([part for i in rows for part in samples[i].prompt.parts])
        embedded = []
        for i in rows:
            row = [next(pieces)]
            for _ in samples[i].scales:
                row += [next(tokens).to(row[0]), next(pieces)]
            embedded.append(torch.cat(row))
        return embedded

    def embed_texts(self, texts: Sequence[Sequence[int]]) -> Iterator[torch.Tensor]:
        """Embed texts given as token ids in one call; shapes [t_i, d]."""
        ids = torch.tensor([i for text in texts for i in text], device=self.device)
        yield from self.model.get_input_embeddings()(ids).split([len(text) for text in texts])

    def visual_tokens(
        self, features: Sequence[torch.Tensor], wanted: Sequence[int]
    ) -> list[torch.Tensor]:
        """Reduce each image's features to its tokens [grids * m, d], one call per number."""
        squares = [each if each.dim() == 3 else each[None] for each in features]
        tokens: dict[int, torch.Tensor] = {}
        for m in set(wanted):
            rows = [i for i, number in enumerate(wanted) if number == m]
            stacked = torch.cat([squares[i] for i in rows]).to(self.device)
            reduced = self.reduce(stacked, m).split([len(squares[i]) for i in rows])
            tokens.update((i, each.flatten(0, 1)) for i, each in zip(rows, reduced, strict=True))
        return [tokens[i] for i in range(len(wanted))]
