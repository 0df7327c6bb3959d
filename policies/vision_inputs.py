"""What a model holds of a sample before its language model starts: visual tokens and words.

M3 and MQT run the vision encoder whatever the number of tokens is, and the embeddings of the
question's words are rows of a table. So both are there, nearly free, when the scale is chosen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

BATCH = 64
MAX_WORDS = 48


class EncodingModel(Protocol):
    """What is needed of a model; nothing inherits from this."""

    def encode(self, images: Sequence[Any]) -> "list[torch.Tensor]":
        """Return, per image, the tokens that every scale is made from, shape [p, d]."""
        ...

    def embed_questions(self, questions: Sequence[str]) -> "list[torch.Tensor]":
        """Return, per question, the embeddings of its tokens, shape [t, d]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class VisionInputs:
    """Visual tokens and question words of n samples, in half precision.

    Attributes:
        tokens: what every scale is made from, shape [n, p, d].
        words: embeddings of the question's first tokens, zeros behind its end, shape [n, w, d].
        lengths: how many tokens of the question there are, shape [n], at most w.
    """

    tokens: NDArray[np.float16]
    words: NDArray[np.float16]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, picked: "NDArray[np.int64] | slice") -> "VisionInputs":
        """Return some samples."""
        return VisionInputs(self.tokens[picked], self.words[picked], self.lengths[picked])


def make_inputs(
    features: "Sequence[torch.Tensor]", words: "Sequence[torch.Tensor]"
) -> VisionInputs:
    """Return the inputs of samples that were encoded before.

    Args:
        features: of each image, from ``encode``, shape [p, d]; with tiles [grids, p, d], of which
            the first, the whole image, is taken.
        words: of each question, from ``embed_questions``, shape [t, d]; what is behind the first
            ``MAX_WORDS`` tokens is left out.
    """
    grids = [each if each.ndim == 2 else each[0] for each in features]
    width = grids[0].shape[-1]
    lengths = np.array([min(len(each), MAX_WORDS) for each in words], dtype=np.int64)
    padded = np.zeros((len(words), max(1, int(lengths.max())), width), np.float16)
    for row, each, length in zip(padded, words, lengths, strict=True):
        row[:length] = each[:length].float().cpu().numpy()
    tokens = np.stack([each.float().cpu().numpy() for each in grids]).astype(np.float16)
    return VisionInputs(tokens, padded, lengths)


def join_inputs(parts: Sequence[VisionInputs]) -> VisionInputs:
    """Return several batches as one; shorter questions are filled up with zeros."""
    width = max(part.words.shape[1] for part in parts)
    words = [
        np.pad(part.words, ((0, 0), (0, width - part.words.shape[1]), (0, 0))) for part in parts
    ]
    return VisionInputs(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate(words),
        np.concatenate([part.lengths for part in parts]),
    )


def read_inputs(
    model: EncodingModel,
    batches: Iterator[tuple[Sequence[Any], Sequence[str]]],
    progress: Callable[[int], object] = lambda done: None,
) -> VisionInputs:
    """Run the vision encoder over batches of images and questions.

    Args:
        model: whose tokens they are.
        batches: of images and questions, one question per image.
        progress: told how many samples are done, after every batch.
    """
    parts: list[VisionInputs] = []
    done = 0
    for images, questions in batches:
        parts.append(make_inputs(model.encode(images), model.embed_questions(questions)))
        done += len(questions)
        progress(done)
    return join_inputs(parts)
