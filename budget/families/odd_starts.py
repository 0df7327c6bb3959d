"""Processors that their own code cannot make without a part for videos, and how they are made.

A body is what a class of an image-only processor has of its own, beside what it inherits.
transformers reads from the signature of ``__init__`` which settings of a folder it passes on.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from transformers.processing_utils import ProcessorMixin

_SMOLVLM_MARKS = {
    "fake_image_token": "<fake_token_around_image>",
    "image_token": "<image>",
    "end_of_utterance_token": "<end_of_utterance>",
    "global_image_token": "<global-img>",
    "video_token": "<video>",
}


def smolvlm(processor_class: type) -> dict[str, Any]:
    """Return the body of SmolVLM's processor, which asks for num2words to count frames with."""

    def start(
        self: Any,
        image_processor: Any,
        tokenizer: Any,
        image_seq_len: int = 169,
        chat_template: str | None = None,
        **kwargs: Any,
    ) -> None:
        for name, mark in _SMOLVLM_MARKS.items():
            setattr(self, name, getattr(tokenizer, name, mark))
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.image_seq_len = image_seq_len
        ProcessorMixin.__init__(
            self, image_processor, tokenizer, chat_template=chat_template, **kwargs
        )

    return {"__init__": start}


def minicpm(processor_class: type) -> dict[str, Any]:
    """Return the body of MiniCPM-V's processor, which asks its part for videos for settings."""

    def start(
        self: Any,
        image_processor: Any = None,
        tokenizer: Any = None,
        chat_template: str | None = None,
        **kwargs: Any,
    ) -> None:
        processor_class.__init__(  # type: ignore[misc]
            self,
            image_processor=image_processor,
            tokenizer=tokenizer,
            chat_template=chat_template,
            **kwargs,
        )

    videos = SimpleNamespace(slice_mode=False, downsample_mode="16x")
    return {"__init__": start, "video_processor": videos}


ODD: dict[str, Callable[[type], dict[str, Any]]] = {
    "SmolVLMProcessor": smolvlm,
    "MiniCPMV4_6Processor": minicpm,
    "MiniCPMV4_7Processor": minicpm,
}
