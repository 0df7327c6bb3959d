"""LightGBM's text format, checked line by line before the native parser sees it.

LightGBM's own parser trusts its input: a child index out of range aborts the process and a cycle
of children never returns. A model that is loaded is therefore parsed here first, and what is
handed on is written anew from the checked numbers, with nothing else of the file in it.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.errors import PolicyError

MAX_CHARACTERS = 64_000_000
MAX_TREES = 5_000
MAX_LEAVES = 1_024
MAX_LEAF_VALUE = 1e30  # so that sums of them are numbers
OBJECTIVES = ("cross_entropy", "regression")
_INTEGERS = re.compile(r"-?\d{1,9}(?: -?\d{1,9})*")
_NUMBER = r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][-+]?\d{1,3})?"
_NUMBERS = re.compile(rf"{_NUMBER}(?: {_NUMBER})*")
# Bit 0 would be a categorical split; bit 1 is the way of a missing value, bits 2 and 3 its kind.
_DECISIONS = (0, 2, 4, 6, 8, 10)


class Tree(NamedTuple):
    """One tree, its numbers as the file spells them, each list checked.

    Attributes:
        split_feature: column of each inner node, [num_leaves - 1].
        threshold: go left at or below it, [num_leaves - 1].
        decision_type: how missing values go, [num_leaves - 1].
        left_child: an inner node above this one, or ~leaf, [num_leaves - 1].
        right_child: likewise.
        leaf_value: [num_leaves].
    """

    split_feature: str
    threshold: str
    decision_type: str
    left_child: str
    right_child: str
    leaf_value: str


class Model(NamedTuple):
    """A checked model: what it predicts and its trees."""

    objective: str
    num_features: int
    trees: tuple[Tree, ...]


def parse_model(text: str, num_features: int) -> Model:
    """Check the text of a model and return what of it is needed to predict.

    Args:
        text: as ``Booster.model_to_string`` or :func:`format_model` wrote it.
        num_features: columns that the model may split on.

    Raises:
        PolicyError: if anything is missing, out of range, not finite, or not a tree.
    """
    if len(text) > MAX_CHARACTERS:
        raise _bad(f"it has {len(text)} characters, at most {MAX_CHARACTERS} are read")
    body, end, _ = text.partition("\nend of trees")
    head, *blocks = re.split(r"\n+(?=Tree=\d+\n)", body)
    if not end or not head.startswith("tree\n"):
        raise _bad("it does not start with 'tree' and stop with 'end of trees'")
    fields = _fields(head)
    for key, value in (("num_class", "1"), ("num_tree_per_iteration", "1")):
        if fields.get(key) != value:
            raise _bad(f"{key} must be {value}, got {fields.get(key)!r:.40}")
    if fields.get("max_feature_idx") != str(num_features - 1):
        found = fields.get("max_feature_idx")
        raise _bad(f"max_feature_idx must be {num_features - 1}, got {found!r:.40}")
    if (objective := fields.get("objective", "")) not in OBJECTIVES:
        raise _bad(f"objective must be one of {OBJECTIVES}, got {objective!r:.40}")
    if not 1 <= len(blocks) <= MAX_TREES:
        raise _bad(f"it has {len(blocks)} trees, legal are 1 to {MAX_TREES}")
    trees = tuple(_parse_tree(i, block, num_features) for i, block in enumerate(blocks))
    return Model(objective, num_features, trees)


def _parse_tree(index: int, block: str, num_features: int) -> Tree:
    fields = _fields(block)
    if fields.get("Tree") != str(index):
        raise _bad(f"tree {index} is numbered {fields.get('Tree')!r:.40}")
    if fields.get("num_cat", "0") != "0" or fields.get("is_linear", "0") != "0":
        raise _bad(f"tree {index} has categorical splits or linear leaves; neither is read")
    num_leaves = int(_integers(index, fields, "num_leaves", 1)[0])
    if not 1 <= num_leaves <= MAX_LEAVES:
        raise _bad(f"tree {index} has num_leaves {num_leaves}, legal are 1 to {MAX_LEAVES}")
    leaves = _numbers(index, fields, "leaf_value", num_leaves)
    if (np.abs(leaves) > MAX_LEAF_VALUE).any():
        raise _bad(f"tree {index} has a leaf_value beyond {MAX_LEAF_VALUE:g}")
    inner = num_leaves - 1
    if inner:
        _numbers(index, fields, "threshold", inner)
        _within(index, fields, "split_feature", inner, range(num_features))
        _within(index, fields, "decision_type", inner, _DECISIONS)
        left = _integers(index, fields, "left_child", inner)
        right = _integers(index, fields, "right_child", inner)
        _check_children(index, left, right, num_leaves)
    return Tree(*(fields.get(key, "") for key in Tree._fields))


def _check_children(
    index: int, left: NDArray[np.int64], right: NDArray[np.int64], num_leaves: int
) -> None:
    """Demand that every inner node but the first, and every leaf, is the child of one node.

    LightGBM numbers a node after its parent, so a child with a larger number rules out cycles.
    """
    parents = np.arange(num_leaves - 1)
    for children in (left, right):
        if ((children >= 0) & (children <= parents)).any():
            raise _bad(f"tree {index} has a child numbered before its parent, so maybe a cycle")
    children = np.sort(np.concatenate([left, right]))
    expected = np.concatenate([np.arange(-num_leaves, 0), np.arange(1, num_leaves - 1)])
    if not np.array_equal(children, expected):
        raise _bad(f"tree {index} has a child out of range or reached twice")


def _fields(block: str) -> dict[str, str]:
    """Return the key=value lines of a block.

    Raises:
        PolicyError: if a key comes twice.
    """
    pairs = [line.split("=", 1) for line in block.split("\n") if "=" in line]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _bad("a key comes twice in one block")
    return fields


def _integers(index: int, fields: dict[str, str], key: str, count: int) -> NDArray[np.int64]:
    text = fields.get(key, "")
    if not _INTEGERS.fullmatch(text):
        raise _bad(f"tree {index} has no list of integers {key}")
    values = np.array(text.split(" "), dtype=np.int64)
    _refuse_count(index, key, len(values), count)
    return values


def _numbers(index: int, fields: dict[str, str], key: str, count: int) -> NDArray[np.float64]:
    text = fields.get(key, "")
    if not _NUMBERS.fullmatch(text):
        raise _bad(f"tree {index} has no list of numbers {key}")
    values = np.array(text.split(" "), dtype=np.float64)
    if not np.isfinite(values).all():
        raise _bad(f"tree {index} has a number in {key} that is not finite")
    _refuse_count(index, key, len(values), count)
    return values


def _refuse_count(index: int, key: str, found: int, count: int) -> None:
    if found != count:
        raise _bad(f"tree {index} has {found} numbers in {key}, expected {count}")


def _within(index: int, fields: dict[str, str], key: str, count: int, legal: Iterable[int]) -> None:
    found = set(_integers(index, fields, key, count).tolist()) - set(legal)
    if found:
        raise _bad(f"tree {index} has {key} {min(found)}, which is out of range")


def _bad(problem: str) -> PolicyError:
    return PolicyError(f"the LightGBM model cannot be used: {problem}")


def format_model(model: Model) -> str:
    """Return a checked model as text for LightGBM's parser: its numbers and nothing else."""
    names = " ".join(f"Column_{i}" for i in range(model.num_features))
    head = (
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
        f"max_feature_idx={model.num_features - 1}\nobjective={model.objective}\n"
        f"feature_names={names}\nfeature_infos={' '.join(['none'] * model.num_features)}\n"
    )
    trees = "".join(_format_tree(i, tree) for i, tree in enumerate(model.trees))
    return f"{head}\n{trees}\nend of trees\n\npandas_categorical:null\n"


def _format_tree(index: int, tree: Tree) -> str:
    num_leaves = tree.leaf_value.count(" ") + 1
    lines = [f"Tree={index}", f"num_leaves={num_leaves}", "num_cat=0"]
    lines += [f"{key}={value}" for key, value in zip(Tree._fields, tree, strict=True)]
    return "\n".join([*lines, "is_linear=0", "shrinkage=1", "", "", ""])
