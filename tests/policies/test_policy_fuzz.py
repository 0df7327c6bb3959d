"""Policy files that someone has tampered with: an error in one line, or the very same policy."""

import copy
import hashlib
import json
import os
import struct

import numpy as np
import pytest

from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies import load_policy
from policies.features import current_schema
from policies.lightgbm_text import parse_model
from policies.ordinal import OrdinalScores
from policies.policy_files import save_policy
from policies.pricing import fit_score_policy
from policies.scores import LightGBMScores

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
ARRAYS = "arrays.safetensors"


@pytest.fixture(scope="module")
def probe():
    return np.random.default_rng(0).random((20, len(current_schema()))) * 10


@pytest.fixture(scope="module", params=["trees", "nested"])
def saved(request, tmp_path_factory, probe):
    """A policy of texts alone, and one of a part with arrays and texts; with its predictions."""
    X = np.random.default_rng(1).random((120, len(current_schema())))
    y = (X[:, :3] > 0.4).astype(float)
    trees = LightGBMScores(max_trees=3, min_data_in_leaf=5, lambda_l2=0.0)
    policy = fit_score_policy(
        fit_features=X[:80],
        fit_scores=y[:80],
        calibration_features=X[80:],
        calibration_scores=y[80:],
        ladder=ScaleLadder((1, 4, 16)),
        predictor=trees if request.param == "trees" else OrdinalScores(base="logistic"),
    )
    folder = tmp_path_factory.mktemp("fuzz") / "policy"
    save_policy(policy, folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return files, tuple(policy.table), policy.predictor.predict(probe)


class Target:
    """A folder that mutated files are written to, one after the other."""

    def __init__(self, folder, saved, probe):
        self.folder = folder
        self.files, self.table, self.scores = saved
        self.probe = probe
        self.content = json.loads(self.files["policy.json"])
        self.refused = self.accepted = 0
        folder.mkdir()

    def put(self, changed):
        """Write all files, some of them changed; None is a file that is missing."""
        for name, data in (self.files | changed).items():
            if data is None:
                (self.folder / name).unlink(missing_ok=True)
            else:
                (self.folder / name).write_bytes(data)

    def put_json(self, content):
        self.put({"policy.json": json.dumps(content).encode()})

    def put_with_hash(self, name, data):
        """Change a file and make policy.json say that this is right."""
        content = copy.deepcopy(self.content)
        for file in content["files"]:
            if file["name"] == name:
                file |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        self.put({name: data, "policy.json": json.dumps(content).encode()})

    def refuses_or_loads(self):
        """Load what is there; return the policy, or None if it was refused in one line."""
        said = ""
        try:
            policy = load_policy(self.folder)
        except PolicyError as error:
            policy, said = None, str(error)
        assert len(said) < 2_000
        self.refused += policy is None
        self.accepted += policy is not None
        return policy

    def refuses_or_is_the_same(self):
        policy = self.refuses_or_loads()
        if policy is not None:
            assert (policy.predictor.predict(self.probe) == self.scores).all()
            assert all((a == b).all() for a, b in zip(policy.table, self.table, strict=True))


@pytest.fixture
def target(saved, probe, tmp_path):
    return Target(tmp_path / "policy", saved, probe)


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


# What a policy is free to say: anything else than what was saved is another policy, and legal.
FREE = {"prices", "rung_costs", "cost_unit", "ladder"}


def settings_in(content):
    """Return what the predictor's settings are; another legal one is another policy, too."""
    predictor = content.get("predictor")
    return predictor.get("settings") if isinstance(predictor, dict) else None


def fuzz_json(target, rng, rounds):
    for _ in range(rounds):
        content = mutate_json(target.content, rng)
        target.put_json(content)
        same = all(content.get(key) == target.content[key] for key in FREE)
        if same and settings_in(content) == settings_in(target.content):
            target.refuses_or_is_the_same()
        else:
            target.refuses_or_loads()
    assert target.refused > 0.8 * rounds


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
        if name == "policy.json":
            target.refuses_or_loads()
            continue
        target.refuses_or_is_the_same()
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
    fuzz_json(target, np.random.default_rng(0), 100)


def test_files_with_bytes_changed(target):
    fuzz_bytes(target, np.random.default_rng(1), 50)


@pytest.mark.parametrize("saved", ["trees"], indirect=True)
def test_lightgbm_texts_with_numbers_changed(target):
    fuzz_texts(target, np.random.default_rng(2), 150)


@pytest.mark.slow
def test_many_mutations(target):
    rng = np.random.default_rng(3)
    fuzz_json(target, rng, 3_000)
    fuzz_bytes(target, rng, 3_000)
    if "predictor-rung_0.txt" in target.files:
        fuzz_texts(target, rng, 3_000)


def safetensors(header, body):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(dtype, shape, start, stop):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def header_of(data):
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def lie(**changes):
    """Return a change of safetensors bytes: the prices' entry says something else."""

    def change(data):
        header, body = header_of(data)
        header["calibration/prices"] |= changes
        return safetensors(header, body)

    return change


def fill(value):
    """Return a change of safetensors bytes: one price is another number."""

    def change(data):
        header, body = header_of(data)
        start = header["calibration/prices"]["data_offsets"][0]
        return safetensors(header, body[:start] + struct.pack("<d", value) + body[start + 8 :])

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:7],
        lambda data: data[:60],
        lambda data: data[:-1],
        lambda data: data + b"\0" * 8,
        lambda data: b"\xff" * 8 + data[8:],
        lambda data: struct.pack("<Q", 2**40) + data[8:],
        lambda data: safetensors(b"[" * 50_000, b""),
        lambda data: safetensors(b'{"a":' * 50_000, b""),
        lambda data: safetensors({}, b""),
        lambda data: safetensors({"x": entry("F64", [1], 0, 8)}, b"\0" * 8),
        lie(shape=[2**62, 2**62]),
        lie(shape=[2**63 - 1]),
        lie(shape=[-1]),
        lie(shape=[0]),
        lie(shape=[1] * 200),
        lie(dtype="BF16"),
        lie(dtype="BOOL"),
        lie(dtype="I64"),
        lie(dtype="pickle"),
        lie(data_offsets=[0, 2**60]),
        lie(data_offsets=[8, 0]),
        fill(float("nan")),
        fill(float("inf")),
        fill(1e300),
        fill(-1.0),
    ],
)
def test_arrays_that_lie_are_refused(target, change):
    target.put_with_hash(ARRAYS, change(target.files[ARRAYS]))
    assert target.refuses_or_loads() is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 200_000,
        '{"predictor":' * 200_000,
        '{"format_version": NaN}',
        '{"format_version": 2, "ladder": [' + "9" * 100_000 + "]}",
        "\ud800",
        " " * 5_000_000,
    ],
)
def test_a_policy_file_that_is_no_json_of_ours_is_refused(target, text):
    target.put({"policy.json": text.encode("utf-8", "surrogatepass")})
    assert target.refuses_or_loads() is None


