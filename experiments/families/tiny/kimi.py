"""A tiny random Kimi; its image processor needs torchvision."""

from pathlib import Path
from typing import Any

import torch
import transformers as hf

from budget.families.processors import image_only
from experiments.families.tiny.parts import save, text_sizes, tokenizer

FILM = "<|kimi_k25_video_placeholder|>"
SPECIAL = ["<|media_begin|>", "<|media_content|>", "<|media_end|>", "<|media_pad|>", FILM]
MARK = "<|media_begin|>image<|media_content|><|media_pad|><|media_end|>"
LATENT = {
    "model_type": "deepseek_v3",
    "num_key_value_heads": 4,
    "kv_lora_rank": 16,
    "q_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "num_mtp_layers": 0,
}


def kimi_k25(folder: Path) -> Path:
    """Write a Kimi K2.5."""
    tokens = tokenizer(SPECIAL, MARK)
    torch.manual_seed(0)
    start, _, end, image, film = tokens.convert_tokens_to_ids(SPECIAL)
    config = hf.Kimi_K25Config(
        text_config={**text_sizes(tokens), **LATENT},
        vision_config={
            "num_hidden_layers": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_attention_heads": 2,
            "pos_emb_height": 8,
            "pos_emb_width": 8,
        },
        projection_hidden_size=32,
        image_token_id=image,
        video_token_id=film,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=False,
    )
    images: Any = hf.Kimi_K25ImageProcessor(max_patches=4 * 1024)
    processor = image_only(hf.Kimi_K25Processor)(images, tokens, chat_template=tokens.chat_template)
    return save(hf.Kimi_K25ForConditionalGeneration(config), processor, folder)
