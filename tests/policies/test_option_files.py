import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from router_tables import MODELS, router_table, write_csv

from budget.data_choice import DataChoice
from budget.errors import DataError
from oracle.curves import Curves
from oracle.export import Question, export_mmr
from policies.option_files import read_option_table

SMALL = {
    "sample_id": ["a.1", "a.2", "b.1"],
    "prompt": ["['One?']", "['Be brief.', 'Two, or \"both\"?']", "Three\nlines\n?"],
    "eval_name": ["a", "a", "b"],
    "weak": [0.0, 1.0, 0.25],
    "strong": [1.0, 1.0, 0.5],
    "weak|model_response": ["x", "y,\nz", ""],
    "weak|total_cost": [1e-5, 2e-5, 9e-4],
    "strong|total_cost": [3e-3, 1e-3, 8e-4],
    "oracle_model_to_route_to": ["strong", "weak", "no_model_correct"],
}


def write(tmp_path, kind, columns=SMALL):
    path = tmp_path / f"table{kind}"
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if kind == ".parquet":
        pq.write_table(pa.table(columns), path)
    elif kind == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif kind == ".json":
        path.write_text(json.dumps(rows))
    else:
        write_csv(path, columns, "\t" if kind == ".tsv" else ",")
    return path


@pytest.mark.parametrize("kind", [".csv", ".tsv", ".parquet", ".jsonl", ".json"])
def test_every_kind_of_file_says_the_same(tmp_path, kind):
    table = read_option_table(write(tmp_path, kind))
    assert table.options == ("weak", "strong")
    assert table.sample_ids == ("a.1", "a.2", "b.1")
    assert table.prompts == ("One?", 'Be brief.\nTwo, or "both"?', "Three\nlines\n?")
    assert table.groups == ("a", "a", "b")
    np.testing.assert_array_equal(table.scores, [[0, 1], [1, 1], [0.25, 0.5]])
    np.testing.assert_array_equal(table.costs, [[1e-5, 3e-3], [2e-5, 1e-3], [9e-4, 8e-4]])


def test_eleven_models_come_in_the_order_of_what_they_cost(tmp_path):
    """Names hold dots and slashes, which a reader of Parquet might take for a path."""
    drawn = router_table(300).columns
    table = read_option_table(write(tmp_path, ".parquet", drawn))
    assert set(table.options) == set(MODELS)
    means = [np.mean(drawn[f"{name}|total_cost"]) for name in table.options]
    assert means == sorted(means)
    for column, name in enumerate(table.options):
        assert table.scores[:, column].tolist() == drawn[name]
        assert table.costs[:, column].tolist() == drawn[f"{name}|total_cost"]
    assert (np.diff(table.costs, axis=1) < 0).any(), "a cheap model that talks much costs more"


def test_some_of_the_options_can_be_chosen(tmp_path):
    path = write(tmp_path, ".parquet", router_table(20).columns)
    table = read_option_table(path, options=["gpt-4-1106-preview", "mistralai/mistral-7b-chat"])
    assert table.options == ("mistralai/mistral-7b-chat", "gpt-4-1106-preview")
    with pytest.raises(DataError, match="no option 'gpt-5'; it has mistralai"):
        read_option_table(path, options=["gpt-5"])


def test_mmr_bench_is_read_with_questions_that_many_images_share(tmp_path):
    columns = {
        "dataset_idx": ["OCRBench_1", "OCRBench_2", "MMStar_7"],
        "question": ["What digit?"] * 3,
        "small_correct": [True, False, True],
        "big_correct": [True, True, True],
        "small_cost": [0.1, 0.2, 0.1],
        "big_cost": [1, 2, 1],
        "total_cost": [3, 3, 3],
    }
    table = read_option_table(write(tmp_path, ".csv", columns))
    assert table.options == ("small", "big")
    assert table.groups == ("OCRBench", "OCRBench", "MMStar")
    assert table.scores.tolist() == [[1, 1], [0, 1], [1, 1]]
    assert len(set(table.keys)) == 3


