"""Conversations: which are legal, and what a model reads of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import Chat, Turn, load_model
from budget.chat import as_chat, text_of
from budget.convert import vicuna_chat_template
from budget.prompt import VICUNA_V1

LONG = Chat(
    (
        Turn("system", "Be brief."),
        Turn("user", "What is left?", images=2),
        Turn("assistant", "A dog."),
        Turn("user", "And <image> here?", images=1),
    )
)


@pytest.fixture(scope="module")
def shipped():
    return load_model("m3")


@pytest.mark.parametrize(
    ("turns", "match"),
    [
        ((), "the last turn of a chat must be the user's, got no turn"),
        ([("user", "a"), ("assistant", "b")], "must be the user's, got the assistant's"),
        ([("system", "a")], "must be the user's, got the system's"),
        ([("user", "a"), ("system", "b"), ("user", "c")], "a system turn must come first"),
        ([("tool", "a")], "turn 0 has role 'tool'; known are system, user, assistant"),
        ([("user", None)], "the text of turn 0 must be a string, got None"),
        ([("user", "a", -1)], "turn 0 must have 0 images or more, got -1"),
        ([("user", "a", True)], "got True"),
        ([("assistant", "a", 1), ("user", "b")], "turn 0, the assistant's, has images"),
    ],
)
def test_what_is_no_conversation_is_refused(turns, match):
    with pytest.raises(ValueError, match=match):
        Chat(tuple(turns))


def test_turns_of_one_role_in_a_row_are_one_turn():
    turns = [("system", "A"), ("system", "B"), ("user", "", 1), ("user", "C", 2), ("user", "D")]
    assert Chat(tuple(turns)).turns == (Turn("system", "A\nB"), Turn("user", "C\nD", 3))


def test_a_chat_asks_its_last_question_about_all_its_images():
    assert (LONG.question, LONG.num_images) == ("And <image> here?", 3)
    assert [text_of(LONG), text_of("Why?")] == ["And <image> here?", "Why?"]
    assert as_chat(LONG, 3) is LONG
    with pytest.raises(ValueError, match="places for 3 images, got 1"):
        as_chat(LONG, 1)


def test_without_a_template_a_chat_is_written_as_in_llavas_training(m3):
    # conversation.py of LLaVA: roles USER and ASSISTANT, " " behind a question, "</s>" behind an
    # answer, the first separator behind the system text.
    expected = (
        "Be brief. USER: <image>\n<image>\nWhat is left? ASSISTANT: A dog.</s>"
        "USER: <image>\nAnd {mark} here? ASSISTANT:"
    )
    parts = m3.model.prompt.render(LONG)
    assert [part.replace("<image>", "{mark}") for part in parts] == expected.split("<image>")
    usual = m3.model.prompt.render(Chat(LONG.turns[1:]))[0]
    assert usual == VICUNA_V1.partition("<image>")[0]


def test_the_end_of_an_answer_is_the_end_token(m3, shipped):
    for model in (m3.model, shipped):
        (end,) = model.stop_ids
        between = model.prompt.ids(LONG).parts[2]
        assert between.count(end) == 1
        answer = model.tokenizer.decode(between[: between.index(end)])
        assert answer.endswith("What is left? ASSISTANT: A dog.")


def test_the_templates_that_this_package_writes_say_the_same(m3, shipped):
    short = Chat((Turn("assistant", "Hello."), Turn("user", "Why?", images=1)))
    tokenizer = m3.model.tokenizer
    for chat in (LONG, Chat(LONG.turns[1:]), short):
        own = "<image>".join(m3.model.prompt.render(chat))
        messages = [
            {
                "role": turn.role,
                "content": [{"type": "image"}] * turn.images
                + [{"type": "text", "text": turn.text}],
            }
            for turn in chat.turns
        ]
        template = vicuna_chat_template("<image>")
        assert own == tokenizer.apply_chat_template(
            messages, chat_template=template, tokenize=False, add_generation_prompt=True
        )
    # The small models were trained without an introduction.
    assert "<image>".join(shipped.prompt.render(LONG)) == "<s>" + "<image>".join(
        m3.model.prompt.render(LONG)
    )


WORDS = ["<image>", "a", " ", "\n", "</s>", "USER:", "\ue000", "é"]
words = st.lists(st.sampled_from(WORDS)).map("".join)


@given(words, st.integers(0, 3))
def test_a_chat_of_one_turn_is_the_plain_question(shipped, m3, question, images):
    chat = Chat((Turn("user", question, images),))
    asked = "USER: " + "<image>\n" * images + question + " ASSISTANT:"
    for model, start in ((shipped, "<s>"), (m3.model, VICUNA_V1.partition("USER")[0])):
        parts = tuple((start + asked).split("<image>", images))
        assert model.prompt.render(question, images) == parts
        assert model.prompt.ids(chat) == model.prompt.ids(question, images)


@given(words, words)
def test_what_turns_say_of_image_marks_stays_text(shipped, first, second):
    turns = [Turn("user", first, 1), Turn("assistant", second), Turn("user", second + first, 2)]
    parts = shipped.prompt.render(Chat(tuple(turns)))
    assert parts == (
        "<s>USER: ",
        f"\n{first} ASSISTANT: {second}</s>USER: ",
        "\n",
        f"\n{second}{first} ASSISTANT:",
    )


class Templated:
    """A tokenizer with a chat template of its own."""

    def __init__(self, tokenizer, chat_template):
        self.tokenizer, self.chat_template = tokenizer, chat_template

    def apply_chat_template(self, messages, **options):
        return self.tokenizer.apply_chat_template(
            messages, chat_template=self.chat_template, **options
        )


ALTERNATE = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}<image>{{ m.content[-1].text }}"
    "{% endfor %}"
)
DEAF = "{% for m in messages if m.role != 'system' %}<image>{{ m.content[-1].text }}{% endfor %}"
BLIND = (
    "{% for m in messages %}{{ 'U' if m.role == 'user' else 'A' }}<image>"
    "{{ m.content[-1].text }}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "match"),
    [
        (ALTERNATE, "refuses a chat of turns system, user: roles must alternate"),
        ("{{ messages[0].content + 1 }}", "refuses a chat of turns system, user: "),
        (DEAF, "leaves out the system turn 'Be brief.'"),
        (BLIND, "knows no system turn: it writes one as the assistant's"),
    ],
)
def test_a_template_that_cannot_write_a_chat_is_told_in_one_line(shipped, template, match):
    from budget.prompt import Prompt

    prompt = Prompt(Templated(shipped.tokenizer, template))
    with pytest.raises(ValueError, match=match) as caught:
        prompt.render(Chat((Turn("system", "Be brief."), Turn("user", "Why?", 1))))
    assert "\n" not in str(caught.value)


def test_a_template_may_shorten_what_the_assistant_said(shipped):
    from budget.prompt import Prompt

    template = (
        "{% for m in messages %}[{{ m.role }}]{% if m.content|length > 1 %}<image>{% endif %}"
        "{{ m.content[-1].text.split('</think>')[-1] | trim }}{% endfor %}"
    )
    chat = Chat((*LONG.turns[:2], Turn("assistant", "hm</think>A cat. "), Turn("user", " So? ")))
    chat = Chat((chat.turns[0], chat.turns[1]._replace(images=1), *chat.turns[2:]))
    assert Prompt(Templated(shipped.tokenizer, template)).render(chat) == (
        "[system]Be brief.[user]",
        "What is left?[assistant]A cat.[user]So?",
    )
