"""A converted checkpoint is the same model, for this package and for plain transformers."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from budget.convert import convert
from budget.errors import ModelError
from budget.images import to_pixels
from budget.models import load_model
from budget.quiet import quiet_transformers
from budget.tiles import cut_tiles


@pytest.fixture
def converted(original, tmp_path):
    return convert(original.folder, tmp_path / "converted", num_heads=original.num_heads)


def test_a_converted_folder_gives_the_same_prompts_logits_and_ids(original, converted):
    model = load_model(converted)
    assert model.ladder == original.model.ladder
    for image, question in zip(original.images, original.questions, strict=True):
        assert model.prompt.ids(question) == original.model.prompt.ids(question)
        m = model.ladder[1]
        logits = [
            each.prompt_logits(image, question, num_visual_tokens=m)
            for each in (model, original.model)
        ]
        assert torch.equal(*logits)


def test_plain_transformers_reads_it_and_writes_the_same_prompt(original, converted):
    with quiet_transformers():
        processor = AutoProcessor.from_pretrained(converted, backend="pil")
        model = AutoModelForImageTextToText.from_pretrained(converted)
    content = [{"type": "image"}, {"type": "text", "text": original.questions[0]}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    assert text.replace("<unk>", "<image>") == original.expected["prompts"][0]
    inputs = processor(images=original.images[0], text=text, return_tensors="pt")
    side = model.config.vision_config.image_size // model.config.vision_config.patch_size
    assert (inputs["input_ids"] == model.config.image_token_id).sum() == side**2


STOCK = """
import sys, numpy as np, torch
from transformers import AutoModelForImageTextToText
model = AutoModelForImageTextToText.from_pretrained(sys.argv[1])
given = np.load(sys.argv[2])
with torch.inference_mode():
    out = model(**{name: torch.from_numpy(given[name]) for name in given.files})
np.save(sys.argv[3], out.logits[0].numpy())
assert "budget" not in sys.modules
"""


@pytest.mark.parametrize("name", ["m3", "m3_next"])
def test_m3_runs_at_full_scale_where_this_package_is_not(name, request, tmp_path):
    """The squares of an image are given to a stock LLaVA as so many images."""
    original = request.getfixturevalue(name)
    folder = convert(original.folder, tmp_path / "converted")
    image, question = original.images[0], original.questions[0]
    model = original.model
    squares = cut_tiles(image, model.pinpoints, 336) if model.pinpoints else [image]
    before, after = model.prompt.ids(question).parts
    ids = [*before, *[model.model.config.image_token_id] * 576 * len(squares), *after]
    pixels = to_pixels(squares, model.image_processor, pad=not model.pinpoints)
    np.savez(tmp_path / "given.npz", input_ids=[ids], pixel_values=pixels.numpy())
    paths = [str(path) for path in (folder, tmp_path / "given.npz", tmp_path / "logits.npy")]
    subprocess.run([sys.executable, "-c", STOCK, *paths], check=True, timeout=120)
    recorded = original.arrays["logits_sample0_m576"]
    computed = np.load(tmp_path / "logits.npy")[-len(recorded) :]
    np.testing.assert_allclose(computed, recorded, atol=1e-4)


def test_numbers_keep_their_type(m3, tmp_path):
    half = shutil.copytree(m3.folder, tmp_path / "half")
    weights = {k: v.half() for k, v in load_file(half / "model.safetensors").items()}
    save_file(weights, half / "model.safetensors")
    written = load_file(convert(half, tmp_path / "converted") / "model.safetensors")
    assert {value.dtype for value in written.values()} == {torch.float16}
    kept = {tuple(value.flatten()[:9].tolist()) for value in written.values()}
    given = {tuple(value.flatten()[:9].tolist()) for value in weights.values()}
    assert kept == given


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_mixed_types_lose_no_bit(name, request, tmp_path):
    """A language model in halves, the rest in float32: as MQT lies beside CLIP."""
    original = request.getfixturevalue(name)
    mixed = shutil.copytree(original.folder, tmp_path / "mixed")
    path = mixed / "model.safetensors"
    weights = load_file(path) if path.exists() else torch.load(mixed / "pytorch_model.bin")
    halved = {
        name: value if "projector" in name or "vision" in name else value.half()
        for name, value in weights.items()
    }
    (save_file if path.exists() else torch.save)(
        halved, path if path.exists() else mixed / "pytorch_model.bin"
    )
    folder = convert(mixed, tmp_path / "converted", num_heads=original.num_heads)
    kinds = {value.dtype for value in load_file(folder / "model.safetensors").values()}
    assert kinds == {torch.float16, torch.float32}
    exact = load_model(mixed, num_heads=original.num_heads).model.state_dict()
    for weight, value in load_model(folder).model.state_dict().items():
        assert torch.equal(value, exact[weight]), weight
    assert load_model(folder, dtype="auto").model.lm_head.weight.dtype == torch.float16


def test_a_folder_appears_when_it_is_complete(m3, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(m3.model.model), "save_pretrained", full)
    with pytest.raises(OSError, match="No space left"):
        convert(m3.folder, tmp_path / "converted")
    assert list(tmp_path.iterdir()) == []


def test_only_original_checkpoints_into_empty_folders(original, converted, tmp_path):
    with pytest.raises(ModelError, match="must be a new or an empty folder"):
        convert(original.folder, converted, num_heads=original.num_heads)
    with pytest.raises(ModelError, match="nothing to convert"):
        convert(converted, tmp_path / "again")