def test_what_the_oracle_exports_comes_back_as_it_was(tmp_path):
    rng, unknown = np.random.default_rng(0), np.full((40, 3), np.nan)
    scales = np.array([1, 9, 36])
    curves = Curves(
        sample_ids=np.array([f"s{i}" for i in range(40)]),
        groups=np.array(["even", "odd"] * 20),
        scales=(1, 9, 36),
        scores=(rng.random((40, 3)) < 0.5).astype(float),
        answers=np.full((40, 3), "red"),
        confidence=unknown,
        flops=unknown,
        seconds=unknown,
        num_visual_tokens=np.tile(scales, (40, 1)),
        prompt_tokens=np.ones((40, 3), dtype=int),
        margin=unknown,
        entropy=unknown,
    )
    questions = {name: Question(f"Is {name} red?", ("yes",)) for name in curves.sample_ids.tolist()}
    table = read_option_table(export_mmr(curves, tmp_path / "mmr", questions))
    assert table.options == ("m1", "m9", "m36")
    assert table.groups == tuple(curves.groups.tolist())
    assert table.prompts[3] == "Is s3 red?"
    np.testing.assert_array_equal(table.scores, curves.scores)
    np.testing.assert_array_equal(table.costs, curves.num_visual_tokens)


def test_columns_of_other_names_are_pointed_out(tmp_path):
    columns = {"key": [5, 6, 7], "text": ["p", "q", "r"], "set": ["x", "y", "y"]}
    columns |= {name: SMALL[name] for name in SMALL if name.startswith(("weak", "strong"))}
    path = write(tmp_path, ".csv", columns)
    with pytest.raises(DataError, match=r"no column of the ids .*--id-column"):
        read_option_table(path)
    choice = DataChoice(id="key", question="text", group="set")
    table = read_option_table(path, choice=choice, layout="routerbench")
    assert (table.sample_ids, table.groups) == (("5", "6", "7"), ("x", "y", "y"))
    assert read_option_table(path, choice=DataChoice(id="#row", question="text")).sample_ids == (
        "0",
        "1",
        "2",
    )


def changed(**columns):
    found = {**SMALL, **columns}
    return {name: values for name, values in found.items() if values is not None}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (changed(**{"weak|total_cost": None}), r"option 'weak' has no column of costs"),
        (changed(weak=None), r"option 'weak' has no column of scores"),
        (changed(weak=[0.0, float("nan"), 1.0]), r"option 'weak' has nan for sample 'a\.2'"),
        (changed(weak=[0.0, None, 1.0]), r"option 'weak' has nan for sample 'a\.2'"),
        (changed(weak=[0, "1", "good"]), r"row 3: 'weak' must be a number, got 'good'"),
        (changed(weak=[0.0, 1.5, 1.0]), r"a number in \[0, 1\]; option 'weak' has 1\.5"),
        (changed(**{"weak|total_cost": [1, -1, 1]}), r"at least 0; option 'weak' has -1 for"),
        (changed(**{"weak|total_cost": [1, np.inf, 1]}), r"option 'weak' has inf for sample"),
        (changed(**{"weak|total_cost": [0, 0, 0]}), r"option 'weak' costs nothing on any sample"),
        (changed(sample_id=["a", "b", "a"]), r"sample id 'a' is there 2 times, 1 are repeated"),
        (changed(**{"strong|total_cost": None, "strong": None}), r"at least two options.*got weak"),
        ({"id": [1], "question": ["?"], "answer": ["x"]}, r"no table of options.*there are id, qu"),
        ({name: [] for name in SMALL}, r"has no rows"),
    ],
)
def test_a_bad_table_is_one_clear_line(tmp_path, columns, message):
    with pytest.raises(DataError, match=message) as found:
        read_option_table(write(tmp_path, ".csv", columns))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("table.csv", b"", "is empty"),
        ("table.parquet", b"no parquet at all", "cannot be read"),
        ("table.csv", b"\x89PNG\r\n\x1a\n\xff\xfe\x00", "cannot be read"),
        ("table.png", b"\x89PNG", "of no kind that holds a table"),
        ("table.pkl", b"\x80\x04.", "is a pickle, which can run code"),
        ("table.jsonl", b"{not json}\n", "line 1: no JSON"),
        ("table.jsonl", b"[1, 2]\n", "line 1: must be an object, got list"),
        ("table.json", b"{}", "must hold a list of objects, got dict"),
        ("table.csv", b"a,b,a\n1,2,3\n", "the columns a are there twice"),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as found:
        read_option_table(path)
    assert "\n" not in str(found.value)


def test_what_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read: No such file"):
        read_option_table(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_option_table(tmp_path)


def test_a_row_that_was_cut_off_is_named(tmp_path):
    path = write(tmp_path, ".csv")
    path.write_text(path.read_text() + "b.2,text,b,1.0\n")
    with pytest.raises(DataError, match="row 4: 4 cells where the heading has 9"):
        read_option_table(path)
