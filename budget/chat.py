"""A conversation whose last turn is to be answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Role = Literal["system", "user", "assistant"]
_ROLES = ("system", "user", "assistant")


class Turn(NamedTuple):
    """What one side says.

    Attributes:
        role: "system", "user" or "assistant".
        text: what is said.
        images: how many images stand before the text; a user's turn alone has any.
    """

    role: Role
    text: str
    images: int = 0


@dataclass(frozen=True, slots=True)
class Chat:
    r"""Turns of a conversation, the last one the user's.

    Turns of one role in a row become one: their images first, then their texts, a line each;
    a turn without text adds no line.

    Attributes:
        turns: what was said, oldest first; a system turn comes first or not at all.

    Raises:
        ValueError: if a role is not known or stands where it cannot, or a turn is not well formed.

    Example:
        >>> chat = Chat((Turn("user", "Look at this.", images=1), Turn("user", "How many?")))
        >>> chat.question, chat.num_images, len(chat.turns)
        ('Look at this.\nHow many?', 1, 1)
    """

    turns: tuple[Turn, ...]

    def __post_init__(self) -> None:
        turns = [Turn(*each) for each in self.turns]
        for i, turn in enumerate(turns):
            _check(i, turn)
        joined = _joined(turns)
        if any(turn.role == "system" for turn in joined[1:]):
            raise ValueError("a system turn must come first")
        if not joined or joined[-1].role != "user":
            last = f"the {joined[-1].role}'s" if joined else "no turn"
            raise ValueError(f"the last turn of a chat must be the user's, got {last}")
        object.__setattr__(self, "turns", joined)

    @property
    def question(self) -> str:
        """What is asked last."""
        return self.turns[-1].text

    @property
    def num_images(self) -> int:
        """Images of all turns."""
        return sum(turn.images for turn in self.turns)


# What a sample asks: a question about its images, or a conversation that has them.
Question = str | Chat


def text_of(question: Question) -> str:
    """Return what is asked, of a chat its last question."""
    return question if isinstance(question, str) else question.question


def as_chat(question: Question, images: int | None) -> Chat:
    """Return a question about some images as a chat.

    Args:
        question: a text or a chat.
        images: how many there are; None for as many as a chat has, and one of a text.

    Raises:
        ValueError: if a chat has another number of images.
    """
    if isinstance(question, str):
        return Chat((Turn("user", question, 1 if images is None else images),))
    if images is not None and images != question.num_images:
        raise ValueError(f"the chat has places for {question.num_images} images, got {images}")
    return question


def _check(i: int, turn: Turn) -> None:
    """Refuse a turn that is not well formed."""
    if turn.role not in _ROLES:
        raise ValueError(f"turn {i} has role {turn.role!r}; known are {', '.join(_ROLES)}")
    if not isinstance(turn.text, str):
        raise ValueError(f"the text of turn {i} must be a string, got {turn.text!r}")
    if type(turn.images) is not int or turn.images < 0:
        raise ValueError(f"turn {i} must have 0 images or more, got {turn.images!r}")
    if turn.images and turn.role != "user":
        raise ValueError(f"turn {i}, the {turn.role}'s, has images; a user's alone can")


def _joined(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return turns of which no two neighbours have one role."""
    joined: list[Turn] = []
    for turn in turns:
        if joined and joined[-1].role == turn.role:
            before = joined.pop()
            text = "\n".join(filter(None, (before.text, turn.text)))
            turn = Turn(turn.role, text, before.images + turn.images)
        joined.append(turn)
    return tuple(joined)
