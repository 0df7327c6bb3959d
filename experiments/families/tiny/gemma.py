"""Tiny random models of the Gemma families."""

from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.gemma4.image_processing_pil_gemma4 import Gemma4ImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from budget.families.processors import image_only
from experiments.families.tiny.parts import TINY, Squares, save, text_sizes, tokenizer
from experiments.families.tiny.tiles import vision

NAMES_3 = {"boi_token": "<soi>", "eoi_token": "<eoi>", "image_token": "<image_soft>"}
NAMES_4 = {
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "image_token": "<|image|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
    "audio_token": "<|audio|>",
}
LAYERS = {
    "head_dim": 8,
    "sliding_window": 512,
    "layer_types": ["sliding_attention", "full_attention"],
}


_WHOLE = Squares(side=32, patch=8, tokens=16)


def gemma3(folder: Path, squares: Squares = TINY) -> Path:
    """Images of 32 pixels, 4 tokens each; crops from 64 pixels on, as 256 are to 896."""
    tokens = tokenizer(list(NAMES_3.values()), "<soi>", extra_special_tokens=NAMES_3)
    torch.manual_seed(0)
    config = hf.Gemma3Config(
        text_config=text_sizes(tokens, **LAYERS),
        vision_config={"model_type": "siglip_vision_model", **vision(squares)},
        mm_tokens_per_image=squares.tokens,
        boi_token_index=tokens.boi_token_id,
        eoi_token_index=tokens.eoi_token_id,
        image_token_index=tokens.image_token_id,
    )
    images = Gemma3ImageProcessorPil(
        size={"height": squares.side, "width": squares.side},
        do_pan_and_scan=None,
        pan_and_scan_min_crop_size=64 if squares == TINY else 256,
        pan_and_scan_min_ratio_to_activate=1.2,
        pan_and_scan_max_num_crops=4,
    )
    processor = hf.Gemma3Processor(
        images, tokens, chat_template=tokens.chat_template, image_seq_length=squares.tokens
    )
    return save(hf.Gemma3ForConditionalGeneration(config), processor, folder)


def gemma4(folder: Path, **text: Any) -> Path:
    """A token for 2 x 2 patches of 4 pixels, where checkpoints have 3 x 3 of 16."""
    tokens = tokenizer([*NAMES_4.values(), "<|video|>"], "<|image|>", extra_special_tokens=NAMES_4)
    torch.manual_seed(0)
    config = hf.Gemma4Config(
        text_config=text_sizes(
            tokens,
            **LAYERS,
            hidden_size_per_layer_input=4,
            vocab_size_per_layer_input=len(tokens),
            **{"use_bidirectional_attention": "vision", **text},
        ),
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "patch_size": 4,
            "pooling_kernel_size": 2,
        },
        audio_config=None,
        boi_token_id=tokens.boi_token_id,
        eoi_token_id=tokens.eoi_token_id,
        image_token_id=tokens.image_token_id,
        boa_token_id=tokens.boa_token_id,
        eoa_token_index=tokens.eoa_token_id,
        audio_token_id=tokens.audio_token_id,
        video_token_id=tokens.convert_tokens_to_ids("<|video|>"),
    )
    processor = image_only(hf.Gemma4Processor)(
        feature_extractor=hf.Gemma4AudioFeatureExtractor(),
        image_processor=Gemma4ImageProcessorPil(patch_size=4, pooling_kernel_size=2),
        tokenizer=tokens,
        video_processor=None,
        chat_template=tokens.chat_template,
    )
    return save(hf.Gemma4ForConditionalGeneration(config), processor, folder)


def paligemma(folder: Path, squares: Squares = _WHOLE) -> Path:
    """Images of 32 pixels, 16 tokens each, as 224 pixels are 256."""
    tokens = tokenizer(["<bos>", "<image>"], "<image>", bos_token="<bos>")
    tokens.chat_template = None
    torch.manual_seed(0)
    images = SiglipImageProcessorPil(size={"height": squares.side, "width": squares.side})
    images.image_seq_length = squares.tokens
    # It adds tokens of its own, so it comes before the model's sizes are known.
    processor = hf.PaliGemmaProcessor(images, tokens)
    config = hf.PaliGemmaConfig(
        text_config={
            "model_type": "gemma",
            **text_sizes(tokens, head_dim=8, bos_token_id=tokens.bos_token_id),
        },
        vision_config={
            "model_type": "siglip_vision_model",
            **vision(squares),
            "projection_dim": 32,
            "vision_use_head": False,
        },
        projection_dim=32,
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
    )
    return save(hf.PaliGemmaForConditionalGeneration(config), processor, folder)
