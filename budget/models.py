"""Load a Matryoshka model, whichever layout its folder has.

model = load_model("mucai/llava-v1.5-7b-m3")
model.answer([image], ["What does the sign say?"], num_visual_tokens=36)
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, CLIPImageProcessorPil, LlavaForConditionalGeneration

from budget.checkpoints import load_checked, load_original
from budget.errors import ModelError, one_line
from budget.families.llava import is_clip_llava
from budget.families.loading import load_family
from budget.hub import fetch_model
from budget.json_files import read_json
from budget.ladder import ScaleLadder, family_ladder
from budget.m3 import M3Model
from budget.mqt import MqtLlavaConfig, MqtLlavaForConditionalGeneration
from budget.mqt_model import MqtModel
from budget.own_knob import LOSSY, note_of
from budget.placement import check_device, placement_of
from budget.prompt import IMAGE
from budget.quiet import quiet_transformers
from budget.remote.address import is_remote
from budget.shipped import SHIPPED, shipped_folder
from budget.towers import tower_processor
from budget.types import MatryoshkaVLM

ORIGINAL = "llava_llama"
LLAVA, MQT = "llava", "mqt_llava"
_CLASSES = {LLAVA: LlavaForConditionalGeneration, MQT: MqtLlavaForConditionalGeneration}
MATRYOSHKA_KINDS = (ORIGINAL, *_CLASSES)
_log = logging.getLogger("budget")


def load_model(
    path_or_id: str | Path,
    *,
    num_heads: int | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    ladder: Sequence[int] | ScaleLadder | None = None,
    device_map: str | dict[str, Any] | None = None,
    quantize: int | None = None,
    attention: str | None = None,
    compiled: bool = False,
    **remote: Any,
) -> MatryoshkaVLM:
    """Load a model of any family, recognised by its configuration, or reach one that is served.

    Args:
        path_or_id: a folder, a hub id, or the name of a shipped model ("m3" or "mqt"). A folder
            may hold an original checkpoint (model type ``llava_llama``), a stock LLaVA model
            (``llava``), or an MQT model of this package (``mqt_llava``). ``openai:URL#name`` is a
            model behind a server of OpenAI's chat completions, see ``budget.remote.loading``; of
            the other arguments it takes ``ladder``.
        num_heads: heads of an original MQT checkpoint's resampler (its config cannot say it).
        device: where the model runs; the CPU by default.
        dtype: type of the weights, ``"auto"`` for the checkpoint's own; float32 on a CPU and
            ``"auto"`` elsewhere by default.
        ladder: scales to run at, or caps of a model with a knob; the model's own by default.
        device_map: spread the model over devices, e.g. ``"auto"``, instead of ``device``; needs
            the package ``accelerate``.
        quantize: bits of the language model's matrices, 8 or 4; needs ``bitsandbytes``.
        attention: ``"sdpa"``, ``"eager"`` or ``"flash_attention_2"``; what transformers takes by
            default.
        compiled: run the language model through ``torch.compile``. The first answers then take
            minutes; large batches are a quarter faster on a CPU, single samples are not.
        remote: of a served model, the names of ``budget.remote.settings.RemoteSettings``.

    Returns:
        What answers at chosen scales. An M3 or MQT model is a ``budget.llava.LlavaRunner``, which
        can more; who needs that calls ``budget.matryoshka.load_matryoshka``.

    Raises:
        ModelError: if there is no such model, its layout is not known, weights do not fit, or a
            package is missing.
        ValueError: if a scale of ``ladder`` cannot be met exactly, settings contradict, or there
            is no such device.
    """
    if is_remote(path_or_id):
        from budget.remote.loading import load_remote

        return load_remote(str(path_or_id), ladder=ladder, **remote)
    if remote:
        raise ValueError(f"{', '.join(remote)} belong to a served model, not to {path_or_id}")
    if device is not None:
        check_device(device)
    placement = placement_of(device, device_map, quantize, attention)
    on_cpu = torch.device(device or "cpu").type == "cpu" and not (device_map or quantize)
    wanted = dtype or (torch.float32 if on_cpu else "auto")
    folder = find_model(path_or_id)
    raw = read_json(folder / "config.json")
    with quiet_transformers():
        kind = raw.get("model_type")
        if kind == ORIGINAL:
            model = load_original(folder, num_heads=num_heads, dtype=wanted, **placement)
        elif kind == MQT or (kind == LLAVA and is_clip_llava(folder, raw)):
            model = load_checked(_CLASSES[kind], folder, folder, dtype=wanted, **placement)
        else:
            return _told_if_lossy(
                load_family(
                    folder,
                    raw,
                    name=_name_of(path_or_id),
                    ladder=ladder,
                    device=device,
                    dtype=wanted,
                    placement=placement,
                )
            )
        tokenizer, processor = _load_processors(folder, raw)
    if compiled:
        model.model.language_model.compile(dynamic=True)
    runner = MqtModel if isinstance(model.config, MqtLlavaConfig) else M3Model
    loaded = runner(
        model if placement.get("device_map") else model.to(device or "cpu"),
        tokenizer,
        processor,
        ladder=_ladder_of(folder, model.config, ladder),
        name=_name_of(path_or_id),
        image_token=_image_token(folder),
    )
    return _told_if_lossy(loaded)


def find_model(path_or_id: str | Path) -> Path:
    """Return the folder of a model; a hub id is downloaded.

    Raises:
        ModelError: if there is no such model, or it is served elsewhere.
    """
    if is_remote(path_or_id):
        raise ModelError(
            f"{path_or_id} is served elsewhere: it has no folder here, and no policy in one; where "
            "one is needed, name it"
        )
    folder = shipped_folder(str(path_or_id)) if str(path_or_id) in SHIPPED else Path(path_or_id)
    if folder.is_dir():
        return folder
    name = str(path_or_id)
    rule = f"give a folder, a hub id (owner/name) or one of {', '.join(SHIPPED)}"
    if isinstance(path_or_id, Path) or name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelError(f"no such model: {name!r}; {rule}")
    return fetch_model(name, rule)


def model_files(path_or_id: str | Path) -> Path | None:
    """Return the folder whose files tell a model from others; None for a served one.

    Raises:
        ModelError: if there is no such model.
    """
    return None if is_remote(path_or_id) else find_model(path_or_id)


def _told_if_lossy(runner: MatryoshkaVLM) -> MatryoshkaVLM:
    """Log what a model loses whose fewer visual tokens nobody trained."""
    if note_of(runner) == LOSSY:
        _log.warning("%s is %s", runner.name, LOSSY)
    return runner


def _load_processors(folder: Path, raw: dict[str, Any]) -> tuple[Any, Any]:
    """Return tokenizer and image processor; original checkpoints keep the latter at the tower."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if raw.get("model_type") == ORIGINAL:
            return tokenizer, tower_processor(folder, raw)
        return tokenizer, CLIPImageProcessorPil.from_pretrained(folder)
    except Exception as error:  # a corrupt tokenizer raises as many kinds as there are formats
        raise ModelError(
            f"cannot load the tokenizer or processor of {folder}: {one_line(error)}"
        ) from error


def _image_token(folder: Path) -> str:
    path = folder / "processor_config.json"
    return str(read_json(path).get("image_token", IMAGE)) if path.is_file() else IMAGE


def _name_of(path_or_id: str | Path) -> str:
    name = str(path_or_id)
    return name if name in SHIPPED else Path(name).resolve().name


def _ladder_of(
    folder: Path, config: Any, ladder: Sequence[int] | ScaleLadder | None
) -> ScaleLadder:
    """Return the given ladder, the configuration's, or the family's usual one."""
    if ladder is not None:
        return ScaleLadder(tuple(ladder))
    queries = getattr(config, "num_queries", None)
    key = "matryoshka_vis_token_scale" if queries is None else "matryoshka_ladder"
    grid = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
    try:
        return family_ladder(getattr(config, key, None), grid, queries)
    except ValueError as error:
        raise ModelError(f"{folder / 'config.json'}: {key}: {error}") from error
