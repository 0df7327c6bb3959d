import os

import pytest

from budget.errors import PolicyError
from policies.limited_file import read_at_most


def test_a_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "policy.json"
    path.write_bytes(b"12345")
    assert read_at_most(path, 5) == b"12345"
    with pytest.raises(PolicyError, match="is larger than 4 bytes, so it is not read"):
        read_at_most(path, 4)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(PolicyError, match="is no file"):
            read_at_most(tmp_path / name, 5)


def test_what_is_missing_is_left_for_the_caller_to_explain(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_at_most(tmp_path / "policy.json", 5)
