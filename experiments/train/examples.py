"""Training data in memory: pictures, and the tokenised questions of each picture."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from budget.errors import DataError
from budget.pictures import as_shown
from budget.prompt import Prompt
from budget.shrink import resize_padded

_GREY = (123, 117, 104)  # CLIP's mean colour
# Question and answer of every question of every picture.
Texts = list[list[tuple[str, str]]]


class Pair(NamedTuple):
    """One tokenised question.

    Attributes:
        ids: ids behind the image: question, then answer and stop token.
        answer: index in ``ids`` of the answer's first token.
    """

    ids: list[int]
    answer: int


class TrainingSet(NamedTuple):
    """Pictures with their questions.

    Attributes:
        pixels: RGB values 0..255, shape [n, side, side, 3].
        texts: question and answer of every question of every picture.
        patch_labels: class of every patch, shape [n, channels, grid, grid]; -100 is ignored.
            None if the data has none.
        class_words: the word for every class of every channel of ``patch_labels``, empty where
            there is none. None if the classes have no names.
        drills: question and answer of more questions of every picture, for a language model's
            first steps. None if there are none.
    """

    pixels: NDArray[np.uint8]
    texts: Texts
    patch_labels: NDArray[np.int16] | None
    class_words: tuple[tuple[str, ...], ...] | None = None
    drills: Texts | None = None


def from_rows(rows: Iterable[dict[str, Any]], side: int) -> TrainingSet:
    """Gather rows that show the same picture.

    Args:
        rows: image (PIL), question, answers, and patch_labels if the data has them.
        side: pixels that every picture is padded and resized to.

    Raises:
        DataError: if there is no row, or a row has no answer or an image that cannot be shown, or
            label maps differ in shape.
    """
    pictures: dict[str, int] = {}
    pixels: list[NDArray[np.uint8]] = []
    texts: Texts = []
    labels: list[NDArray[np.int16]] = []
    for number, row in enumerate(rows):
        if not row["answers"]:
            raise DataError(f"row {number} has no answer; every row needs at least one")
        image = as_shown(row["image"], name=f"the image of row {number}")
        key = hashlib.sha256(image.tobytes() + repr(image.size).encode()).hexdigest()
        if key not in pictures:
            pictures[key] = len(pixels)
            pixels.append(np.asarray(_square(image, side), np.uint8))
            texts.append([])
            if row.get("patch_labels") is not None:
                labels.append(np.asarray(row["patch_labels"], np.int16))
        texts[pictures[key]].append((row["question"], row["answers"][0]))
    if not pixels:
        raise DataError("the data has no rows")
    if labels and (len(labels) != len(pixels) or len({x.shape for x in labels}) > 1):
        raise DataError(
            "patch_labels must be there for every picture, all of one shape, or for none"
        )
    return TrainingSet(np.stack(pixels), texts, np.stack(labels) if labels else None)


def _square(image: Image.Image, side: int) -> Image.Image:
    """Pad and resize; what would be less than half a pixel thin is padded before it is resized."""
    if max(image.size) >= 2 * side * min(image.size):
        return resize_padded(image, side, Image.Resampling.BICUBIC, _GREY)
    return ImageOps.pad(image, (side, side), Image.Resampling.BICUBIC, _GREY)


def word_tables(
    words: Sequence[Sequence[str]], classes: Sequence[int], tokenizer: Any
) -> tuple[torch.Tensor, ...]:
    """Return, per channel, which token names each class: its word's first.

    Args:
        words: the word for every class of every channel, empty where there is none.
        classes: classes of every channel, as many as its words or fewer.
        tokenizer: of the language model.

    Returns:
        One tensor a channel, shape [classes, vocabulary], 0 or 1.
    """
    tables = []
    for names, count in zip(words, classes, strict=True):
        table = torch.zeros(count, len(tokenizer))
        for index, word in enumerate(names[:count]):
            if word:
                table[index, tokenizer(" " + word, add_special_tokens=False).input_ids[0]] = 1
        tables.append(table)
    return tuple(tables)


def tokenise(texts: Sequence[Sequence[tuple[str, str]]], prompt: Prompt) -> list[list[Pair]]:
    """Tokenise every question as the model will be asked, followed by its answer."""
    stop = prompt.tokenizer.eos_token_id
    known: dict[tuple[str, str], Pair] = {}
    for question, answer in {text for picture in texts for text in picture}:
        behind = prompt.ids(question).after
        answer_ids = prompt.tokenizer(" " + answer, add_special_tokens=False).input_ids
        known[question, answer] = Pair([*behind, *answer_ids, stop], len(behind))
    return [[known[text] for text in picture] for picture in texts]


class Packed(NamedTuple):
    """Questions of a batch of pictures, all behind one visual prefix per picture.

    Attributes:
        ids: shape [b, questions * length]; padded behind each question.
        length: tokens each question is padded to.
        rows: picture of every supervised position, shape [n].
        positions: its index in ``ids``, shape [n]: the token that predicts.
        targets: the token to predict, shape [n].
    """

    ids: torch.Tensor
    length: int
    rows: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor


def pack(pairs: Sequence[Sequence[Pair]], questions: int, pad: int) -> Packed:
    """Lay ``questions`` questions of each picture side by side, repeating where there are fewer."""
    chosen = [[picture[i % len(picture)] for i in range(questions)] for picture in pairs]
    length = max(len(pair.ids) for picture in chosen for pair in picture)
    ids = np.full((len(pairs), questions * length), pad, np.int64)
    supervised: list[tuple[int, int, int]] = []
    for row, picture in enumerate(chosen):
        for slot, pair in enumerate(picture):
            start = slot * length
            ids[row, start : start + len(pair.ids)] = pair.ids
            for i in range(pair.answer, len(pair.ids)):
                supervised.append((row, start + i - 1, pair.ids[i]))
    rows, positions, targets = zip(*supervised, strict=True)
    return Packed(
        torch.from_numpy(ids),
        length,
        torch.tensor(rows),
        torch.tensor(positions),
        torch.tensor(targets),
    )
