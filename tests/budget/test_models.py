"""Which folders are read, what is refused, and that nothing is loaded in part."""

import json
import re
import shutil

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from budget.errors import ModelError
from budget.m3 import M3Model
from budget.models import load_model
from budget.mqt import MqtLlavaConfig, MqtLlavaForConditionalGeneration
from budget.mqt_model import MqtModel

TEMPLATE = (
    "{{ bos_token }}USER: {% for part in messages[0]['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %} ASSISTANT:"
)


def byte_tokenizer():
    alphabet = ["<pad>", "<s>", "</s>", "<image>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        chat_template=TEMPLATE,
    )


def tiny_config(config_class=LlavaConfig, **more):
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=96,
        patch_size=8,
    )
    text = LlamaConfig(
        vocab_size=260,
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return config_class(
        vision_config=vision,
        text_config=text,
        vision_feature_layer=-1,
        image_token_index=3,
        image_aspect_ratio="pad",
        **more,
    )


def save_tiny(folder, model):
    model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    size = {"height": 96, "width": 96}
    CLIPImageProcessorPil(size={"shortest_edge": 96}, crop_size=size).save_pretrained(folder)
    return model.eval()


@pytest.fixture
def stock(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = tiny_config(matryoshka_vis_token_scale=[1, 4, 9, 36, 144])
        return tmp_path, save_tiny(tmp_path, LlavaForConditionalGeneration(config))


@pytest.fixture
def own_mqt(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = tiny_config(MqtLlavaConfig, num_queries=36, num_resampler_heads=2)
        return tmp_path, save_tiny(tmp_path, MqtLlavaForConditionalGeneration(config))


IMAGE = Image.effect_mandelbrot((60, 40), (-2, -1, 1, 1), 20)


def test_a_stock_llava_folder_is_an_m3_model(stock):
    folder, saved = stock
    model = load_model(folder)
    assert isinstance(model, M3Model)
    assert model.ladder.scales == (1, 4, 9, 36, 144)
    assert model.name == folder.name
    for name, value in saved.state_dict().items():
        assert torch.equal(value, model.model.state_dict()[name]), name
    answers = model.answer([IMAGE] * 5, ["what?"] * 5, num_visual_tokens=list(model.ladder))
    assert [a.num_visual_tokens for a in answers] == [1, 4, 9, 36, 144]


def test_the_key_layout_of_the_released_llava_is_read(stock):
    """The layout of llava-hf/llava-1.5-7b-hf, which transformers wrote before version 5."""
    folder, saved = stock
    renames = (
        (r"^model\.vision_tower\.", "vision_tower.vision_model."),
        (r"^model\.language_model\.", "language_model.model."),
        (r"^lm_head\.", "language_model.lm_head."),
        (r"^model\.multi_modal_projector\.", "multi_modal_projector."),
    )
    weights = {}
    for name, value in saved.state_dict().items():
        for pattern, replacement in renames:
            name = re.sub(pattern, replacement, name)
        weights[name] = value.clone()
    assert not weights.keys() & saved.state_dict().keys()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model = load_model(folder)
    for name, value in saved.state_dict().items():
        assert torch.equal(value, model.model.state_dict()[name]), name


def test_full_scale_is_what_the_stock_model_computes(stock):
    folder, saved = stock
    model = load_model(folder)
    prompt = model.prompt.ids("how many?")
    assert prompt.before[0] == 1
    assert prompt.before.count(1) == 1
    ids = torch.tensor([[*prompt.before, *[3] * 144, *prompt.after]])
    square = Image.new("RGB", (96, 96), "teal")
    pixels = model.image_processor([square], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        expected = saved(input_ids=ids, pixel_values=pixels).logits[0]
    logits = model.prompt_logits(square, "how many?", num_visual_tokens=144)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)


def test_half_precision_weights_run_in_float32_on_a_cpu(stock):
    folder, saved = stock
    saved.half().save_pretrained(folder)
    assert load_model(folder).model.dtype == torch.float32
    assert load_model(folder, dtype=torch.bfloat16).model.dtype == torch.bfloat16


def test_ladders_without_a_word_in_the_configuration(stock, own_mqt, m3, mqt):
    folder, _ = own_mqt
    assert load_model(folder).ladder.scales == (2, 4, 8, 16, 36)
    assert mqt.model.ladder.scales == (2, 4, 8, 16, 36, 64, 144, 256)
    assert m3.model.ladder.scales == (1, 9, 36, 144, 576)


def test_a_ladder_may_be_given_but_must_be_legal(stock):
    folder, _ = stock
    assert load_model(folder, ladder=(1, 16)).ladder.scales == (1, 16)
    with pytest.raises(ValueError, match="must be one of 1, 4, 9, 16, 36, 144, got 10"):
        load_model(folder, ladder=(1, 10))


def test_an_mqt_folder_comes_back_whole(own_mqt):
    folder, saved = own_mqt
    model = load_model(folder)
    assert isinstance(model, MqtModel)
    for name, value in saved.state_dict().items():
        assert torch.equal(value, model.model.state_dict()[name]), name


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("fixture", ["stock", "own_mqt"])
def test_missing_and_unexpected_weights_are_listed(request, fixture):
    folder, _ = request.getfixturevalue(fixture)
    weights = load_file(folder / "model.safetensors")
    dropped = next(name for name in weights if name.endswith("layers.1.mlp.up_proj.weight"))
    weights["surplus.weight"] = weights.pop(dropped)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"missing: .*layers\.1\.mlp\.up_proj.*surplus\.weight"):
        load_model(folder)


def test_missing_weights_of_an_original_checkpoint_are_listed(m3, tmp_path):
    shutil.copytree(m3.folder, tmp_path / "copy")
    weights = load_file(tmp_path / "copy" / "model.safetensors")
    weights["model.image_newline"] = weights.pop("model.mm_projector.0.weight")
    save_file(weights, tmp_path / "copy" / "model.safetensors")
    with pytest.raises(ModelError, match=r"missing: .*linear_1\.weight.*image_newline"):
        load_model(tmp_path / "copy")


def test_original_shards_are_read(m3, tmp_path):
    shutil.copytree(m3.folder, tmp_path / "copy")
    path = tmp_path / "copy" / "model.safetensors"
    weights = list(load_file(path).items())
    path.unlink()
    shards = {"a.safetensors": dict(weights[::2]), "b.safetensors": dict(weights[1::2])}
    for name, part in shards.items():
        save_file(part, path.with_name(name))
    index = {"weight_map": {key: name for name, part in shards.items() for key in part}}
    path.with_name("model.safetensors.index.json").write_text(json.dumps(index))
    logits = [
        model.prompt_logits(m3.images[0], m3.questions[0], num_visual_tokens=1)
        for model in (m3.model, load_model(tmp_path / "copy"))
    ]
    assert torch.equal(*logits)


def test_unsafe_weights_are_not_unpickled(mqt, tmp_path):
    shutil.copytree(mqt.folder, tmp_path / "copy")
    torch.save({"model.norm.weight": IMAGE}, tmp_path / "copy" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot read the weights"):
        load_model(tmp_path / "copy", num_heads=4)


def test_heads_that_nothing_tells_must_be_given(mqt):
    with pytest.raises(ModelError, match="pass num_heads"):
        load_model(mqt.folder)
    with pytest.raises(ModelError, match="num_heads must divide the width 32, got 5"):
        load_model(mqt.folder, num_heads=5)


def test_tiles_that_are_not_simply_joined_are_refused(m3_next, tmp_path):
    shutil.copytree(m3_next.folder, tmp_path / "copy")
    edit_config(tmp_path / "copy", mm_patch_merge_type="spatial_unpad")
    with pytest.raises(ModelError, match="merges the tiles of an image by 'spatial_unpad'"):
        load_model(tmp_path / "copy")


def test_unknown_models_are_one_clear_line(stock, tmp_path):
    folder, _ = stock
    edit_config(folder, model_type="bert")
    cases = {
        str(folder): "is no vision-language model: its model type is 'bert'",
        str(tmp_path / "nowhere"): "no such model",
        "nowhere": "give a folder, a hub id",
        "nobody/nothing": "no such model: 'nobody/nothing'",
    }
    for name, message in cases.items():
        with pytest.raises(ModelError, match=message) as caught:
            load_model(name)
        assert "\n" not in str(caught.value)


def test_a_folder_without_weights_or_configuration_is_refused(m3, tmp_path):
    with pytest.raises(ModelError, match=r"cannot read .*config\.json"):
        load_model(tmp_path)
    shutil.copytree(m3.folder, tmp_path / "copy")
    (tmp_path / "copy" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights"):
        load_model(tmp_path / "copy")
