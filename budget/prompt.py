"""From a question to the token ids before and after the image."""

from functools import lru_cache
from typing import Any, NamedTuple

IMAGE = "<image>"

VICUNA_V1 = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions. "
    f"USER: {IMAGE}\n{{question}} ASSISTANT:"
)


class PromptIds(NamedTuple):
    """Token ids around the image.

    Attributes:
        before: ids before the visual tokens, the start token included.
        after: ids behind them.
    """

    before: list[int]
    after: list[int]


class Prompt:
    """Turns questions into prompts as the model was trained on them.

    A tokenizer with a chat template decides itself; without one the vicuna_v1 template of LLaVA
    is used. The text is split at the image and its two parts are tokenised on their own.

    Args:
        tokenizer: a transformers tokenizer.
        image_token: what the chat template writes for the image.
    """

    def __init__(self, tokenizer: Any, image_token: str = IMAGE) -> None:
        self.tokenizer = tokenizer
        self.image_token = image_token
        self._start_ids = lru_cache(maxsize=64)(self._tokenise_start)

    def render(self, question: str) -> tuple[str, str]:
        """Return the text before and after the image."""
        if not self.tokenizer.chat_template:
            before, _, after = VICUNA_V1.partition(IMAGE)
            return before, after.replace("{question}", question)
        content = [{"type": "image"}, {"type": "text", "text": question}]
        text = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        for mark in (self.image_token, IMAGE):
            before, found, after = text.partition(mark)
            if found:
                return before, after
        raise ValueError(f"the chat template writes no {self.image_token} for an image: {text!r}")

    def ids(self, question: str) -> PromptIds:
        """Return the token ids around the image."""
        before, after = self.render(question)
        after_ids = self.tokenizer(after, add_special_tokens=False).input_ids
        return PromptIds(self._start_ids(before), after_ids)

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
