"""Tiny random models of the GLM-V families, with the least size of their real processors."""

from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil
from transformers.models.glm46v.image_processing_pil_glm46v import Glm46VImageProcessorPil

from budget.families.processors import image_only
from experiments.families.tiny.parts import save, text_sizes, tokenizer

SPECIAL = [
    "<|begin_of_image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|end_of_video|>",
    "<|image|>",
    "<|video|>",
]
MARK = "<|begin_of_image|><|image|><|end_of_image|>"
NAMES = (
    "image_start_token_id",
    "image_end_token_id",
    "video_start_token_id",
    "video_end_token_id",
    "image_token_id",
    "video_token_id",
)
# Two layers of pixels count: 112 * 112 are 8 tokens, and 1024 tokens are these.
SIZE = {"shortest_edge": 112 * 112, "longest_edge": 2 * 28 * 28 * 1024}
VISION = {
    "depth": 2,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_heads": 2,
    "out_hidden_size": 32,
    "image_size": 56,
}
ROPE = {
    "rope_type": "default",
    "rope_theta": 1e4,
    "mrope_section": [1, 1, 2],
    "partial_rotary_factor": 1.0,
}


def _tokens() -> Any:
    return tokenizer(SPECIAL, MARK)


def _ids(tokens: Any) -> dict[str, int]:
    return dict(zip(NAMES, tokens.convert_tokens_to_ids(SPECIAL), strict=True))


def _save(model: Any, tokens: Any, folder: Path) -> Path:
    images = Glm4vImageProcessorPil(size=SIZE)
    processor = image_only(hf.Glm4vProcessor)(images, tokens, chat_template=tokens.chat_template)
    return save(model, processor, folder)


def glm4v(folder: Path) -> Path:
    """Write a GLM-4.1V."""
    tokens = _tokens()
    torch.manual_seed(0)
    config = hf.Glm4vConfig(
        text_config=text_sizes(tokens, rope_parameters=ROPE), vision_config=VISION, **_ids(tokens)
    )
    return _save(hf.Glm4vForConditionalGeneration(config), tokens, folder)


def glm4v_moe(folder: Path) -> Path:
    """Write a GLM-4.5V."""
    tokens = _tokens()
    torch.manual_seed(0)
    config = hf.Glm4vMoeConfig(
        text_config=text_sizes(
            tokens,
            rope_parameters=ROPE,
            n_routed_experts=4,
            num_experts_per_tok=2,
            moe_intermediate_size=24,
        ),
        vision_config=VISION,
        **_ids(tokens),
    )
    return _save(hf.Glm4vMoeForConditionalGeneration(config), tokens, folder)


def glm46v(folder: Path) -> Path:
    """Write a GLM-4.6V."""
    tokens = _tokens()
    torch.manual_seed(0)
    config = hf.Glm46VConfig(
        text_config={"model_type": "glm4v_text", **text_sizes(tokens, rope_parameters=ROPE)},
        vision_config={"model_type": "glm4v_vision", **VISION},
        **_ids(tokens),
    )
    images = Glm46VImageProcessorPil(size=SIZE)
    processor = image_only(hf.Glm46VProcessor)(images, tokens, chat_template=tokens.chat_template)
    return save(hf.Glm46VForConditionalGeneration(config), processor, folder)


def glm_ocr(folder: Path) -> Path:
    """Write a GLM-OCR."""
    tokens = _tokens()
    torch.manual_seed(0)
    config = hf.GlmOcrConfig(
        text_config=text_sizes(tokens, rope_parameters=ROPE, head_dim=8),
        vision_config=VISION,
        **_ids(tokens),
    )
    images = Glm46VImageProcessorPil(size=SIZE)
    processor = image_only(hf.Glm46VProcessor)(images, tokens, chat_template=tokens.chat_template)
    return save(hf.GlmOcrForConditionalGeneration(config), processor, folder)
