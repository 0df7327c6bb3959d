"""Keys are read from where they are kept, and every one of them is compared."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.errors import DataError
from budget.serving.keys import Keys, read_keys


@given(st.lists(st.text(min_size=1), max_size=4), st.text())
def test_a_key_opens_if_and_only_if_it_is_known(known, key):
    assert Keys.of(known).open_to(key) == (key in known)


def test_every_key_is_compared_whichever_matches(monkeypatch):
    compared = []

    def counting(a, b, real=hmac.compare_digest):
        compared.append(len(a) == len(b))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    keys = Keys.of(["a", "much longer key", "c"])
    assert keys.open_to("a")
    assert not keys.open_to("x")
    assert compared == [True] * 6


def test_keys_are_not_shown():
    assert "secret" not in repr(Keys.of(["secret"]))


def test_keys_come_from_a_file_and_from_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "keys.txt"
    file.write_text("# for the first team\nfrom-file\n\nother-file # until June\n")
    monkeypatch.setenv("SERVE_KEYS", "from-env, second-env")
    keys = read_keys(file, "SERVE_KEYS")
    known = ("from-file", "other-file", "from-env", "second-env")
    assert all(keys.open_to(key) for key in known)
    assert not any(keys.open_to(key) for key in ("", "for the first team", "until June"))
    assert not read_keys(None, None)


def test_a_place_without_a_key_is_refused_and_does_not_open_the_server(tmp_path, monkeypatch):
    (tmp_path / "empty.txt").write_text("# none yet\n")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("EMPTY_KEYS", " , ")
    for file, variable in (
        (tmp_path / "empty.txt", None),
        (tmp_path / "bytes.txt", None),
        (tmp_path / "missing.txt", None),
        (None, "EMPTY_KEYS"),
        (None, "NO_SUCH_KEYS"),
    ):
        with pytest.raises(DataError):
            read_keys(file, variable)
