import sys

import pytest
from typer.testing import CliRunner

from oracle.cli import app


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--engine", "spark"], "unknown engine 'spark'; legal are local, ray"),
        (["--workers", "2"], "--workers, --gpus-per-worker and --ray-address need --engine ray"),
        (["--ray-address", "a:1"], "and --ray-address need --engine ray"),
    ],
)
def test_a_wrong_engine_is_one_line(toys, tmp_path, words, line):
    refused(toys, tmp_path, words, line)


def test_without_ray_the_engine_says_how_to_install_it(toys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    refused(toys, tmp_path, ["--engine", "ray"], "pip install 'matryoshka-budget[ray]'")


def refused(toys, folder, words, line):
    toys.reader_dataset([0, 5]).to_parquet(folder / "data.parquet")
    fixed = ["run", "--data", str(folder / "data.parquet"), "--out", str(folder / "run")]
    result = CliRunner().invoke(app, [*fixed, *words])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert line in result.stderr
    assert not (folder / "run").exists()
