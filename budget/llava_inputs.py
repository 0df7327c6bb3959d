"""From images and questions to embedded prompts, as M3 and MQT share it.

A subclass says how features become exactly m visual tokens; everything else is the same.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from PIL.Image import Image

from budget.chat import Question, text_of
from budget.cost import LlavaShape
from budget.images import to_pixels
from budget.ladder import ScaleLadder
from budget.own_knob import OwnKnob
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
from budget.tiles import count_grids, cut_tiles

_ENCODE_BATCH = 32


class LlavaInputs:
    """A LLaVA-like transformers model, up to the embedded prompts that its language model reads.

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
    """

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

    @property
    def knob(self) -> OwnKnob:
        """What sets the visual tokens."""
        raise NotImplementedError

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
        return list(self._encode_each(images))

    def _encode_each(self, images: Iterable[Image]) -> Iterator[torch.Tensor]:
        """Yield what ``encode`` returns; full vision batches run, no sooner than they are asked."""
        if not self.pinpoints:
            yield from self._encode_squares(images)
            return
        counts: deque[int] = deque()
        squares = self._encode_squares(self._cut(images, counts))
        for first in squares:
            yield torch.stack([first, *islice(squares, counts.popleft() - 1)])

    def _cut(self, images: Iterable[Image], counts: deque[int]) -> Iterator[Image]:
        """Yield the tiles of all images; how many an image has is noted before its first."""
        for image in images:
            tiles = cut_tiles(as_shown(image), self.pinpoints, self.side)
            counts.append(len(tiles))
            yield from tiles

    def _encode_squares(self, images: Iterable[Image]) -> Iterator[torch.Tensor]:
        rest = iter(images)
        while chunk := list(islice(rest, _ENCODE_BATCH)):
            squares = deque(self._encode_batch(chunk))
            # Nothing is held here of what was given away, while the language model runs on it.
            while squares:
                yield squares.popleft()

    def _encode_batch(self, squares: Sequence[Image]) -> Iterable[torch.Tensor]:
        pixels = to_pixels(squares, self.image_processor, pad=self.aspect == "pad")
        pixels = pixels.to(self.device, self.model.dtype)
        encoded = self.model.get_image_features(pixel_values=pixels, return_dict=True)
        features: Iterable[torch.Tensor] = encoded.pooler_output
        return features

    def encode_samples(self, images: Sequence[SampleImages]) -> list[list[torch.Tensor]]:
        """Return what ``encode`` gives for every image of every sample."""
        flat = iter(self.encode([image for each in images for image in images_of(each)]))
        return [[next(flat) for _ in images_of(each)] for each in images]

    @torch.inference_mode()
    def embed_questions(self, questions: Sequence[Question]) -> list[torch.Tensor]:
        """Return, per question, the embeddings of its tokens from the model's own table.

        Returns:
            Shapes [t, d]; without the prompt around the question, of a chat its last one alone.
        """
        ids = [
            self.tokenizer(text_of(each), add_special_tokens=False).input_ids for each in questions
        ]
        return list(self.embed_texts(ids))

    def samples(
        self,
        images: Sequence[SampleImages],
        questions: Sequence[Question],
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

    def check_fits(
        self, images: Sequence[Image], question: Question, scales: Sequence[int]
    ) -> None:
        """Refuse a prompt that cannot be written or is longer than the model reads.

        Args:
            images: of one sample.
            question: about them.
            scales: visual tokens of each grid, one number per image.

        Raises:
            ValueError: with what is wrong.
        """
        self.samples([list(images)], [question], [list(scales)], None)

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

    def seen_in_order(
        self,
        order: Iterable[int],
        images: Sequence[SampleImages],
        features: Sequence[SampleFeatures] | None,
    ) -> Iterator[torch.Tensor]:
        """Yield the features of every image of samples in an order, encoded in full batches.

        A batch is encoded when its first image is asked for, so that few are held at a time.

        Args:
            order: indices of samples.
            images: of every sample.
            features: of every sample; skips the vision encoder.
        """
        if features is not None:
            return (each for i in order for each in features_of(features[i]))
        return self._encode_each(image for i in order for image in images_of(images[i]))

    def _embed_rows(
        self,
        rows: Sequence[int],
        samples: Sequence[Sample],
        images: Sequence[SampleImages],
        features: Sequence[SampleFeatures] | Mapping[int, SampleFeatures] | None,
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
