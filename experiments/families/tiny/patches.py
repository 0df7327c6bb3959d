"""Tiny random models of Mistral3, Pixtral and the LFM-VL families."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    Lfm2VlConfig,
    Lfm2VlForConditionalGeneration,
    Lfm2VlProcessor,
    Lfm3VlConfig,
    Lfm3VlForConditionalGeneration,
    Lfm3VlProcessor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    PixtralProcessor,
)

from budget.families.processors import image_only
from experiments.families.tiny.parts import save, text_sizes, tokenizer

_PIXTRAL = ["[IMG]", "[IMG_BREAK]", "[IMG_END]"]
_LFM = ["<image>", "<|image_start|>", "<|image_end|>", "<|img_thumbnail|>"]
_LFM_TILES = [f"<|img_row_{row}_col_{col}|>" for row in range(1, 11) for col in range(1, 11)]
_LFM3 = ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
_TOWER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}


def mistral3(folder: Path, edge: int = 448) -> Path:
    """Save a Mistral3 whose images cost up to ``(edge / 28) ** 2`` tokens; real ones have 1540."""
    tokens = tokenizer(_PIXTRAL, "[IMG]")
    torch.manual_seed(0)
    config = Mistral3Config(
        text_config={"model_type": "mistral", "head_dim": 8, **text_sizes(tokens)},
        vision_config=_pixtral_tower(patch_size=14, image_size=edge),
        image_token_index=tokens.convert_tokens_to_ids("[IMG]"),
        tie_word_embeddings=False,
    )
    model = Mistral3ForConditionalGeneration(config)
    return save(model, _pixtral_processor(tokens, patch=14, merge=2, edge=edge), folder)


def pixtral(folder: Path, edge: int = 256) -> Path:
    """Save a LLaVA with Pixtral's vision tower, as the first Pixtral was published."""
    tokens = tokenizer(_PIXTRAL, "[IMG]")
    torch.manual_seed(0)
    config = LlavaConfig(
        text_config={"model_type": "mistral", "head_dim": 8, **text_sizes(tokens)},
        vision_config=_pixtral_tower(patch_size=16, image_size=edge),
        image_token_id=tokens.convert_tokens_to_ids("[IMG]"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=False,
    )
    model = LlavaForConditionalGeneration(config)
    return save(model, _pixtral_processor(tokens, patch=16, merge=1, edge=edge), folder)


def lfm2_vl(folder: Path, **named: Any) -> Path:
    """Save an LFM2-VL with tiles of 16 tokens, those of real ones being of 256.

    Args:
        folder: where it goes.
        named: settings of the image processor.
    """
    from transformers import Lfm2VlImageProcessor  # wants torchvision

    tokens = tokenizer([*_LFM, *_LFM_TILES], "<image>")
    torch.manual_seed(0)
    layers = ["conv", "full_attention", "conv"]
    config = Lfm2VlConfig(
        text_config={
            "model_type": "lfm2",
            **text_sizes(tokens, num_hidden_layers=3, bos_token_id=0),
            "layer_types": layers,
            "block_auto_adjust_ff_dim": False,
        },
        vision_config={
            "model_type": "siglip2_vision_model",
            **_TOWER,
            "num_attention_heads": 2,
            "num_patches": 64,
            "vision_use_head": False,
        },
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        projector_hidden_size=32,
        tie_word_embeddings=False,
    )
    sizes = {"tile_size": 128, "max_image_tokens": 16, "min_image_tokens": 4, **named}
    processor = Lfm2VlProcessor(
        Lfm2VlImageProcessor(**sizes), tokens, chat_template=tokens.chat_template
    )
    return save(Lfm2VlForConditionalGeneration(config), processor, folder)


def lfm3_vl(folder: Path) -> Path:
    """Save an LFM3-VL."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokens = tokenizer(_LFM3, "<|vision_start|><|image_pad|><|vision_end|>")
    torch.manual_seed(0)
    ids = tokens.convert_tokens_to_ids(_LFM3)
    config = Lfm3VlConfig(
        text_config={
            "model_type": "lfm3",
            **text_sizes(tokens, num_hidden_layers=3),
            "layer_types": ["conv", "full_attention", "conv"],
        },
        vision_config={
            **_TOWER,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "layer_types": ["conv", "full_attention", "conv"],
        },
        image_token_id=ids[0],
        video_token_id=ids[1],
        vision_start_token_id=ids[2],
        vision_end_token_id=ids[3],
        projector_hidden_size=32,
        tie_word_embeddings=False,
    )
    images = Qwen2VLImageProcessorPil(
        patch_size=16, size={"shortest_edge": 64 * 64, "longest_edge": 32 * 32 * 256}
    )
    processor = image_only(Lfm3VlProcessor)(images, tokens, chat_template=tokens.chat_template)
    return save(Lfm3VlForConditionalGeneration(config), processor, folder)


def _pixtral_tower(**named: int) -> dict[str, Any]:
    return {"model_type": "pixtral", **_TOWER, "num_attention_heads": 2, "head_dim": 8, **named}


def _pixtral_processor(tokens: Any, *, patch: int, merge: int, edge: int) -> Any:
    from transformers import PixtralImageProcessor  # wants torchvision

    images = PixtralImageProcessor(
        size={"longest_edge": edge}, patch_size={"height": patch, "width": patch}
    )
    return PixtralProcessor(
        images,
        tokens,
        patch_size=patch,
        spatial_merge_size=merge,
        chat_template=tokens.chat_template,
    )
