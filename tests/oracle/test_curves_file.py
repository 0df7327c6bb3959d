import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from budget.errors import DataError
from oracle.curves import Curves, read_curves, read_metadata, to_table, write_curves

ABOUT = {"model": "toy", "scorer": "exact"}
ARRAYS = [
    "sample_ids",
    "groups",
    "scores",
    "answers",
    "confidence",
    "flops",
    "seconds",
    "num_visual_tokens",
    "prompt_tokens",
    "margin",
    "entropy",
]


@pytest.fixture
def curves():
    rng, (n, k) = np.random.default_rng(0), (7, 3)
    return Curves(
        sample_ids=[f"s{i}" for i in range(n)][::-1],  # file order is not alphabetical
        groups=rng.choice(["count", "read"], n),
        scales=(1, 9, 36),
        scores=rng.random((n, k)),
        answers=rng.choice(["", "red", "ein bi\N{LATIN SMALL LETTER SHARP S}chen\n2"], (n, k)),
        confidence=-rng.random((n, k)),
        flops=rng.random((n, k)) * 1e12,
        seconds=rng.random((n, k)),
        num_visual_tokens=np.tile((1, 9, 35), (n, 1)),
        prompt_tokens=rng.integers(40, 80, (n, k)),
        margin=rng.random((n, k)),
        entropy=np.where(rng.random((n, k)) < 0.5, np.nan, 1.0),
    )


def assert_same(a, b):
    assert a.scales == b.scales
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_what_is_written_is_read_bit_for_bit(curves, tmp_path):
    path = tmp_path / "new folder" / "curves.parquet"
    write_curves(path, curves, {**ABOUT, "limit": 7})
    assert_same(read_curves(path), curves)
    about = read_metadata(path)
    assert (about["model"], about["scorer"], about["ladder"]) == ("toy", "exact", [1, 9, 36])
    assert about["limit"] == 7
    assert about["created_by"].startswith("matryoshka-budget")
    assert [p.name for p in path.parent.iterdir()] == ["curves.parquet"]


def test_the_file_has_one_row_a_sample_and_rung(curves, tmp_path):
    write_curves(tmp_path / "c.parquet", curves, ABOUT)
    rows = pq.read_table(tmp_path / "c.parquet").to_pylist()
    assert len(rows) == 21
    assert rows[4]["sample_id"] == "s5"
    assert (rows[4]["rung"], rows[4]["scale"]) == (1, 9)
    assert rows[4]["score"] == curves.scores[1, 1]


def test_rows_may_come_in_any_order(curves, tmp_path):
    write_curves(tmp_path / "c.parquet", curves, ABOUT)
    table = pq.read_table(tmp_path / "c.parquet")
    order = np.random.default_rng(1).permutation(table.num_rows)
    pq.write_table(table.take(order), tmp_path / "shuffled.parquet")
    shuffled = read_curves(tmp_path / "shuffled.parquet")
    assert_same(shuffled.select(curves.sample_ids), curves)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.slice(0, 20), "1 of 7 samples are incomplete.*'s0' needs each of scales"),
        (lambda t: pa.concat_tables([t, t.slice(4, 1)]), r"'s5' needs .* once, has \[1, 2, 1\]"),
        (lambda t: t.slice(0, 0), "no rows"),
        (lambda t: t.drop_columns(["score", "flops"]), r"lacks the columns \['flops', 'score'\]"),
        (
            lambda t: t.set_column(3, "scale", pa.array([1, 4, 36] + [1, 9, 36] * 6)),
            r"mixes ladders: scales \[4\] are not of \(1, 9, 36\)",
        ),
        (
            lambda t: t.set_column(t.schema.get_field_index("score"), "score", [[2.0] * 21]),
            r"scores must lie in \[0, 1\]",
        ),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(curves, tmp_path, change, match):
    write_curves(tmp_path / "c.parquet", curves, ABOUT)
    bad = change(pq.read_table(tmp_path / "c.parquet"))
    pq.write_table(bad, tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=match) as caught:
        read_curves(tmp_path / "bad.parquet")
    assert "\n" not in str(caught.value)


def test_an_old_file_without_margin_and_entropy_is_read(curves, tmp_path):
    write_curves(tmp_path / "c.parquet", curves, ABOUT)
    old = pq.read_table(tmp_path / "c.parquet").drop_columns(["margin", "entropy"])
    pq.write_table(old, tmp_path / "old.parquet")
    read = read_curves(tmp_path / "old.parquet")
    np.testing.assert_array_equal(read.scores, curves.scores)
    assert np.isnan(read.margin).all()
    assert np.isnan(read.entropy).all()


def test_samples_come_in_the_order_of_the_dataset_where_it_is_known(curves, tmp_path):
    table = to_table(curves, ABOUT, np.array([3, 1, 2, 0, 6, 5, 4]))
    pq.write_table(table, tmp_path / "c.parquet")
    assert read_curves(tmp_path / "c.parquet").sample_ids.tolist() == [
        curves.sample_ids[i] for i in (3, 1, 2, 0, 6, 5, 4)
    ]


def test_mixed_ladders_are_seen_without_metadata(curves, tmp_path):
    write_curves(tmp_path / "c.parquet", curves, ABOUT)
    table = pq.read_table(tmp_path / "c.parquet").replace_schema_metadata(None)
    table = table.set_column(3, "scale", pa.array([1, 4, 36] + [1, 9, 36] * 6))
    pq.write_table(table, tmp_path / "bad.parquet")
    with pytest.raises(DataError, match="mix ladders"):
        read_curves(tmp_path / "bad.parquet")


def test_files_that_are_no_curves_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such file of curves"):
        read_curves(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text(json.dumps({}))
    with pytest.raises(DataError, match="no Parquet file"):
        read_curves(tmp_path / "text.parquet")


def test_a_failed_write_leaves_the_old_file(curves, tmp_path):
    path = tmp_path / "c.parquet"
    write_curves(path, curves, ABOUT)
    before = path.read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_curves(path, curves, {**ABOUT, "bad": object()})
    with pytest.raises(ValueError, match=r"needs \['scorer'\]"):
        write_curves(path, curves, {"model": "toy"})
    assert path.read_bytes() == before
