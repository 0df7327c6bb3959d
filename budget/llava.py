"""What M3 and MQT share: prompts around one image, encoding once, batched answers.

A subclass says how features become exactly m visual tokens; everything else is the same.
"""

from collections.abc import Sequence
from typing import Any

import torch
from PIL.Image import Image

from budget.cost import LlavaShape, llava_cost
from budget.generation import generate_greedily
from budget.images import to_pixels
from budget.ladder import ScaleLadder
from budget.prompt import Prompt, PromptIds
from budget.tokens import one_per_image
from budget.types import Answer, Cost

_ENCODE_BATCH = 32


class LlavaRunner:
    """A LLaVA-like transformers model that answers with a chosen number of visual tokens.

    Args:
        model: a LLaVA model with its head.
        tokenizer: its tokenizer.
        image_processor: a CLIP image processor.
        ladder: the scales the model is run at.
        name: short name for reports.
        image_token: what the chat template writes for the image.
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
        for scale in ladder:
            self.check_tokens(scale)

    def check_tokens(self, num_visual_tokens: int) -> None:
        """Refuse a number of visual tokens that cannot be met exactly."""
        raise NotImplementedError

    def reduce(self, features: torch.Tensor, num_visual_tokens: int) -> torch.Tensor:
        """Make exactly m visual tokens, shape [b, m, d], from features [b, n, d]."""
        raise NotImplementedError

    @torch.inference_mode()
    def encode(self, images: Sequence[Image]) -> list[torch.Tensor]:
        """Return, per image, the connector's tokens that every scale is made from, [n, d]."""
        pad = getattr(self.model.config, "image_aspect_ratio", None) == "pad"
        features: list[torch.Tensor] = []
        for start in range(0, len(images), _ENCODE_BATCH):
            chunk = images[start : start + _ENCODE_BATCH]
            pixels = to_pixels(chunk, self.image_processor, pad=pad)
            pixels = pixels.to(self.model.device, self.model.dtype)
            encoded = self.model.get_image_features(pixel_values=pixels, return_dict=True)
            features.extend(encoded.pooler_output)
        return features

    @torch.inference_mode()
    def answer(
        self,
        images: Sequence[Image],
        questions: Sequence[str],
        *,
        num_visual_tokens: int | Sequence[int],
        max_new_tokens: int = 16,
        features: Sequence[torch.Tensor] | None = None,
        batch_size: int = 32,
    ) -> list[Answer]:
        """Answer one question per image, in input order; see ``MatryoshkaVLM.answer``.

        Args:
            images: one image per question.
            questions: the questions.
            num_visual_tokens: visual tokens per image, one for all or one per image.
            max_new_tokens: tokens generated at most, the stop token included.
            features: what ``encode`` gave for these images; skips the vision encoder.
            batch_size: samples that run together; prompts of like length are put together.

        Raises:
            ValueError: if a number of visual tokens cannot be met exactly, or if there is not
                one image, question (and number, and feature) per sample.
        """
        wanted = self._check_samples(images, questions, num_visual_tokens, features)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        prompts = [self.prompt.ids(question) for question in questions]
        lengths = [len(p.before) + len(p.after) + m for p, m in zip(prompts, wanted, strict=True)]
        order = sorted(range(len(questions)), key=lengths.__getitem__)
        answers: dict[int, Answer] = {}
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            given = (
                [features[i] for i in rows]
                if features is not None
                else self.encode([images[i] for i in rows])
            )
            tokens = self._visual_tokens(given, [wanted[i] for i in rows])
            generated = generate_greedily(
                self.model.model.language_model,
                self.model.lm_head,
                self._embed([prompts[i] for i in rows], tokens),
                max_new_tokens=max_new_tokens,
                stop_ids=self.stop_ids,
            )
            for i, result in zip(rows, generated, strict=True):
                text = self.prompt.decode(list(result.token_ids))
                answers[i] = Answer(
                    text, result.token_ids, wanted[i], lengths[i], result.confidence
                )
        return [answers[i] for i in range(len(questions))]

    @torch.inference_mode()
    def prompt_logits(self, image: Image, question: str, *, num_visual_tokens: int) -> torch.Tensor:
        """Return the logits of every prompt position, shape [positions, vocabulary]."""
        self.check_tokens(num_visual_tokens)
        tokens = self._visual_tokens(self.encode([image]), [num_visual_tokens])
        embeds = self._embed([self.prompt.ids(question)], tokens)[0]
        states = self.model.model.language_model(inputs_embeds=embeds[None], use_cache=False)
        logits: torch.Tensor = self.model.lm_head(states.last_hidden_state[0])
        return logits

    def count_text_tokens(self, question: str) -> int:
        """Return the prompt's length without the visual tokens."""
        ids = self.prompt.ids(question)
        return len(ids.before) + len(ids.after)

    def cost(self, num_visual_tokens: int, text_tokens: int, new_tokens: int) -> Cost:
        """Return the cost of one sample; see ``budget.cost.llava_cost``."""
        self.check_tokens(num_visual_tokens)
        return llava_cost(
            self.shape,
            num_visual_tokens=num_visual_tokens,
            text_tokens=text_tokens,
            new_tokens=new_tokens,
            bytes_per_value=self.model.dtype.itemsize,
        )

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end an answer."""
        stop = self.model.generation_config.eos_token_id
        if stop is None:
            stop = self.tokenizer.eos_token_id
        return () if stop is None else (stop,) if isinstance(stop, int) else tuple(stop)

    def _check_samples(
        self,
        images: Sequence[Image],
        questions: Sequence[str],
        num_visual_tokens: int | Sequence[int],
        features: Sequence[torch.Tensor] | None,
    ) -> list[int]:
        """Return the number of visual tokens of every sample, all of them legal."""
        for what, given in (("images", images), ("features", features)):
            if given is not None and len(given) != len(questions):
                raise ValueError(f"got {len(given)} {what} for {len(questions)} questions")
        wanted = one_per_image(num_visual_tokens, len(questions))
        for m in set(wanted):
            self.check_tokens(m)
        return wanted

    def _visual_tokens(
        self, features: Sequence[torch.Tensor], wanted: Sequence[int]
    ) -> list[torch.Tensor]:
        """Reduce each image's features to its number of tokens, one call per number."""
        tokens: dict[int, torch.Tensor] = {}
        for m in set(wanted):
            rows = [i for i, number in enumerate(wanted) if number == m]
            stacked = torch.stack([features[i] for i in rows]).to(self.model.device)
            tokens.update(zip(rows, self.reduce(stacked, m), strict=True))
        return [tokens[i] for i in range(len(wanted))]

    def _embed(
        self, prompts: Sequence[PromptIds], tokens: Sequence[torch.Tensor]
    ) -> list[torch.Tensor]:
        """Return the embeddings of each prompt with its image in place, shapes [t_i, d]."""
        embed = self.model.get_input_embeddings()
        flat = [i for prompt in prompts for part in prompt for i in part]
        pieces = embed(torch.tensor(flat, device=self.model.device)).split(
            [len(part) for prompt in prompts for part in prompt]
        )
        return [
            torch.cat([pieces[2 * i], image.to(pieces[0].dtype), pieces[2 * i + 1]])
            for i, image in enumerate(tokens)
        ]
