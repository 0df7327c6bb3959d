"""From an original checkpoint to a folder that ``from_pretrained`` reads.

M3 becomes a stock LLaVA model with its ladder in the configuration; MQT becomes this package's
``mqt_llava`` model. Tokenizer, image processor and a chat template that writes the same prompt
come along. The vocabulary does not grow: the unknown token marks the image's place.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import LlavaProcessor

from budget.checkpoints import keep_stored_types
from budget.errors import ModelError
from budget.json_files import read_json
from budget.llava import LlavaRunner
from budget.matryoshka import load_matryoshka
from budget.models import ORIGINAL, find_model
from budget.mqt import MqtLlavaConfig
from budget.prompt import VICUNA_V1
from budget.quiet import quiet_transformers

# A shard is in memory a second time while it is written.
_SHARD = "1GB"


def vicuna_chat_template(image_token: str) -> str:
    """Return a chat template that writes the vicuna_v1 prompt.

    Args:
        image_token: what stands for the image.
    """
    system = VICUNA_V1.partition("USER:")[0]
    return (
        "{% if messages[0]['role'] != 'system' %}"
        "{{ '" + system.replace("'", "\\'") + "' }}"
        "{% endif %}{% for message in messages %}"
        "{{ {'system': '', 'user': 'USER: ', 'assistant': 'ASSISTANT: '}[message['role']] }}"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}{{ '" + image_token + "\\n' }}"
        "{% else %}{{ part['text'] }}{% endif %}"
        "{% endfor %}{% endif %}"
        "{{ eos_token if message['role'] == 'assistant' else ' ' }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
    )


def convert(src: str | Path, dst: str | Path, *, num_heads: int | None = None) -> Path:
    """Convert an original M3 or MQT checkpoint; every number keeps the type it was stored in.

    Args:
        src: folder or hub id of the original checkpoint.
        dst: folder to write; new or empty. It appears when it is complete.
        num_heads: heads of an MQT resampler that the checkpoint does not tell.

    Returns:
        The folder that was written.

    Raises:
        ModelError: if ``src`` is no original checkpoint or ``dst`` is not empty.
    """
    target = Path(dst)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ModelError(f"{target} must be a new or an empty folder")
    folder = find_model(src)
    kind = read_json(folder / "config.json").get("model_type")
    if kind != ORIGINAL:
        raise ModelError(f"{src} has model_type {kind!r}: nothing to convert, only {ORIGINAL!r} is")
    runner = load_matryoshka(src, "budget convert", num_heads=num_heads, dtype="auto")
    config, dtype = runner.model.config, runner.model.lm_head.weight.dtype
    mqt = isinstance(config, MqtLlavaConfig)
    key = "matryoshka_ladder" if mqt else "matryoshka_vis_token_scale"
    setattr(config, key, list(runner.ladder))
    keep_stored_types(runner.model, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as unfinished:
        written = Path(unfinished) / "model"
        with quiet_transformers():
            _save_processor(runner, written)
            runner.model.save_pretrained(written, max_shard_size=_SHARD)
        _name_type(written / "config.json", dtype)
        if target.exists():
            target.rmdir()
        written.rename(target)
    return target


def _name_type(path: Path, dtype: torch.dtype) -> None:
    """Say in what type the model runs: some of its weights may be stored in another."""
    config = read_json(path)
    config["dtype"] = str(dtype).removeprefix("torch.")
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _save_processor(runner: LlavaRunner, target: Path) -> None:
    """Write tokenizer, image processor and chat template as transformers reads them."""
    config, tokenizer = runner.model.config, runner.tokenizer
    mark = tokenizer.convert_ids_to_tokens(config.image_token_id)
    tokenizer.pad_token = tokenizer.eos_token  # the unknown token marks the image
    template = vicuna_chat_template(mark)
    tokenizer.chat_template = template
    processor = LlavaProcessor(
        runner.image_processor,
        tokenizer,
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        chat_template=template,
        image_token=mark,
        num_additional_image_tokens=1,
    )
    processor.save_pretrained(target)
    tokenizer.save_pretrained(target)
    runner.image_processor.save_pretrained(target)
