"""Original checkpoints in every shape they come in, and what is refused of them."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from budget.checkpoints import rename_keys
from budget.convert import convert
from budget.errors import ModelError
from budget.models import load_model
from budget.towers import tower_config, tower_processor
from budget.weights import dtype_of, listed, main_dtype, open_weights, shape_of


@pytest.fixture
def copy(m3, tmp_path):
    return shutil.copytree(m3.folder, tmp_path / "copy")


@pytest.fixture
def mqt_copy(mqt, tmp_path):
    return shutil.copytree(mqt.folder, tmp_path / "mqt")


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def as_bin_shards(folder, weights, legacy):
    """Two ``.bin`` shards with an index, in torch's file format or in the one before it."""
    names = sorted(weights)
    shards = {"pytorch_model-1.bin": names[::2], "pytorch_model-2.bin": names[1::2]}
    for shard, part in shards.items():
        torch.save(
            {name: weights[name] for name in part},
            folder / shard,
            _use_new_zipfile_serialization=not legacy,
        )
    index = {"weight_map": {name: shard for shard, part in shards.items() for name in part}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize("legacy", [False, True])
def test_bin_shards_are_read(m3, copy, legacy):
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    as_bin_shards(copy, weights, legacy)
    model = load_model(copy)
    for name, value in m3.model.model.state_dict().items():
        assert torch.equal(model.model.state_dict()[name], value), name


def test_shards_that_lack_what_their_index_names_are_refused(copy):
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    as_bin_shards(copy, weights, legacy=False)
    path = copy / "pytorch_model.bin.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["model.nowhere"] = "pytorch_model-1.bin"
    path.write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"index\.json lack model\.nowhere"):
        load_model(copy)
    (copy / "pytorch_model-2.bin").unlink()
    with pytest.raises(ModelError, match=r"cannot read the weights in .*pytorch_model-2\.bin"):
        load_model(copy)


@pytest.mark.parametrize("name", ["../model.safetensors", 7])
def test_an_index_that_leaves_its_folder_is_refused(copy, name):
    (copy / "model.safetensors").rename(copy / "a.safetensors")
    index = {"weight_map": {"model.norm.weight": name}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="file names of its own folder"):
        load_model(copy)


def test_misshapen_weights_are_listed(copy):
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"] = torch.ones(47)
    weights["model.mm_projector.2.bias"] = torch.ones(3)
    save_file(weights, copy / "model.safetensors")
    with pytest.raises(ModelError) as caught:
        load_model(copy)
    message = str(caught.value)
    assert "model.language_model.norm.weight is 47 instead of 48" in message
    assert "model.multi_modal_projector.linear_2.bias is 3 instead of 48" in message
    assert "\n" not in message


def test_a_tower_inside_comes_before_the_one_beside(m3, copy):
    weights = load_file(copy / "model.safetensors")
    inside = [name for name in weights if "vision_tower" in name]
    assert inside, "the released M3 tunes its vision tower and keeps it in the checkpoint"
    (copy / "vision_tower" / "model.safetensors").unlink()
    assert torch.equal(*(logits(model, m3) for model in (load_model(copy), m3.model)))


