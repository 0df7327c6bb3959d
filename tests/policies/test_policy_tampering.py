"""Policy files that someone has tampered with on purpose: an error in one line, never a crash."""

import copy
import json
import os
import struct

import pytest

ARRAYS = "arrays.safetensors"


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
