"""What a Matryoshka model takes and gives: answers, costs and the Protocol at the seam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from budget.chat import Question
    from budget.ladder import ScaleLadder
    from budget.samples import SampleFeatures, SampleImages, SampleScales
    from budget.sampling import Generation, Listener


@dataclass(frozen=True, slots=True)
class Answer:
    """One generated answer.

    Attributes:
        text: decoded answer, without special tokens, stripped, cut before a stop text.
        token_ids: generated ids, with the stop token at the end if one came; all of a stop text's.
        num_visual_tokens: visual tokens in the prompt, over all images and their tiles.
        prompt_tokens: length of the whole prompt, visual tokens included.
        confidence: mean log-probability (natural log, at most 0) of ``token_ids``; NaN without any.
        grids: squares that passed the vision encoder: images, times tiles if the model cuts.
        margin: probability of the first token less that of the next best, in [0, 1].
        entropy: of the first token's distribution, in nats.
        finish_reason: "stop" (a stop token or text came), "length" (the limit came first) or
            "cancelled" (the listener did not want more; its text is what there was).
        vision_flops: what the images took in the vision encoder and the connector, of models where
            that depends on their shape; NaN elsewhere.
    """

    text: str
    token_ids: tuple[int, ...]
    num_visual_tokens: int
    prompt_tokens: int
    confidence: float
    grids: int = 1
    margin: float = math.nan
    entropy: float = math.nan
    finish_reason: str = "stop"
    vision_flops: float = math.nan


@dataclass(frozen=True, slots=True)
class Cost:
    """What one sample costs; a multiply-add counts as two FLOPs.

    Attributes:
        vision_flops: vision encoder.
        connector_flops: projector (at the full grid) or resampler.
        prefill_flops: language model over the whole prompt.
        decode_flops: language model over the new tokens.
        kv_bytes: key-value cache at the end of the answer.
        activation_bytes: activations alive at once while the prompt is read, without the cache;
            NaN if unknown. What is counted stands at ``budget.memory.peak_activations``.
    """

    vision_flops: float
    connector_flops: float
    prefill_flops: float
    decode_flops: float
    kv_bytes: float
    activation_bytes: float = math.nan

    @property
    def flops(self) -> float:
        """Sum of the four parts."""
        return self.vision_flops + self.connector_flops + self.prefill_flops + self.decode_flops


class MatryoshkaVLM(Protocol):
    """What the rest of the system needs of a model; nothing inherits from this.

    A scale is a number of visual tokens that M3 and MQT models meet exactly in each grid. Of other
    models it is a cap per image; what an image really costs is counted.

    Attributes:
        name: short name for reports, e.g. the folder's name.
        ladder: the scales the model is run at.
    """

    name: str
    ladder: ScaleLadder

    def encode(self, images: Sequence[Image]) -> list[torch.Tensor]:
        """Return, per image, the features that every scale is made from."""
        ...

    def embed_questions(self, questions: Sequence[Question]) -> list[torch.Tensor]:
        """Return, per question, its tokens' embeddings from the model's table, shape [t, d]."""
        ...

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
        """Answer one question per image, in input order.

        Args:
            images: per question one image, several, or None for a question alone.
            questions: the questions, each a text or a chat.
            num_visual_tokens: visual tokens of each grid: one number for all, or per question one
                number or one per image.
            max_new_tokens: tokens generated at most.
            features: what ``encode`` gave for these images; skips the vision encoder.
            batch_size: samples that run together.
            generation: how answers are generated, one for all or one per question, in place of
                ``max_new_tokens``.
            listener: told of text as it comes.

        Raises:
            ValueError: if a number of visual tokens cannot be met exactly.
        """
        ...

    def prompt_logits(self, image: Image, question: str, *, num_visual_tokens: int) -> torch.Tensor:
        """Return the logits of every prompt position, shape [positions, vocabulary]."""
        ...

    def count_text_tokens(self, question: str) -> int:
        """Return the prompt's length without the visual tokens."""
        ...

    def cost(
        self, num_visual_tokens: int, text_tokens: int, new_tokens: int, *, grids: int = 1
    ) -> Cost:
        """Return the cost of one sample, computed from the configuration alone.

        Args:
            num_visual_tokens: visual tokens of each grid.
            text_tokens: prompt tokens without the visual ones.
            new_tokens: generated tokens, the stop token included.
            grids: squares that pass the vision encoder, each with its visual tokens.
        """
        ...

    def answer_cost(self, answer: Answer) -> Cost:
        """Return what an answer took, whatever scales its images had; NaN where unknown."""
        ...

    def full_flops(self, answer: Answer, images: SampleImages) -> float:
        """Return what an answer of the same length takes with its images at the largest scale."""
        ...

    def realised(self, image: Image) -> list[int]:
        """Return the visual tokens that an image costs at every rung of the ladder."""
        ...
