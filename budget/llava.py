"""What M3 and MQT share: batched answers with a chosen number of visual tokens.

A subclass says how features become exactly m visual tokens; everything else is the same.
"""

from collections.abc import Sequence

import torch

from budget.cost import llava_cost
from budget.every_scale import EveryScale, can_share
from budget.every_scale_cost import every_scale_flops
from budget.generation import generate_greedily, pad_left
from budget.llava_inputs import LlavaInputs
from budget.samples import SampleFeatures, SampleImages, SampleScales, images_of
from budget.types import Answer, Cost


class LlavaRunner(LlavaInputs):
    """A LLaVA-like transformers model that answers with a chosen number of visual tokens.

    Args and what a sample is are those of :class:`budget.llava_inputs.LlavaInputs`.

    Attributes:
        nested: whether an image's tokens for m are the first m of those for any larger number.
    """

    nested = False

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
                answers[i] = Answer(
                    self.prompt.decode(list(result.token_ids)),
                    result.token_ids,
                    samples[i].visual_tokens,
                    samples[i].length,
                    result.confidence,
                    sum(samples[i].grids),
                    result.margin,
                    result.entropy,
                )
        return [answers[i] for i in range(len(samples))]

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
