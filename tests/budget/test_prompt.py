import pytest

from budget.convert import vicuna_chat_template
from budget.prompt import VICUNA_V1, Prompt


class Words:
    """A tokenizer whose ids are code points; 1 starts a text."""

    bos_token = "^"

    def __init__(self, chat_template=None, rendered=""):
        self.chat_template, self.rendered = chat_template, rendered

    def apply_chat_template(self, messages, **_):
        (image, text) = messages[0]["content"]
        assert image == {"type": "image"}
        return self.rendered.replace("QUESTION", text["text"])

    def __call__(self, text, add_special_tokens=True):
        ids = [1] * add_special_tokens + [1 if c == "^" else ord(c) for c in text]
        return type("Encoding", (), {"input_ids": ids})

    def decode(self, ids, skip_special_tokens):
        return "".join(map(chr, ids))


def test_without_a_chat_template_the_prompt_is_vicuna_v1():
    before, after = Prompt(Words()).render("Why {x}?")
    assert before + "<image>" + after == VICUNA_V1.replace("{question}", "Why {x}?")


@pytest.mark.parametrize("rendered", ["U: <image>\nQUESTION A:", "^U: <image>\nQUESTION A:"])
def test_there_is_one_start_token_whether_the_template_writes_it_or_not(rendered):
    ids = Prompt(Words("template", rendered)).ids("hm")
    assert ids.before == [1, *map(ord, "U: ")]
    assert ids.after == [*map(ord, "\nhm A:")]


def test_a_question_may_speak_of_the_image_mark():
    ids = Prompt(Words("template", "<image>QUESTION")).ids("is <image> here")
    assert ids.after == [*map(ord, "is <image> here")]


def test_a_template_without_an_image_is_refused():
    with pytest.raises(ValueError, match="writes no <image>"):
        Prompt(Words("template", "QUESTION")).ids("x")


def test_decoded_text_is_stripped():
    assert Prompt(Words()).decode([32, 97, 10]) == "a"


def test_the_vicuna_chat_template_is_the_same_prompt(m3):
    tokenizer, question = m3.model.tokenizer, m3.questions[1]
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}
    ]
    text = tokenizer.apply_chat_template(
        messages,
        chat_template=vicuna_chat_template("<image>"),
        tokenize=False,
        add_generation_prompt=True,
    )
    assert text == m3.expected["prompts"][1]
