"""Text that comes piece by piece against decoding all at once, on both kinds of tokenizer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.models import load_model
from budget.text_stream import TextStream, held_back, open_ids


@pytest.fixture(scope="module")
def byte_tokenizer():
    """Bytes, and words of them."""
    return load_model("m3").tokenizer


@pytest.fixture(scope="module", params=["bytes", "pieces"])
def tokenizer(request, byte_tokenizer, m3):
    """The other kind: pieces of words, and bytes of characters that have no piece."""
    return byte_tokenizer if request.param == "bytes" else m3.model.tokenizer


texts = st.text(st.sampled_from("ab the.\n é→😀 \u3000\ufffd"), max_size=12) | st.text(max_size=6)
# Words, whole texts token by token, and tokens at random: half characters, special ones.
parts = st.one_of(texts, st.lists(st.integers(0, 511), max_size=6), st.integers(3, 258))
stops = st.lists(st.text(st.sampled_from("ab teh.\n é😀"), min_size=1, max_size=4), max_size=3)


def ids_of(tokenizer, drawn):
    ids = []
    for part in drawn:
        if isinstance(part, str):
            ids += tokenizer(part, add_special_tokens=False).input_ids
        else:
            ids += [part] if isinstance(part, int) else part
    return ids


def follow(tokenizer, ids, stop=()):
    """Feed tokens until a stop text is found; return stream, pieces, and the whole text."""
    stream = TextStream(tokenizer, open_ids(tokenizer), tuple(stop))
    pieces = []
    for token in ids:
        pieces.append(stream.add(token))
        if stream.stopped:
            break
    rest, text = stream.finish()
    return stream, [*pieces, rest], text


@given(st.lists(parts, max_size=6))
@settings(max_examples=300)
def test_pieces_together_are_what_decoding_all_at_once_gives(tokenizer, drawn):
    ids = ids_of(tokenizer, drawn)
    _, pieces, text = follow(tokenizer, ids)
    assert text == tokenizer.decode(ids, skip_special_tokens=True).strip()
    assert "".join(pieces) == text


@given(st.lists(parts, max_size=6), stops)
@settings(max_examples=300)
def test_a_stop_text_ends_and_cuts_the_text_wherever_tokens_end(tokenizer, drawn, stop):
    ids = ids_of(tokenizer, drawn)
    stream, pieces, text = follow(tokenizer, ids, stop)
    assert "".join(pieces) == text
    assert not any(each in text for each in stop)
    raw = tokenizer.decode(stream.ids, skip_special_tokens=True)
    if stream.stopped:
        assert any(
            raw[place:].startswith(each) and raw[:place].strip() == text
            for each in stop
            for place in range(len(raw))
        )
    else:
        assert stream.ids == ids
        assert raw.strip() == text
        assert not any(each in raw for each in stop)


def test_text_comes_with_the_token_that_makes_it_certain(tokenizer):
    ids = tokenizer("the one on the left", add_special_tokens=False).input_ids
    _, pieces, _ = follow(tokenizer, ids)
    for count in range(1, len(ids)):
        so_far = tokenizer.decode(ids[:count])
        assert "".join(pieces[:count]) == so_far.strip()


def test_no_half_character_comes(tokenizer):
    ids = tokenizer("a😀b", add_special_tokens=False).input_ids
    _, pieces, text = follow(tokenizer, ids)
    assert text == "a😀b"
    assert [piece for piece in pieces if piece] in (["a", "😀", "b"], ["a", "😀b"])


def test_bytes_wait_for_the_end_of_their_run_for_one_more_may_spoil_them_all(m3):
    tokenizer = m3.model.tokenizer
    whole = tokenizer("é", add_special_tokens=False).input_ids[-2:]
    assert tokenizer.decode(whole) == "é"
    assert "é" not in tokenizer.decode([*whole, whole[-1]])
    _, pieces, text = follow(tokenizer, [*whole, whole[-1]])
    assert pieces == ["", "", "", text]


def test_what_may_become_a_stop_text_is_held_back_and_let_go(byte_tokenizer):
    ids = [id_ for c in "so ENE" for id_ in byte_tokenizer(c).input_ids]
    stream, pieces, _ = follow(byte_tokenizer, ids, ("END",))
    assert pieces == ["s", "o", "", "", "", " EN", "E"]
    assert not stream.stopped
    ids += [id_ for c in "ND" for id_ in byte_tokenizer(c).input_ids]
    stream, pieces, text = follow(byte_tokenizer, ids, ("END",))
    assert (text, stream.stopped, "".join(pieces)) == ("so EN", True, "so EN")


def test_a_stop_text_in_the_last_bytes_is_found_at_the_end(m3):
    tokenizer = m3.model.tokenizer
    stream = TextStream(tokenizer, open_ids(tokenizer), ("é",))
    for token in tokenizer("aé", add_special_tokens=False).input_ids:
        stream.add(token)
    assert not stream.stopped  # one more byte could spoil it
    assert [stream.finish()[1], stream.stopped, stream.finish()[1]] == ["a", True, "a"]


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("ab", (), 0),
        ("ab", ("abc",), 2),
        ("ab", ("bc", "abx"), 2),
        ("aab", ("ab",), 0),
        ("", ("a",), 0),
    ],
)
def test_held_back_is_the_longest_beginning_of_a_stop_text(text, stop, expected):
    assert held_back(text, stop) == expected
