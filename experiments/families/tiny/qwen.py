"""Tiny random models of the Qwen-VL families, with the bounds of their real processors."""

from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from budget.families.processors import image_only
from experiments.families.tiny.parts import save, text_sizes, tokenizer

SPECIAL = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
MARK = "<|vision_start|><|image_pad|><|vision_end|>"
# 4 and 64 tokens at least, as the checkpoints have; 1024 at most, where they have 16384.
QWEN2_SIZE = {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1024}
QWEN3_SIZE = {"shortest_edge": 256 * 256, "longest_edge": 32 * 32 * 1024}
EXPERTS = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "decoder_sparse_step": 1,
}


def _ids(tokens: Any) -> dict[str, int]:
    start, end, image, video = tokens.convert_tokens_to_ids(SPECIAL)
    return {
        "vision_start_token_id": start,
        "vision_end_token_id": end,
        "image_token_id": image,
        "video_token_id": video,
    }


def _rope(**more: Any) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2], **more}


def _qwen2_processor(kind: Any, tokens: Any) -> Any:
    images = Qwen2VLImageProcessorPil(size=QWEN2_SIZE)
    return image_only(kind)(images, tokens, chat_template=tokens.chat_template)


def _qwen3_processor(tokens: Any) -> Any:
    images = Qwen2VLImageProcessorPil(size=QWEN3_SIZE, patch_size=16, merge_size=2)
    return image_only(hf.Qwen3VLProcessor)(images, tokens, chat_template=tokens.chat_template)


def qwen2_vl(folder: Path) -> Path:
    """Write a Qwen2-VL."""
    tokens = tokenizer(SPECIAL, MARK)
    torch.manual_seed(0)
    config = hf.Qwen2VLConfig(
        text_config=text_sizes(tokens, rope_parameters=_rope()),
        vision_config={
            "depth": 2,
            "embed_dim": 16,
            "hidden_size": 32,
            "num_heads": 2,
            "mlp_ratio": 2,
        },
        **_ids(tokens),
    )
    processor = _qwen2_processor(hf.Qwen2VLProcessor, tokens)
    return save(hf.Qwen2VLForConditionalGeneration(config), processor, folder)


def qwen2_5_vl(folder: Path) -> Path:
    """Write a Qwen2.5-VL."""
    tokens = tokenizer(SPECIAL, MARK)
    torch.manual_seed(0)
    config = hf.Qwen2_5_VLConfig(
        text_config=text_sizes(tokens, rope_parameters=_rope()),
        vision_config={
            "depth": 2,
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],  # the other layer looks at windows
        },
        **_ids(tokens),
    )
    processor = _qwen2_processor(hf.Qwen2_5_VLProcessor, tokens)
    return save(hf.Qwen2_5_VLForConditionalGeneration(config), processor, folder)


def _deep_vision() -> dict[str, Any]:
    return {
        "depth": 3,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "out_hidden_size": 32,
        "num_position_embeddings": 36,
    }


def qwen3_vl(folder: Path) -> Path:
    """Write a Qwen3-VL."""
    tokens = tokenizer(SPECIAL, MARK)
    torch.manual_seed(0)
    config = hf.Qwen3VLConfig(
        text_config=text_sizes(tokens, head_dim=8, rope_parameters=_rope(mrope_interleaved=True)),
        vision_config={**_deep_vision(), "deepstack_visual_indexes": [0, 1]},
        **_ids(tokens),
    )
    return save(hf.Qwen3VLForConditionalGeneration(config), _qwen3_processor(tokens), folder)


def qwen3_vl_moe(folder: Path) -> Path:
    """Write a Qwen3-VL of experts."""
    tokens = tokenizer(SPECIAL, MARK)
    torch.manual_seed(0)
    config = hf.Qwen3VLMoeConfig(
        text_config=text_sizes(
            tokens, head_dim=8, rope_parameters=_rope(mrope_interleaved=True), **EXPERTS
        ),
        vision_config={**_deep_vision(), "deepstack_visual_indexes": [0, 1]},
        **_ids(tokens),
    )
    return save(hf.Qwen3VLMoeForConditionalGeneration(config), _qwen3_processor(tokens), folder)


def hybrid_text(tokens: Any, **more: Any) -> dict[str, Any]:
    """Return the sizes of a language model with a layer of linear attention."""
    return text_sizes(
        tokens,
        head_dim=8,
        layer_types=["linear_attention", "full_attention"],
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        rope_parameters=_rope(mrope_interleaved=True, partial_rotary_factor=1.0),
        **more,
    )


def qwen3_5(folder: Path) -> Path:
    """Write a Qwen3.5."""
    tokens = tokenizer(SPECIAL, MARK)
    torch.manual_seed(0)
    config = hf.Qwen3_5Config(
        text_config=hybrid_text(tokens), vision_config=_deep_vision(), **_ids(tokens)
    )
    return save(hf.Qwen3_5ForConditionalGeneration(config), _qwen3_processor(tokens), folder)


def qwen3_5_moe(folder: Path) -> Path:
    """Write a Qwen3.5 of experts."""
    tokens = tokenizer(SPECIAL, MARK)
    torch.manual_seed(0)
    config = hf.Qwen3_5MoeConfig(
        text_config=hybrid_text(tokens, **EXPERTS, shared_expert_intermediate_size=24),
        vision_config=_deep_vision(),
        **_ids(tokens),
    )
    return save(hf.Qwen3_5MoeForConditionalGeneration(config), _qwen3_processor(tokens), folder)
