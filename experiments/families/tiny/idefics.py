"""Tiny random models of Idefics3, SmolVLM and what is made of their parts."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMProcessor,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from budget.families.processors import image_only
from experiments.families.tiny.parts import save, text_sizes, tokenizer
from experiments.families.tiny.tiles import EACH, TILE, VISION

_SPECIAL = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>"]


def _tokens_of_tiles() -> Any:
    places = [f"<row_{row}_col_{col}>" for row in range(1, 7) for col in range(1, 7)]
    return tokenizer([*_SPECIAL, *places], "<image>")


def _parts(tokens: Any) -> dict[str, Any]:
    return {
        "text_config": {"model_type": "llama", **text_sizes(tokens)},
        "vision_config": VISION,
        "image_token_id": tokens.convert_tokens_to_ids("<image>"),
        "scale_factor": 2,
    }


_SIZES = {"size": {"longest_edge": 4 * TILE}, "max_image_size": {"longest_edge": TILE}}


def idefics3(folder: Path) -> Path:
    """Write an Idefics3."""
    tokens = _tokens_of_tiles()
    torch.manual_seed(0)
    model = Idefics3ForConditionalGeneration(Idefics3Config(**_parts(tokens)))
    processor = Idefics3Processor(
        Idefics3ImageProcessorPil(**_SIZES),
        tokens,
        image_seq_len=EACH,
        chat_template=tokens.chat_template,
    )
    return save(model, processor, folder)


def smolvlm(folder: Path) -> Path:
    """Write a SmolVLM."""
    tokens = _tokens_of_tiles()
    torch.manual_seed(0)
    model = SmolVLMForConditionalGeneration(SmolVLMConfig(**_parts(tokens)))
    processor = image_only(SmolVLMProcessor)(
        SmolVLMImageProcessorPil(**_SIZES),
        tokens,
        image_seq_len=EACH,
        chat_template=tokens.chat_template,
    )
    return save(model, processor, folder)
