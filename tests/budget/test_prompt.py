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


@pytest.mark.parametrize(
    ("rendered", "between"), [("U: <image>QUESTION A:", " "), ("<image>QUESTION\nA\n", "")]
)
def test_an_answer_stands_a_space_behind_the_prompt_unless_it_ends_in_one(rendered, between):
    assert Prompt(Words("template", rendered)).answer_ids("hm", " yes ") == [
        *map(ord, f"{between}yes")
    ]


def test_prompt_and_answer_are_tokenised_as_one_text_by_a_tokenizer_that_marks_beginnings(m3):
    tokenizer = m3.model.tokenizer
    ids = m3.model.prompt.answer_ids("Why?", "left one")
    whole = tokenizer("Why? ASSISTANT: left one", add_special_tokens=False).input_ids
    assert whole[-len(ids) :] == ids
    assert tokenizer.decode(ids).strip() == "left one"


class Merging(Words):
    """Makes one token of a colon and the space behind it."""

    def __call__(self, text, add_special_tokens=True):
        return super().__call__(text.replace(": ", "~"), add_special_tokens)


@pytest.mark.parametrize(
    ("tokenizer", "answer", "match"),
    [(Words, "  ", "needs some text"), (Merging, "yes", "'yes' merges with the prompt's end")],
)
def test_an_answer_that_cannot_be_told_from_the_prompt_is_refused(tokenizer, answer, match):
    with pytest.raises(ValueError, match=match):
        Prompt(tokenizer("template", "<image>QUESTION A:")).answer_ids("hm", answer)
