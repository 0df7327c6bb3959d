"""Token ids of a question about images, with room for the visual tokens between them."""

from functools import lru_cache
from typing import Any, NamedTuple

IMAGE = "<image>"

VICUNA_V1 = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions. "
    f"USER: {IMAGE}\n{{question}} ASSISTANT:"
)


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
    """Turns questions into prompts as the model was trained on them.

    A tokenizer with a chat template decides itself; without one the vicuna_v1 template of LLaVA
    is used. All images stand before the question. The text is split at the images and its parts
    are tokenised on their own; what a question says of image marks stays text.

    Args:
        tokenizer: a transformers tokenizer.
        image_token: what the chat template writes for an image.
    """

    def __init__(self, tokenizer: Any, image_token: str = IMAGE) -> None:
        self.tokenizer = tokenizer
        self.image_token = image_token
        self._start_ids = lru_cache(maxsize=64)(self._tokenise_start)

    def render(self, question: str, images: int = 1) -> tuple[str, ...]:
        """Return the texts before, between and behind the images."""
        if not self.tokenizer.chat_template:
            filled = VICUNA_V1.replace(f"{IMAGE}\n", f"{IMAGE}\n" * images)
            *marked, last = filled.split(IMAGE)
            return (*marked, last.replace("{question}", question))
        content = [*[{"type": "image"}] * images, {"type": "text", "text": question}]
        text = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        for mark in (self.image_token, IMAGE):
            parts = tuple(text.split(mark, images)) if images else (text,)
            if len(parts) == images + 1:
                return parts
        wanted = "an image" if images == 1 else f"each of {images} images"
        raise ValueError(f"the chat template writes no {self.image_token} for {wanted}: {text!r}")

    def ids(self, question: str, images: int = 1) -> PromptIds:
        """Return the token ids around the images."""
        first, *others = self.render(question, images)
        rest = [self.tokenizer(text, add_special_tokens=False).input_ids for text in others]
        return PromptIds((self._start_ids(first), *rest))

    def answer_ids(self, question: str, answer: str, images: int = 1) -> list[int]:
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
