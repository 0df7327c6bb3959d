"""Small runs of the shipped curves with their data, for reports of real things."""

import json
from pathlib import Path

import pytest
from ui_program import QUIET, browser_path

from experiments.cli import _wire_readers, run
from experiments.scenes.data import load_scenes
from oracle.curves import Curves, read_curves, read_metadata, write_curves

SHIPPED = Path("experiments/scenes/curves/m3")
COUNT = 60


@pytest.fixture(scope="session", autouse=True)
def readers():
    _wire_readers()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = browser_path()
    assert path, "no Chromium: install one, or name it in BUDGET_BROWSER"
    with sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with data and curves of a few scenes of two splits, and MQT-like other curves."""
    folder = tmp_path_factory.mktemp("runs")
    for split in ("test", "calibration"):
        scenes = load_scenes(split, COUNT)
        scenes.to_parquet(folder / f"{split}-data.parquet")
        curves = read_curves(SHIPPED / f"{split}.parquet").select(list(scenes["id"]))
        about = read_metadata(SHIPPED / f"{split}.parquet")
        write_curves(folder / f"{split}.parquet", curves, about)
    few = read_curves(folder / "test.parquet")
    columns = {
        name: getattr(few, name)[:, :3] for name in ("scores", "answers", "confidence", "flops")
    }
    columns |= {name: getattr(few, name)[:, :3] for name in ("seconds", "prompt_tokens")}
    tokens = few.num_visual_tokens[:, :3]
    other = Curves(few.sample_ids, few.groups, (1, 4, 9), num_visual_tokens=tokens, **columns)
    write_curves(folder / "short.parquet", other, {"model": "short", "scorer": "exact"})
    return folder


@pytest.fixture
def report(place, tmp_path, capfd):
    """Run ``budget report`` in this process; returns exit code, its JSON, stdout and stderr."""

    def call(*words, out=tmp_path / "out"):
        capfd.readouterr()
        code = run(["report", "--resamples", "20", *map(str, words), "--out", str(out)])
        said = capfd.readouterr()
        last = said.out.strip().splitlines()[-1:] or ["{}"]
        found = json.loads(last[0]) if code == 0 else {}
        return code, found, said.out, said.err

    return call


@pytest.fixture(scope="session")
def whole_report(place, tmp_path_factory):
    """The folder of a report with everything: data, a policy, baselines, prices."""
    out = tmp_path_factory.mktemp("report")
    words = ["report", f"{place}/test.parquet", "--data", f"{place}/test-data.parquet"]
    words += ["--fit-curves", f"{place}/calibration.parquet", "--policy", "m3"]
    words += ["--dollars-per-million-tokens", "2", "--examples", "2"]
    assert run([*words, "--resamples", "50", "--out", str(out)]) == 0
    return out
