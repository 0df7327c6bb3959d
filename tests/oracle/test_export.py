import csv
import json

import numpy as np
import pytest
from datasets import load_from_disk
from typer.testing import CliRunner

from oracle.cli import app
from oracle.curves import Curves, read_curves, read_metadata, write_curves


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def curves():
    rng, (n, k) = np.random.default_rng(0), (6, 3)
    texts = ["", "red, or so", 'a "quoted"\nline', "x\ty", "=1+1"]
    return Curves(
        sample_ids=[f"s{i}" for i in range(n)],
        groups=rng.choice(["count", "read"], n),
        scales=(1, 9, 36),
        scores=rng.random((n, k)),
        answers=rng.choice(texts, (n, k)),
        confidence=-rng.random((n, k)),
        flops=rng.random((n, k)) * 1e12,
        seconds=rng.random((n, k)),
        num_visual_tokens=np.tile((5, 45, 180), (n, 1)),
        prompt_tokens=rng.integers(40, 80, (n, k)),
        margin=rng.random((n, k)),
        entropy=np.where(rng.random((n, k)) < 0.5, np.nan, 1.0),
    )


@pytest.fixture
def file(curves, tmp_path):
    write_curves(tmp_path / "curves.parquet", curves, {"model": "toy", "scorer": "exact"})
    return tmp_path / "curves.parquet"


def round_trip(file, tmp_path, form, *more):
    exported = call("export", file, "--out", tmp_path / "out", "--format", form, *more)
    assert exported.exit_code == 0, exported.stderr
    written = json.loads(exported.stdout.splitlines()[-1])["out"]
    back = call("ingest", written, "--out", tmp_path / "back.parquet")
    assert back.exit_code == 0, back.stderr
    return read_curves(tmp_path / "back.parquet")


def test_mmr_bench_and_back_gives_the_same_scores(curves, file, tmp_path):
    back = round_trip(file, tmp_path, "mmr")
    assert back.scales == curves.scales
    for name in ("sample_ids", "groups", "scores", "answers", "num_visual_tokens"):
        np.testing.assert_array_equal(getattr(back, name), getattr(curves, name))
    assert np.isnan(back.flops).all()


def test_a_datasets_folder_and_back_loses_nothing(curves, file, tmp_path):
    back = round_trip(file, tmp_path, "datasets")
    assert back.scales == curves.scales
    for name in ("sample_ids", "groups", "scores", "answers", "confidence", "flops", "seconds"):
        np.testing.assert_array_equal(getattr(back, name), getattr(curves, name))
    np.testing.assert_array_equal(back.margin, curves.margin)
    np.testing.assert_array_equal(back.entropy, curves.entropy)
    np.testing.assert_array_equal(back.prompt_tokens, curves.prompt_tokens)
    assert read_metadata(tmp_path / "back.parquet")["model"] == "toy"


def test_the_table_is_laid_out_as_mmr_bench_reads_it(curves, file, tmp_path, toys):
    data = toys.reader_dataset([0, 5]).remove_columns("image")
    data = data.remove_columns("id").add_column("id", ["s0", "s5"])
    data.to_parquet(tmp_path / "data.parquet")
    more = ("--data", tmp_path / "data.parquet")
    assert call("export", file, "--out", tmp_path / "out", *more).exit_code == 0
    with (tmp_path / "out" / "MMR_Bench.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == len(curves)
    options = {name.removesuffix("_correct") for name in rows[0] if name.endswith("_correct")}
    assert options == {name.removesuffix("_cost") for name in rows[0] if name.endswith("_cost")}
    assert options == {"m1", "m9", "m36"}
    assert (rows[0]["dataset_idx"], rows[0]["question"]) == ("s0", "how red is it")
    assert (rows[0]["answer"], rows[1]["answer"]) == ("['0', '0 units']", "")
    assert float(rows[2]["m9_correct"]) == curves.scores[2, 1]
    assert rows[2]["m9_cost"] == "45"


def test_a_datasets_folder_has_one_row_a_sample_and_lists_over_scales(curves, file, tmp_path):
    call("export", file, "--out", tmp_path / "out", "--format", "datasets")
    dataset = load_from_disk(str(tmp_path / "out"))
    assert dataset[2]["scales"] == [1, 9, 36]
    assert dataset[2]["scores"] == curves.scores[2].tolist()
    assert json.loads(dataset.info.description)["scorer"] == "exact"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curves.parquet", "out"]


def test_a_datasets_folder_of_before_margins_were_kept_is_read(file, tmp_path):
    call("export", file, "--out", tmp_path / "out", "--format", "datasets")
    old = load_from_disk(str(tmp_path / "out")).remove_columns(["margin", "entropy"])
    old.save_to_disk(str(tmp_path / "old"))
    back = call("ingest", tmp_path / "old", "--out", tmp_path / "back.parquet")
    assert back.exit_code == 0, back.stderr
    assert np.isnan(read_curves(tmp_path / "back.parquet").margin).all()


@pytest.mark.parametrize("form", ["mmr", "datasets"])
def test_nothing_is_written_over(file, tmp_path, form):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    result = call("export", file, "--out", tmp_path / "out", "--format", form)
    assert result.exit_code == 2
    assert "out is there and not empty; give a new folder" in result.stderr
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine"]


def test_an_empty_folder_may_be_filled(file, tmp_path):
    for form in ("mmr", "datasets"):
        (tmp_path / form).mkdir()
        assert call("export", file, "--out", tmp_path / form, "--format", form).exit_code == 0


def test_an_unknown_format_lists_the_known(file, tmp_path):
    result = call("export", file, "--out", tmp_path / "out", "--format", "csv")
    assert result.exit_code == 2
    assert "unknown format 'csv'; legal are mmr, datasets" in result.stderr
