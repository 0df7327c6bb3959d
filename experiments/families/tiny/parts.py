"""Parts of the tiny random models that the tests of all families build."""

from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedTokenizerFast

WORDS = "user assistant system what is the sign say how many dogs are there red blue ? . yes no"
TEMPLATE = (
    "{% for message in messages %}{{ message.role }} {% for part in message.content %}"
    "{% if part.type == 'image' %}IMAGE{% else %} {{ part.text }} {% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %} assistant {% endif %}"
)
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
}


class Squares(NamedTuple):
    """Sizes of the squares that a vision encoder sees an image in.

    Attributes:
        side: pixels.
        patch: pixels of a patch's side.
        tokens: visual tokens of a square.
    """

    side: int
    patch: int
    tokens: int

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.side // self.patch

    @property
    def shuffle(self) -> int:
        """Patches along the side of what becomes one token."""
        return self.grid // isqrt(self.tokens)


TINY = Squares(side=32, patch=8, tokens=4)


def tokenizer(special: Sequence[str], image_mark: str, **named: Any) -> PreTrainedTokenizerFast:
    """Return a tokenizer of words and single characters.

    Args:
        special: tokens that no text is split into.
        image_mark: what its chat template writes for an image.
        named: names of special tokens, such as ``image_token``.
    """
    characters = [chr(code) for code in range(32, 127)] + ["\n"]
    words = dict.fromkeys(["<pad>", "<eos>", "<unk>", *WORDS.split(), *characters, *special])
    plain = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Split(Regex(r"[A-Za-z]+|\s|."), "isolated")
    plain.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain,
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="<unk>",
        additional_special_tokens=list(special),
        chat_template=TEMPLATE.replace("IMAGE", image_mark),
        **named,
    )


def text_sizes(tokens: PreTrainedTokenizerFast, **more: Any) -> dict[str, Any]:
    """Return the sizes of a tiny language model."""
    return {**TEXT, "vocab_size": len(tokens), **more}


def save(model: Any, processor: Any, folder: Path) -> Path:
    """Write a model with weights that make answers depend on the image."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                spread = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(spread * parameter.shape[-1] ** -0.5)
    model.generation_config = GenerationConfig(pad_token_id=0, eos_token_id=1)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
