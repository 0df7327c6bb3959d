"""Token ids of a question about images, with room for the visual tokens between them."""

from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from budget.chat import Question, as_chat
from budget.chat_texts import IMAGE, VICUNA_V1, from_template, vicuna_v1
from budget.text_stream import open_ids

__all__ = ["IMAGE", "VICUNA_V1", "Prompt", "PromptIds"]


class PromptIds(NamedTuple):
    """Token ids around the images of a prompt.

    Attributes:
        parts: one more list of ids than there are images: before the first one (the start token
            included), between them, behind the last one.
    """

    parts: tuple[list[int], ...]

    @property
    def before(self) -> list[int]:
        """Ids before the first image."""
        return self.parts[0]

    @property
    def after(self) -> list[int]:
        """Ids behind the last image."""
        return self.parts[-1]

    @property
    def text_tokens(self) -> int:
        """Length of the prompt without visual tokens."""
        return sum(map(len, self.parts))


class Prompt:
    """Turns questions and chats into prompts as the model was trained on them.

    A tokenizer with a chat template decides itself; without one the vicuna_v1 template of LLaVA
    is used. Images stand before the text of their turn. The text is split at the images and its
    parts are tokenised on their own; what a text says of image marks stays text.

    Args:
        tokenizer: a transformers tokenizer.
        image_token: what the chat template writes for an image.
    """

    def __init__(self, tokenizer: Any, image_token: str = IMAGE) -> None:
        self.tokenizer = tokenizer
        self.image_token = image_token
        self._start_ids = lru_cache(maxsize=64)(self._tokenise_start)

    @cached_property
    def open_ids(self) -> frozenset[int]:
        """Ids of tokens behind which a text may still change; see ``budget.text_stream``."""
        return open_ids(self.tokenizer)

    def render(self, question: Question, images: int | None = None) -> tuple[str, ...]:
        """Return the texts before, between and behind the images.

        Args:
            question: a text or a chat.
            images: how many there are; by default as many as a chat has, and one of a text.

        Raises:
            ValueError: if a chat has another number of images, or the template cannot write it.
        """
        chat = as_chat(question, images)
        if self.tokenizer.chat_template:
            return from_template(self.tokenizer, chat, (self.image_token, IMAGE))
        return vicuna_v1(chat, self.tokenizer)

    def ids(self, question: Question, images: int | None = None) -> PromptIds:
        """Return the token ids around the images; args and errors are those of ``render``."""
        first, *others = self.render(question, images)
        rest = [self.tokenizer(text, add_special_tokens=False).input_ids for text in others]
        return PromptIds((self._start_ids(first), *rest))

    def answer_ids(self, question: Question, answer: str, images: int | None = None) -> list[int]:
        """Return the token ids of an answer as it stands behind the prompt of its question.

        A space comes first unless the prompt ends in one, as in LLaVA's training; how a tokenizer
        begins a text does not matter, for prompt and answer are tokenised together.

        Raises:
            ValueError: if the answer has no text, or the end of the prompt is tokenised otherwise
                with the answer behind it.
        """
        if not (answer := answer.strip()):
            raise ValueError("an answer needs some text, got none")
        prompt = self.render(question, images)[-1]
        between = "" if prompt[-1:].isspace() else " "
        before, both = (
            self.tokenizer(text, add_special_tokens=False).input_ids
            for text in (prompt, f"{prompt}{between}{answer}")
        )
        if both[: len(before)] != before or len(both) == len(before):
            raise ValueError(
                f"the answer {answer!r:.40} merges with the prompt's end {prompt!r:.40}"
            )
        ids: list[int] = both[len(before) :]
        return ids

    def _tokenise_start(self, text: str) -> list[int]:
        """Tokenise with exactly one start token, if the tokenizer has any."""
        start = self.tokenizer.bos_token
        special = not (start and text.startswith(start))
        ids: list[int] = self.tokenizer(text, add_special_tokens=special).input_ids
        return ids

    def decode(self, ids: list[int]) -> str:
        """Return the text of generated ids, stripped and without special tokens."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text.strip()