@pytest.mark.parametrize("damage", ["missing", "misshapen"])
def test_a_tower_beside_must_be_whole(mqt_copy, damage):
    path = mqt_copy / "vision_tower" / "model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if name.endswith("layers.1.mlp.fc1.weight"))
    if damage == "missing":
        del weights[name]
    else:
        weights[name] = weights[name][1:].clone()
    weights["text_model.final_layer_norm.weight"] = torch.ones(4)  # CLIP's other half is legal
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=rf"vision tower .*{damage}: .*1\.mlp\.fc1\.weight"):
        load_model(mqt_copy, num_heads=4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_aspect_ratio": "anyres_max_9"}, "image_aspect_ratio 'anyres_max_9'; known are"),
        ({"image_aspect_ratio": "anyres"}, "image_grid_pinpoints must list .* got None"),
        ({"mm_use_im_start_end": True}, "mm_use_im_start_end"),
        ({"mm_projector_type": "linear"}, "mm_projector_type 'linear'"),
        ({"hidden_size": "big"}, r"config\.json: .*hidden_size"),
        ({"matryoshka_vis_token_scale": ["a"]}, "scales must be whole numbers"),
        ({"matryoshka_vis_token_scale": [9, 1]}, "strictly increasing"),
        ({"mm_vision_tower": None}, "names no mm_vision_tower"),
    ],
)
def test_configurations_that_would_run_wrongly_are_refused(copy, changes, message):
    edit_config(copy, **changes)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "processor_config.json"]
)
@pytest.mark.parametrize("keep", [0, 100])
def test_a_converted_folder_that_is_cut_off_is_one_line(m3, tmp_path, name, keep):
    folder = convert(m3.folder, tmp_path / "converted")
    path = folder / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_any_tower_there_is_one_clear_line(mqt_copy):
    (mqt_copy / "vision_tower" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot load the vision tower") as caught:
        load_model(mqt_copy, num_heads=4)
    assert "\n" not in str(caught.value)


def logits(model, original, m=9):
    return model.prompt_logits(original.images[0], original.questions[0], num_visual_tokens=m)


def test_added_tokens_have_rows_that_the_configuration_does_not_know(m3, copy):
    weights = load_file(copy / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = torch.cat([weights[name], torch.full((3, 48), 0.1)])
    save_file(weights, copy / "model.safetensors")
    model = load_model(copy)
    assert model.model.config.text_config.vocab_size == 515
    torch.testing.assert_close(logits(model, m3)[:, :512], logits(m3.model, m3))


def test_tied_embeddings_need_no_head(copy, m3):
    weights = load_file(copy / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, copy / "model.safetensors")
    with pytest.raises(ModelError, match=r"missing: lm_head\.weight"):
        load_model(copy)
    edit_config(copy, tie_word_embeddings=True)
    model = load_model(copy).model
    assert model.lm_head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    assert logits(load_model(copy), m3).isfinite().all()


def test_a_half_precision_table_keeps_its_bits_in_bfloat16(mqt, mqt_copy):
    path = mqt_copy / "pytorch_model.bin"
    weights = torch.load(path, weights_only=True)
    stored = weights["model.query_abstractor.pos_embed"].half()
    torch.save({**weights, "model.query_abstractor.pos_embed": stored}, path)
    assert torch.equal(logits(load_model(mqt_copy, num_heads=4), mqt), logits(mqt.model, mqt)), (
        "the released table's numbers are halves, whatever type they are kept in"
    )
    model = load_model(mqt_copy, num_heads=4, dtype=torch.bfloat16).model
    resampler = model.model.multi_modal_projector
    assert resampler.query.dtype == torch.bfloat16
    assert torch.equal(resampler.pos_embed, stored.float())


# Of bfloat16's 8 bits, the differences of a logit as a share of the logits' range.
BFLOAT16_LARGEST, BFLOAT16_MEAN = 0.06, 0.01


@pytest.mark.parametrize("together", [False, True])
def test_bfloat16_is_within_its_tolerance(original, together):
    model = load_model(original.folder, num_heads=original.num_heads, dtype=torch.bfloat16)
    images, questions = original.case_samples()
    scales = [case["m"] for case in original.cases]
    if together:
        found = model.logits(images, questions, num_visual_tokens=scales)
    else:
        found = [
            model.prompt_logits(*sample[:2], num_visual_tokens=sample[2])
            for sample in zip(images, questions, scales, strict=True)
        ]
    for case, computed in zip(original.cases, found, strict=True):
        recorded = torch.from_numpy(original.arrays[f"logits_sample{case['sample']}_m{case['m']}"])
        assert computed.dtype == torch.bfloat16
        off = (computed[-len(recorded) :].float() - recorded).abs()
        span = recorded.max() - recorded.min()
        assert off.max() <= BFLOAT16_LARGEST * span
        assert off.mean() <= BFLOAT16_MEAN * span


def test_auto_keeps_the_type_that_most_numbers_have(copy, mqt_copy):
    weights = load_file(copy / "model.safetensors")
    save_file(
        {name: value if "norm" in name else value.half() for name, value in weights.items()},
        copy / "model.safetensors",
    )
    assert load_model(copy).model.dtype == torch.float32
    assert load_model(copy, dtype="auto").model.dtype == torch.float16
    assert main_dtype(open_weights(mqt_copy)) == torch.float32


def test_saved_and_loaded_it_is_the_same_model(original, tmp_path):
    """The classes' own ``save_pretrained`` and ``from_pretrained``, without this package's."""
    original.model.model.save_pretrained(tmp_path)
    again = type(original.model.model).from_pretrained(tmp_path)
    runner = type(original.model)(
        again,
        original.model.tokenizer,
        original.model.image_processor,
        ladder=original.model.ladder,
        name="again",
    )
    for name, value in original.model.model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    assert torch.equal(*(logits(model, original) for model in (runner, original.model)))


def test_weights_tell_their_shape_and_type_unread(copy, mqt_copy):
    for folder in (copy, mqt_copy):
        for value in open_weights(folder).values():
            read = value[...]
            assert shape_of(value) == tuple(read.shape)
            assert dtype_of(value) == (read.dtype if read.is_floating_point() else None)


def test_no_weight_is_overwritten_by_another():
    twice = {"model.mm_projector.0.bias": 1, "model.multi_modal_projector.linear_1.bias": 2}
    with pytest.raises(ModelError, match=r"two weights .*linear_1\.bias"):
        rename_keys(twice)


def test_long_lists_are_cut():
    assert listed(f"w{i:02}" for i in range(12)).endswith("w09 and 2 more")


def test_the_released_tower_is_known_without_fetching_it(tmp_path):
    raw = {"mm_vision_tower": "openai/clip-vit-large-patch14-336"}
    config = tower_config(tmp_path, raw)
    assert (config.image_size // config.patch_size) ** 2 == 576
    assert (config.hidden_size, config.num_hidden_layers) == (1024, 24)
    assert tower_processor(tmp_path, raw).crop_size.height == 336
