import pytest
from PIL import Image

from budget.chat import Chat, Turn
from budget.errors import DataError
from experiments.evals.media import Media
from experiments.evals.prompts import PromptReader

ONE, TWO = Image.new("RGB", (1, 1)), Image.new("RGB", (2, 2))


@pytest.fixture
def said():
    return []


@pytest.fixture
def reader(said):
    return PromptReader(Media(), said.append)


def image(url):
    return {"type": "image", "url": url}


def text(words):
    return {"type": "text", "text": words}


def user(*parts):
    return {"role": "user", "content": list(parts)}


@pytest.mark.parametrize(
    ("given", "visuals", "asked", "moved"),
    [
        ("Why?", [], "Why?", False),
        ("Why?", None, "Why?", False),
        ("Why?", [ONE, TWO], "Why?", False),
        ("<image>\nWhy?", [ONE], "Why?", False),
        ("<image> <image>\nWhy?", [ONE, TWO], "Why?", False),
        ("A: <image> B: <image>\nWhy?", [ONE, TWO], "A:\nB:\nWhy?", True),
        ("<image> is a tag", [], "<image> is a tag", False),
        ("What is <image>?", [ONE, TWO], "What is <image>?", False),
    ],
)
def test_a_text_about_pictures(reader, said, given, visuals, asked, moved):
    assert reader.text(given, visuals) == (visuals or [], asked)
    assert len(said) == moved


def test_a_message_alone_is_a_question(reader, said):
    assert reader.messages([user(image(ONE), text("Why?"))]) == ([ONE], "Why?")
    assert reader.messages([user(image(ONE), text("<image>Why?"))]) == ([ONE], "Why?")
    assert reader.messages([{"role": "user", "content": "Why?"}]) == ([], "Why?")
    assert said == []


def test_a_conversation_keeps_its_turns_and_their_pictures(reader):
    messages = [
        {"role": "system", "content": "Be brief."},
        user(image(ONE), text("What is it?")),
        {"role": "assistant", "content": [text("A dot.")]},
        user(text("And this?"), image(TWO)),
    ]
    images, chat = reader.messages(messages)
    assert images == [ONE, TWO]
    assert chat == Chat(
        (
            Turn("system", "Be brief."),
            Turn("user", "What is it?", 1),
            Turn("assistant", "A dot."),
            Turn("user", "And this?", 1),
        )
    )


def test_pictures_within_a_text_are_moved_and_that_is_said_once(reader, said):
    for _ in range(2):
        found = reader.messages([user(text("A:"), image(ONE), text("B:"), image(TWO))])
        assert found == ([ONE, TWO], "A:\nB:")
    assert said == ["pictures within a text are shown before the text of their turn, in order"]


def test_frames_of_a_message_are_pictures(reader):
    film = {"type": "video", "url": [ONE, TWO]}
    assert reader.messages([user(film, text("Why?"))]) == ([ONE, TWO], "Why?")


def test_a_history_gives_its_pictures_to_the_turns_that_name_them(reader):
    history = [
        {"role": "user", "content": "<image>What is it?"},
        {"role": "assistant", "content": "A dot."},
        {"role": "user", "content": "<image>And this?"},
    ]
    images, chat = reader.history(history, [ONE, TWO])
    assert images == [ONE, TWO]
    assert [turn.images for turn in chat.turns] == [1, 0, 1]
    assert chat.question == "And this?"
    _, chat = reader.history(history, [ONE])
    assert [turn.images for turn in chat.turns] == [0, 0, 1]
    assert reader.history(history[-1:], [ONE]) == ([ONE], "And this?")
    assert reader.history([{"role": "user", "content": "Why?"}], None) == ([], "Why?")


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        ([], "a conversation cannot be asked: .*got no turn"),
        ([{"role": "assistant", "content": "Yes."}], "the last turn of a chat must be the user's"),
        ([{"role": "tool", "content": "x"}], "a message has role 'tool'; read are system, user"),
        ([{"role": "user", "content": 3}], "content must be a text or a list, got <class 'int'>"),
        ([user({"type": "audio", "url": "x"})], "a document has sound"),
        ([user({"type": "table"})], "a message has a part of type 'table'; read are text and"),
        ([user("Why?")], "a message has a part of type None"),
    ],
)
def test_what_is_no_conversation_is_refused(reader, messages, line):
    with pytest.raises(DataError, match=line):
        reader.messages(messages)