def test_parts_nested_without_end_are_refused(target):
    content = copy.deepcopy(target.content)
    node = content["predictor"]
    for _ in range(60):
        node = {
            "kind": "ordinal",
            "settings": {},
            "arrays": [],
            "texts": [],
            "parts": {"base": node},
        }
    target.put_json(content | {"predictor": node})
    assert target.refuses_or_loads() is None


@pytest.mark.parametrize("name", ["../x", "/etc/hostname", "a/b", "..", "policy.json", "a\0b"])
def test_no_file_outside_of_the_folder_is_ever_named(target, name):
    for at in range(len(target.content["files"])):
        content = copy.deepcopy(target.content)
        content["files"][at]["name"] = name
        target.put_json(content)
        assert target.refuses_or_loads() is None
    content = copy.deepcopy(target.content)
    content["predictor"]["texts"].append(name)
    target.put_json(content)
    assert target.refuses_or_loads() is None


def test_links_and_pipes_in_the_place_of_files(target, tmp_path):
    """A link is as good as what it leads to; a pipe without a writer must not be waited for."""
    target.put({})
    place, elsewhere = target.folder / ARRAYS, tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    target.refuses_or_is_the_same()
    assert target.accepted == 1
    for where in ("/dev/zero", "/etc/hostname", str(target.folder), str(place)):
        place.unlink()
        place.symlink_to(where)
        assert target.refuses_or_loads() is None
    place.unlink()
    os.mkfifo(place)
    assert target.refuses_or_loads() is None
