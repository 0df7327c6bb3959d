import importlib.util

import pytest
import torch

from budget.errors import ModelError
from budget.models import load_model
from budget.placement import placement_of
from experiments.scenes.data import load_scenes


def absent(package):
    return importlib.util.find_spec(package) is None


def test_nothing_wished_nothing_set():
    assert placement_of() == {}
    assert placement_of(device="cpu") == {}


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_kernels_give_the_same_logits(original, attention):
    model = load_model(original.folder, num_heads=original.num_heads, attention=attention)
    assert model.model.model.language_model.config._attn_implementation == attention
    scales = [model.ladder[i % len(model.ladder)] for i in range(3)]
    pairs = zip(
        model.logits(original.images, original.questions, num_visual_tokens=scales),
        original.model.logits(original.images, original.questions, num_visual_tokens=scales),
        strict=True,
    )
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attention": "fast"}, "must be one of sdpa, eager, flash_attention_2, got 'fast'"),
        ({"quantize": 3}, r"must be 8 or 4 \(bits\), got 3"),
        ({"device": "cpu", "device_map": "auto"}, "device or device_map, not both"),
        ({"device": "abacus"}, "device 'abacus' cannot be used here"),
    ],
)
def test_settings_that_make_no_sense_are_refused(m3, settings, message):
    with pytest.raises(ValueError, match=message):
        load_model(m3.folder, **settings)


@pytest.mark.parametrize(
    ("settings", "package"),
    [
        ({"device_map": "auto"}, "accelerate"),
        ({"quantize": 8}, "bitsandbytes"),
        ({"attention": "flash_attention_2"}, "flash_attn"),
    ],
)
def test_a_missing_package_is_named(m3, settings, package):
    if not absent(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(ModelError, match=f"needs the package {package}, which"):
        load_model(m3.folder, **settings)


def test_a_device_map_gives_the_same_model(original):
    pytest.importorskip("accelerate")
    model = load_model(original.folder, num_heads=original.num_heads, device_map={"": "cpu"})
    args = (original.images[0], original.questions[0])
    m = model.ladder[0]
    assert torch.equal(
        model.prompt_logits(*args, num_visual_tokens=m),
        original.model.prompt_logits(*args, num_visual_tokens=m),
    )


@pytest.mark.parametrize("bits", [8, 4])
def test_quantised_matrices_answer(original, bits):
    pytest.importorskip("accelerate")
    bitsandbytes = pytest.importorskip("bitsandbytes")
    model = load_model(original.folder, num_heads=original.num_heads, quantize=bits)
    layer = model.model.model.language_model.layers[0].mlp.up_proj
    kind = bitsandbytes.nn.Linear8bitLt if bits == 8 else bitsandbytes.nn.Linear4bit
    assert isinstance(layer, kind)
    plain = (
        model.model.lm_head,
        model.model.model.vision_tower.encoder.layers[0].mlp.fc1,
        getattr(model.model.model.multi_modal_projector, "linear_1", model.model.lm_head),
    )
    assert all(type(module) is torch.nn.Linear for module in plain)
    (answer,) = model.answer(
        original.images[:1], original.questions[:1], num_visual_tokens=model.ladder[0]
    )
    assert answer.token_ids


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, in its own code
def test_a_compiled_model_gives_the_same_answers():
    compiled, plain = load_model("m3", compiled=True), load_model("m3")
    rows = load_scenes("calibration", 8)
    images, questions = rows["image"][:], rows["question"][:]
    for m in (1, 144):
        found, expected = (
            model.answer(images, questions, num_visual_tokens=m, max_new_tokens=4)
            for model in (compiled, plain)
        )
        assert [answer.token_ids for answer in found] == [a.token_ids for a in expected]
    assert compiled.model.model.language_model._compiled_call_impl is not None
