"""Policy files with something changed at random: an error in one line, or the very same policy."""

import copy

import numpy as np
import pytest

from budget.errors import PolicyError
from policies.features import current_schema
from policies.lightgbm_text import parse_model

JUNK = [
    None,
    True,
    False,
    0,
    -1,
    3,
    2**63,
    10**400,
    0.5,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "../../etc/passwd",
    "/etc/passwd",
    "a\x00b",
    "🙂" * 500,
    "0" * 64,
    [],
    {},
    [[]],
    [None] * 50,
    {"kind": "mean"},
]


def places(value, path=()):
    """Return every place in a JSON value, the whole of it first."""
    found = [path]
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in items:
            if path[-1:] != ("names",) or key in (0, 7):  # of the 149 features two are enough
                found += places(below, (*path, key))
    return found


def mutate_json(content, rng):
    """Return the content with one place removed, replaced, doubled, or with something added."""
    content = copy.deepcopy(content)
    every = places(content)[1:]
    *path, key = every[rng.integers(len(every))]
    parent = content
    for step in path:
        parent = parent[step]
    junk = copy.deepcopy(JUNK[rng.integers(len(JUNK))])
    how = rng.integers(4)
    if how == 0:
        del parent[key]
    elif how == 1 and isinstance(parent, dict):
        parent[["extra", "kind", "../x", "name", "0"][rng.integers(5)]] = junk
    elif how == 2 and isinstance(parent, list):
        parent.insert(int(rng.integers(len(parent) + 1)), copy.deepcopy(parent[key]))
    else:
        parent[key] = junk
    return content


def fuzz_json(target, rng, rounds):
    """Change one thing in policy.json, once with and once without a sum that fits."""
    for _ in range(rounds):
        content = mutate_json(target.content, rng)
        target.put_json(content, sums_fit=False)
        target.refuses_or_is_the_same()
        target.put_json(content)
        policy = target.refuses_or_loads()
        if policy is not None:  # another policy, but a proper one
            assert np.isfinite(policy.predictor.predict(target.probe)).all()
            assert policy.choose_from(target.scores).max() < len(policy.ladder)
    assert target.refused > 1.6 * rounds


def mutate_bytes(data, rng):
    """Return the bytes with a few flipped, cut out, put in, or the end missing."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(data)))
        how = rng.integers(4)
        if how == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif how == 1:
            del data[at : at + int(rng.integers(1, 40))]
        elif how == 2:
            data[at:at] = bytes(rng.integers(0, 256, size=int(rng.integers(1, 9)), dtype=np.uint8))
        else:
            del data[max(at, 1) :]
    return bytes(data)


def fuzz_bytes(target, rng, rounds):
    """Change bytes of any file, once with and once without a hash that fits."""
    names = sorted(target.files)
    for _ in range(rounds):
        name = names[rng.integers(len(names))]
        data = mutate_bytes(target.files[name], rng)
        target.put({name: data})
        target.refuses_or_is_the_same()
        if name == "policy.json":
            continue
        target.put_with_hash(name, data)
        policy = target.refuses_or_loads()
        if policy is not None:  # other numbers, but proper ones
            assert np.isfinite(policy.predictor.predict(target.probe)).all()


NUMBERS = ["0", "-1", "1", "99999", "-99999", "nan", "1e999", "1e308", "", "0x1", "1.5", "9" * 50]
KEYS = (
    "left_child",
    "right_child",
    "split_feature",
    "threshold",
    "leaf_value",
    "decision_type",
    "num_leaves",
    "num_class",
    "num_cat",
    "max_feature_idx",
    "Tree",
    "objective",
)


def mutate_text(text, rng):
    """Return a LightGBM text in which a few numbers that its structure hangs on are others."""
    lines = text.split("\n")
    for _ in range(rng.integers(1, 4)):
        key = KEYS[rng.integers(len(KEYS))]
        rows = [i for i, line in enumerate(lines) if line.startswith(f"{key}=")]
        if not rows:
            continue
        row = rows[rng.integers(len(rows))]
        numbers = lines[row].removeprefix(f"{key}=").split(" ")
        at, how = int(rng.integers(len(numbers))), rng.integers(5)
        if how == 0:
            del numbers[at]
        elif how == 1:
            numbers.insert(at, numbers[at])
        elif how == 2:
            other = int(rng.integers(len(numbers)))
            numbers[at], numbers[other] = numbers[other], numbers[at]
        elif how == 3:
            del lines[row]
            continue
        else:
            numbers[at] = NUMBERS[rng.integers(len(NUMBERS))]
        lines[row] = f"{key}=" + " ".join(numbers)
    return "\n".join(lines)


def ends_in_a_leaf(tree):
    """Walk both ways from every inner node: as many steps as nodes must reach leaves alone."""
    left, right = (
        np.array(side.split(), dtype=int) for side in (tree.left_child, tree.right_child)
    )
    reached, frontier = [], [0] if len(left) else []
    while frontier:
        node = frontier.pop()
        for child in (left[node], right[node]):
            reached.append(child)
            if child >= 0:
                frontier.append(child)
        assert len(reached) <= 2 * len(left)
    return (
        sorted(reached) == [*range(-len(left) - 1, 0), *range(1, len(left))] if len(left) else True
    )


def fuzz_texts(target, rng, rounds):
    name = "predictor-rung_0.txt"
    text = target.files[name].decode()
    for _ in range(rounds):
        mutated = mutate_text(text, rng)
        try:
            model = parse_model(mutated, len(current_schema()))
        except PolicyError:
            target.refused += 1
            continue
        assert all(ends_in_a_leaf(tree) for tree in model.trees)
        target.put_with_hash(name, mutated.encode())
        policy = target.refuses_or_loads()
        assert np.isfinite(policy.predictor.predict(target.probe)).all()
    assert target.refused > 0.5 * rounds


def test_a_policy_file_with_one_thing_changed(target):
    fuzz_json(target, np.random.default_rng(0), 80)


def test_files_with_bytes_changed(target):
    fuzz_bytes(target, np.random.default_rng(1), 50)


@pytest.mark.parametrize("saved", ["trees"], indirect=True)
def test_lightgbm_texts_with_numbers_changed(target):
    fuzz_texts(target, np.random.default_rng(2), 150)


@pytest.mark.slow
def test_many_mutations(target):
    rng = np.random.default_rng(3)
    fuzz_json(target, rng, 1_500)
    fuzz_bytes(target, rng, 1_500)
    if "predictor-rung_0.txt" in target.files:
        fuzz_texts(target, rng, 1_500)
