"""Small models of the real classes: CLIP vision tower, projector or resampler, Llama."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from budget.prompt import IMAGE

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}USER: "
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>\n"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% elif message['role'] == 'system' %}{{ message['content'][0]['text'] }} "
    "{% else %} ASSISTANT: {{ message['content'][0]['text'] }}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)
PAD, START, STOP = "<pad>", "<s>", "</s>"


class Shape(NamedTuple):
    """Sizes of a small model.

    Attributes:
        image_size: pixels a side.
        patch_size: pixels a side.
        vision_width: width of the vision tower; its feed-forward part is four times as wide.
        vision_layers: blocks of the vision tower.
        text_width: width of the language model.
        text_layers: blocks of the language model.
        text_inner: width of its gated feed-forward part.
        vocabulary: tokens.
        scales: the M3 ladder.
    """

    image_size: int = 96
    patch_size: int = 8
    vision_width: int = 128
    vision_layers: int = 4
    text_width: int = 192
    text_layers: int = 5
    text_inner: int = 576
    vocabulary: int = 512
    scales: tuple[int, ...] = (1, 4, 9, 36, 144)

    @property
    def grid(self) -> int:
        """Patches a side."""
        return self.image_size // self.patch_size


def train_tokenizer(texts: Iterable[tuple[str, str]], vocabulary: int) -> Any:
    """Train a byte-level BPE tokenizer on questions and answers.

    Any text can be written with it, since single bytes are in the vocabulary.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, STOP, IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = (f"USER: \n{question} ASSISTANT: {answer}" for question, answer in texts)
    tokenizer.train_from_iterator(lines, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=START,
        eos_token=STOP,
        additional_special_tokens=[IMAGE],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def image_processor(size: int) -> Any:
    """Return a CLIP image processor for square pictures of ``size`` pixels."""
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(
        size={"shortest_edge": size}, crop_size={"height": size, "width": size}
    )


def llava_config_parts(shape: Shape, tokenizer: Any) -> dict[str, Any]:
    """Return the arguments that the M3 and the MQT configuration share."""
    from transformers import CLIPVisionConfig, LlamaConfig

    vision = CLIPVisionConfig(
        hidden_size=shape.vision_width,
        intermediate_size=4 * shape.vision_width,
        num_hidden_layers=shape.vision_layers,
        num_attention_heads=shape.vision_width // 32,
        image_size=shape.image_size,
        patch_size=shape.patch_size,
        projection_dim=shape.vision_width,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.text_width,
        intermediate_size=shape.text_inner,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=shape.text_width // 32,
        num_key_value_heads=shape.text_width // 32,
        max_position_embeddings=1024,
        # Slow rotations: what a patch shows is looked up by content over the whole grid.
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    return {
        "vision_config": vision,
        "text_config": text,
        "image_token_index": tokenizer.convert_tokens_to_ids(IMAGE),
        "vision_feature_layer": -1,
        "vision_feature_select_strategy": "default",
        "image_aspect_ratio": "pad",
    }


def build_m3(shape: Shape, tokenizer: Any, seed: int) -> Any:
    """Return an untrained stock LLaVA model whose configuration holds the ladder."""
    import torch
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    config = LlavaConfig(
        **llava_config_parts(shape, tokenizer), matryoshka_vis_token_scale=list(shape.scales)
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlavaForConditionalGeneration(config)


def save_model(model: Any, tokenizer: Any, size: int, folder: str) -> None:
    """Write a folder that ``budget.load_model`` and transformers read."""
    from budget.quiet import quiet_transformers

    with quiet_transformers():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        image_processor(size).save_pretrained(folder)


def merge_texts(texts: Sequence[Sequence[tuple[str, str]]]) -> list[tuple[str, str]]:
    """Return the texts of all pictures in a stable order, each once."""
    return sorted({text for picture in texts for text in picture})


def build_mqt(shape: Shape, tokenizer: Any, seed: int) -> Any:
    """Return an untrained MQT model with as many queries as the grid has patches."""
    import torch

    from budget.mqt import MqtLlavaConfig, MqtLlavaForConditionalGeneration
    from experiments.train.spread import spread_queries

    config = MqtLlavaConfig(
        **llava_config_parts(shape, tokenizer),
        num_queries=shape.grid**2,
        num_resampler_heads=shape.vision_width // 32,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = MqtLlavaForConditionalGeneration(config)
    generator = torch.Generator().manual_seed(seed)
    spread_queries(model.model.multi_modal_projector, generator)
    return model
