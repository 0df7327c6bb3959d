"""A random Idefics3 of some kilobytes with a processor, as ``transformers serve`` loads one.

Images are cut into tiles of 32 x 32 pixels, each four tokens; how many there are is what
``images_kwargs`` say.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    GenerationConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

TILE = 32  # pixels a side, in patches of 8 that are shuffled two by two: 4 tokens
TEMPLATE = (
    "{% for message in messages %}{{ message.role }} {% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% else %} {{ part.text }} {% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %} assistant {% endif %}"
)


def build(folder: Path) -> Path:
    """Write model and processor into a folder and return it."""
    tokenizer = _tokenizer()
    image_processor = Idefics3ImageProcessorPil(
        size={"longest_edge": 4 * TILE}, max_image_size={"longest_edge": TILE}
    )
    processor = Idefics3Processor(
        image_processor, tokenizer, image_seq_len=4, chat_template=TEMPLATE
    )
    torch.manual_seed(0)
    model = Idefics3ForConditionalGeneration(_config(tokenizer))
    model.generation_config = GenerationConfig(
        max_new_tokens=8, pad_token_id=0, eos_token_id=1, do_sample=False
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _tokenizer() -> PreTrainedTokenizerFast:
    words = ["<pad>", "<eos>", "<unk>", "user", "assistant", "what", "is", "red", "blue", "?"]
    tiles = [f"<row_{row}_col_{col}>" for row in range(1, 7) for col in range(1, 7)]
    special = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *tiles]
    plain = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate([*words, *special])}, unk_token="<unk>")
    )
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain,
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="<unk>",
        additional_special_tokens=special,
    )


def _config(tokenizer: PreTrainedTokenizerFast) -> Idefics3Config:
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
    return Idefics3Config(
        vision_config={**sizes, "num_hidden_layers": 1, "image_size": TILE, "patch_size": 8},
        text_config={
            "model_type": "llama",
            **sizes,
            "num_hidden_layers": 1,
            "num_key_value_heads": 2,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 1024,
            "pad_token_id": 0,
            "eos_token_id": 1,
            "bos_token_id": 1,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=0,
    )
