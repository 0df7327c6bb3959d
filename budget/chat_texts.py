"""A chat as the texts around its images: what a model reads, before it is tokenised."""

from collections.abc import Iterator, Sequence
from typing import Any

from budget.chat import Chat, Turn
from budget.errors import one_line

IMAGE = "<image>"

VICUNA_V1 = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions. "
    f"USER: {IMAGE}\n{{question}} ASSISTANT:"
)


def vicuna_v1(chat: Chat, tokenizer: Any) -> tuple[str, ...]:
    """Return a chat's texts as LLaVA 1.5 was trained on them (``conv_vicuna_v1``).

    A system turn takes the place of the usual introduction. An answer ends in the end token.
    """
    texts = [VICUNA_V1.partition("USER:")[0]]
    for turn in chat.turns:
        if turn.role == "system":
            texts = [f"{turn.text} "]
        elif turn.role == "assistant":
            texts[-1] += f"ASSISTANT: {turn.text}{tokenizer.eos_token}"
        else:
            texts[-1] += "USER: "
            texts += ["\n"] * turn.images
            texts[-1] += f"{turn.text} "
    texts[-1] += "ASSISTANT:"
    return tuple(texts)


def from_template(tokenizer: Any, chat: Chat, marks: Sequence[str]) -> tuple[str, ...]:
    """Return a chat's texts as the tokenizer's own template writes them.

    Args:
        tokenizer: a transformers tokenizer with a chat template.
        chat: the chat.
        marks: what the template may write for an image.

    Raises:
        ValueError: if the template refuses the chat, leaves out a turn or an image, or does not
            know system turns.
    """
    # Image marks in the texts would look like images; others stand for them while it is split.
    stand_ins = dict(zip(dict.fromkeys(marks), _unused_characters(chat), strict=False))
    safe = [turn._replace(text=_replaced(turn.text, stand_ins)) for turn in chat.turns]
    text = _apply(tokenizer, safe)
    _check_turns(tokenizer, safe, text)
    back = {stand_in: mark for mark, stand_in in stand_ins.items()}
    for mark in stand_ins:
        parts = text.split(mark) if chat.num_images else [text]
        if len(parts) == chat.num_images + 1:
            return tuple(_replaced(part, back) for part in parts)
    wanted = "an image" if chat.num_images == 1 else f"each of {chat.num_images} images"
    written = _replaced(text, back)
    raise ValueError(f"the chat template writes no {marks[0]} for {wanted}: {written!r:.200}")


def _apply(tokenizer: Any, turns: Sequence[Turn]) -> str:
    messages = [
        {
            "role": turn.role,
            "content": [*[{"type": "image"}] * turn.images, {"type": "text", "text": turn.text}],
        }
        for turn in turns
    ]
    try:
        text: str = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
    except Exception as error:  # templates are programs; they refuse in as many ways as they fail
        roles = ", ".join(turn.role for turn in turns)
        raise ValueError(
            f"the chat template refuses a chat of turns {roles}: {one_line(error)}"
        ) from error
    return text


def _check_turns(tokenizer: Any, turns: Sequence[Turn], text: str) -> None:
    """Refuse a prompt that lacks what was said, or says that another said it.

    An assistant's turns may be shortened: some templates leave out what led to an answer.
    """
    if len(turns) == 1:
        return
    for turn in turns:
        if turn.role != "assistant" and turn.text.strip() not in text:
            raise ValueError(f"the chat template leaves out the {turn.role} turn {turn.text!r:.60}")
    if turns[0].role == "system":
        misread = [turns[0]._replace(role="assistant"), *turns[1:]]
        try:
            same = _apply(tokenizer, misread) == text
        except ValueError:
            return
        if same:
            raise ValueError(
                "the chat template knows no system turn: it writes one as the assistant's"
            )


def _unused_characters(chat: Chat) -> Iterator[str]:
    """Yield characters for private use that no turn has."""
    said = set().union(*(turn.text for turn in chat.turns))
    return (chr(code) for code in range(0xE000, 0xF900) if chr(code) not in said)


def _replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        text = text.replace(old, new)
    return text
