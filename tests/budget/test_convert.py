"""A converted checkpoint is the same model, for this package and for plain transformers."""

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from budget.convert import convert
from budget.errors import ModelError
from budget.models import load_model
from budget.quiet import quiet_transformers


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


def test_plain_transformers_reads_it_and_computes_the_full_scale(original, converted):
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


def test_only_original_checkpoints_into_empty_folders(original, converted, tmp_path):
    with pytest.raises(ModelError, match="must be a new or an empty folder"):
        convert(original.folder, converted, num_heads=original.num_heads)
    with pytest.raises(ModelError, match="nothing to convert"):
        convert(converted, tmp_path / "again")
