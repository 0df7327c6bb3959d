"""The feature table of prompts that have no image, with a fingerprint of its own.

The columns of ``policies.question_features`` and a few that tell code, arithmetic and other
scripts apart. The group (dataset) of a prompt is no column unless it is asked for: who knows the
dataset can choose per dataset, which is a baseline (:mod:`policies.per_group`), not what a policy
finds out.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from policies.features import FeatureSchema
from policies.question_features import (
    CHARACTER_BUCKETS,
    QUESTION_NAMES,
    WORD_BUCKETS,
    question_features,
)

# Raise it whenever a feature's value changes for the same prompt.
TEXT_VERSION = 1
# Longer prompts are looked at from both ends.
MAX_CHARACTERS = 20_000

_SHARES = {
    "digits": re.compile(r"[0-9]"),
    "capitals": re.compile(r"[A-Z]"),
    "not_ascii": re.compile(r"[^\x00-\x7f]"),
    "code_marks": re.compile(r"[{}()\[\];=<>_\\]"),
}
TEXT_NAMES = (
    "num_lines",
    "num_numbers",
    "longest_word",
    *(f"share_{name}" for name in _SHARES),
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def text_schema(groups: Sequence[str] = ()) -> FeatureSchema:
    """Return the schema that :func:`featurize_texts` computes.

    Args:
        groups: names of groups that get a column each; none by default.

    Raises:
        ValueError: if a group is named twice.
    """
    names = (
        *(f"text_{name}" for name in (*QUESTION_NAMES, *TEXT_NAMES)),
        *(f"group_{name}" for name in groups),
    )
    parameters: dict[str, int | tuple[int, ...]] = {
        "word_buckets": WORD_BUCKETS,
        "character_buckets": CHARACTER_BUCKETS,
        "max_characters": MAX_CHARACTERS,
    }
    return FeatureSchema(names, TEXT_VERSION, parameters)


def featurize_texts(
    prompts: Sequence[str], *, groups: Sequence[str] = (), known: Sequence[str] = ()
) -> NDArray[np.float64]:
    """Return the features of prompts, in the columns of ``text_schema(known)``.

    Args:
        prompts: n texts.
        groups: n groups; needed where ``known`` is given.
        known: groups that have a column; another group has 0 in all of them.

    Returns:
        Finite numbers, shape [n, d].

    Raises:
        ValueError: if there is not one group per prompt where groups are columns.
    """
    if known and len(groups) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts need as many groups, got {len(groups)}")
    shown = [_shortened(prompt) for prompt in prompts]
    rows = [_text_row(prompt) for prompt in shown]
    tables = [
        question_features(shown),
        np.array(rows, dtype=np.float64).reshape(len(prompts), len(TEXT_NAMES)),
    ]
    if known:
        flags = np.array(groups, dtype=object)[:, None] == np.array(known, dtype=object)
        tables.append(flags.astype(np.float64))
    return np.concatenate(tables, axis=1)


def _shortened(prompt: str) -> str:
    """Return a prompt without its middle where it is very long: the question stands at an end."""
    half = MAX_CHARACTERS // 2
    return prompt if len(prompt) <= MAX_CHARACTERS else f"{prompt[:half]}\n{prompt[-half:]}"


def _text_row(prompt: str) -> list[float]:
    words = prompt.split()
    length = max(1, len(prompt))
    return [
        float(prompt.count("\n") + 1),
        float(len(_NUMBER.findall(prompt))),
        float(max(map(len, words), default=0)),
        *(len(pattern.findall(prompt)) / length for pattern in _SHARES.values()),
    ]
