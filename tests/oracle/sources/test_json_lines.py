import pytest

from budget.errors import DataError

ROW = {"id": "a", "question": "q", "answers": ["x"]}


def test_images_are_paths_base64_or_data_urls(toy):
    toy.picture("pictures/1.png", 1)
    rows = [
        {**ROW, "image": "pictures/1.png"},
        {**ROW, "image": toy.base64(2)},
        {**ROW, "image": f"data:image/png;base64,{toy.base64(3)}"},
        {**ROW, "image": None},
        ROW,
    ]
    assert toy.reds(toy.load(toy.lines("d.jsonl", rows))) == [1, 2, 3, None, None]
    assert toy.notes == []  # the names say it all


def test_a_column_that_holds_lists_gives_lists(toy):
    toy.picture("1.png", 1)
    rows = [
        {**ROW, "images": ["1.png", toy.base64(2)]},
        {**ROW, "images": ["1.png"]},
        {**ROW, "images": []},
    ]
    assert toy.reds(toy.load(toy.lines("d.jsonl", rows))) == [[1, 2], 1, None]


def test_blank_lines_are_no_rows_and_a_mark_at_the_front_is_dropped(toy):
    path = toy.lines("d.jsonl", [ROW, ROW])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\n\n \n"))
    assert list(toy.load(path, needed=("id",))["id"]) == ["a", "a"]


def test_ids_of_several_kinds_are_texts(toy):
    path = toy.lines("d.jsonl", [{"question_id": value} for value in (7, "x", 1.5)])
    assert list(toy.load(path, needed=("id",))["id"]) == ["7", "x", "1.5"]


def test_a_line_cut_off_at_the_end_is_found_at_once(toy):
    path = toy.lines("d.jsonl", [ROW, ROW])
    path.write_text(path.read_text()[:-5])
    with pytest.raises(DataError, match=r"d\.jsonl, row 1: no JSON: "):
        toy.load(path, needed=("id",))


def test_a_broken_line_in_the_middle_spoils_its_row_alone(toy):
    rows = [{"id": i, "question": "q"} for i in range(300)]
    path = toy.lines("d.jsonl", rows)
    path.write_text(path.read_text().replace('{"id": 200,', '{"id": 200'))
    table = toy.load(path, needed=("id", "question"))
    assert table[201]["id"] == "201"
    with pytest.raises(DataError, match=r"d\.jsonl, row 200: no JSON: "):
        table[200]


def test_a_long_text_that_is_no_image_is_not_shown_in_full(toy):
    path = toy.lines("d.jsonl", [{**ROW, "image": "x." * 5000}, {**ROW, "image": toy.base64(1)}])
    with pytest.raises(DataError, match=r"neither base64 nor a path: .{,50} 10,000 characters$"):
        toy.load(path)[0]


@pytest.mark.parametrize("address", ["http://x/y.png", "https://x/y.png", "s3://x/y.png"])
def test_addresses_are_not_fetched(toy, address):
    with pytest.raises(DataError, match=f"{address} is an address; download the image"):
        toy.load(toy.lines("d.jsonl", [{**ROW, "image": address}]))[0]


@pytest.mark.parametrize("line", ["[1]", "7", '{"id": 1} {"id": 2}'])
def test_a_line_must_be_one_object(toy, line):
    with pytest.raises(DataError, match=r"d\.jsonl, row 0: (must be a JSON object|no JSON: more)"):
        toy.load(toy.text("d.jsonl", line))
