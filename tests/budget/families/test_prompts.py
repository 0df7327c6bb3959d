"""Prompts and images as strange as users send them, against transformers' own processor."""

import io

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from budget import load_model
from budget.chat import Chat, Turn
from budget.families.processors import load_processor
from budget.families.prompts import make_row
from budget.prompt import Prompt
from experiments.families.checks import PICTURES, picture
from experiments.families.tiny import others

WORDS = st.text(st.sampled_from("abc XYZ.?!<>|_\n{}%"), max_size=40)
RAMP = np.linspace(0, 255, 64 * 48).reshape(48, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return others.lighton_ocr(tmp_path_factory.mktemp("lighton"))


@pytest.fixture(scope="module")
def runner(folder):
    return load_model(folder)


@pytest.fixture(scope="module")
def stock(folder):
    return load_processor(folder)


def own_ids(runner, question, images, scale=192):
    seen = [runner.see(image, scale) for image in images]
    prompt = Prompt(runner.tokenizer, runner.processor.image_token)
    return make_row(prompt, question, seen, [scale] * len(images), runner.token_id).ids


def stock_ids(stock, messages, images):
    text = stock.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    found = stock(images=images or None, text=[text], return_tensors="pt")
    return found["input_ids"][0].tolist()


def said(role, text, images=0):
    content = [{"type": "image"}] * images + [{"type": "text", "text": text}]
    return {"role": role, "content": content}


@settings(max_examples=30)
@given(question=WORDS)
@example(question="")
@example(question="  two  spaces\nand a line ")
@example(question="{{ 7 * 7 }} {% raw %} <image> [IMG]")
def test_any_text_is_read_as_transformers_reads_it(runner, stock, question):
    wanted = stock_ids(stock, [said("user", question, 1)], [PICTURES[2]])
    assert own_ids(runner, question, [PICTURES[2]]) == wanted


@settings(max_examples=20)
@given(texts=st.lists(WORDS, min_size=3, max_size=3), counts=st.tuples(*[st.integers(0, 2)] * 2))
def test_chats_of_several_turns_and_images(runner, stock, texts, counts):
    first, reply, last = texts
    turns = [Turn("system", "say yes"), Turn("user", first, counts[0]), Turn("assistant", reply)]
    chat = Chat((*turns, Turn("user", last, counts[1])))
    images = [PICTURES[2], picture((60, 90), 3), picture((90, 60), 4), picture((40, 40), 5)]
    images = images[: sum(counts)]
    messages = [said("system", "say yes"), said("user", first, counts[0])]
    messages += [said("assistant", reply), said("user", last, counts[1])]
    assert own_ids(runner, chat, images) == stock_ids(stock, messages, images)


@pytest.mark.parametrize("question", ["what is {} ?", "{}", "{}{}"])
def test_a_question_that_holds_the_mark_of_an_image_is_refused_or_read_as_text(runner, question):
    mark = runner.processor.image_token
    with pytest.raises(ValueError, match=r"a question must not hold the model's mark|place"):
        runner.answer(
            [PICTURES[2]],
            [question.replace("{}", mark)],
            num_visual_tokens=192,
            max_new_tokens=1,
        )


def test_a_tokenizer_that_starts_texts_starts_a_prompt_once(folder):
    from tokenizers.processors import TemplateProcessing

    runner = load_model(folder)
    tokens = runner.tokenizer
    tokens.bos_token = "<unk>"
    start = tokens.bos_token_id
    tokens._tokenizer.post_processor = TemplateProcessing(
        single="<unk> $A", pair="<unk> $A $B", special_tokens=[("<unk>", start)]
    )
    seen = runner.see(PICTURES[2], 192)
    assert seen.text == runner.processor.image_token * seen.num_visual_tokens
    assert own_ids(runner, "red", [PICTURES[2]])[:1] == [start]
    assert own_ids(runner, "red", [PICTURES[2]]).count(start) == 1
    tokens.chat_template = "<unk>" + tokens.chat_template
    assert own_ids(runner, "red", [PICTURES[2]]).count(start) == 1


def test_a_model_without_chat_template_reads_images_then_the_text(tmp_path):
    folder = others.lighton_ocr(tmp_path)
    (folder / "chat_template.jinja").unlink()
    runner = load_model(folder)
    ids = own_ids(runner, "red ?", [PICTURES[2]])
    tokens = runner.see(PICTURES[2], 192).num_visual_tokens
    assert ids[:tokens] == [runner.token_id] * tokens
    assert runner.tokenizer.decode(ids[tokens:]) == "red ?"


def as_mode(mode):
    grey = Image.fromarray(RAMP.astype(np.uint8))
    if mode == "I;16":
        return Image.fromarray(RAMP.astype(np.uint8).astype(np.uint16) * 257)
    if mode == "RGBA":
        shown = grey.convert("RGBA")
        shown.putalpha(Image.new("L", grey.size, 255))
        return shown
    return grey.convert(mode)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "I;16"])
def test_images_of_any_mode_are_seen_as_they_are_shown(runner, mode):
    plain, other = as_mode("RGB"), as_mode(mode)
    assert other.mode == mode
    seen = [runner.see(image, 192) for image in (plain, other)]
    assert seen[0].digest == seen[1].digest


def test_what_is_transparent_is_white(runner):
    clear, white = Image.new("RGBA", (64, 48), (9, 9, 9, 0)), Image.new("RGB", (64, 48), "white")
    assert runner.see(clear, 192).digest == runner.see(white, 192).digest


def test_an_image_lying_on_its_side_is_turned_before_it_is_counted(runner):
    upright = picture((60, 300))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(file, "PNG", exif=exif)
    lying = Image.open(io.BytesIO(file.getvalue()))
    assert lying.size == (300, 60)
    assert runner.see(lying, 192).digest == runner.see(upright, 192).digest
    assert runner.realised(lying) == runner.realised(upright)


def test_the_least_and_very_large_images_are_answered_about(runner):
    images = [Image.new("RGB", (1, 1)), picture((4500, 3000))]
    answers = runner.answer(
        images, ["red ?", ""], num_visual_tokens=runner.ladder[2], max_new_tokens=1
    )
    assert answers[0].num_visual_tokens == 1
    assert 1 < answers[1].num_visual_tokens <= runner.ladder[2]
