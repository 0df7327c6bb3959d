"""Curves from another tool's logs do downstream what those of a sweep do, with tokens as cost."""

import json

import numpy as np
import pytest
from datasets import Dataset, DatasetDict, Features, Image, List, Value
from PIL import Image as PILImage

from experiments.cli import run

FEATURES = Features(
    {
        "id": Value("string"),
        "image": Image(),
        "question": Value("string"),
        "answers": List(Value("string")),
        "group": Value("string"),
    }
)
SPLITS = {"fit": 120, "calibration": 60, "test": 30}


def rows_of(name, n):
    """Bright pictures are read at 36 tokens only, dark ones at 9 too."""
    levels = np.random.default_rng(n).integers(0, 200, size=n).tolist()
    return {
        "id": [f"{name}{i}" for i in range(n)],
        "image": [PILImage.new("RGB", (8, 8), (v,) * 3) for v in levels],
        "question": ["How bright?"] * n,
        "answers": [[str(v)] for v in levels],
        "group": ["dark" if v < 100 else "bright" for v in levels],
    }


@pytest.fixture
def curves(tmp_path, capsys):
    """LLaVA's answers at two scales for every split, ingested; returns the files by split."""
    splits = {name: rows_of(name, n) for name, n in SPLITS.items()}
    data = DatasetDict({n: Dataset.from_dict(r, features=FEATURES) for n, r in splits.items()})
    data.save_to_disk(tmp_path / "data")
    files = {}
    for name, rows in splits.items():
        words = []
        for m in (9, 36):
            path = tmp_path / f"{name}-{m}.jsonl"
            with path.open("w") as file:
                for key, (right,) in zip(rows["id"], rows["answers"], strict=True):
                    text = right if m == 36 or int(right) < 100 else "many"
                    file.write(json.dumps({"question_id": key, "text": text}) + "\n")
            words.append(f"{m}={path}")
        files[name] = str(tmp_path / f"{name}.parquet")
        more = ["--data", str(tmp_path / "data"), "--split", name, "--scorer", "exact"]
        assert run(["oracle", "ingest", *words, "--out", files[name], *more]) == 0
    capsys.readouterr()
    return files


def test_a_policy_is_fitted_and_evaluated_on_ingested_curves(curves, tmp_path, capsys):
    data, policy = ["--data", str(tmp_path / "data")], str(tmp_path / "policy")
    fit = ["--curves", curves["fit"], "--calibration", curves["calibration"], *data]
    assert run(["policy", "fit", *fit, "--out", policy, "--threads", "1"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["cost"] == "tokens"
    test = ["--curves", curves["test"], "--fit-curves", curves["fit"], *data]
    assert run(["policy", "evaluate", "--policy", policy, *test, "--resamples", "10"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["full_accuracy"] == 1.0
    assert said["policy_accuracy"] >= 0.9
    assert 9 <= said["policy_mean_tokens"] < 36


def test_flops_that_no_log_told_are_no_cost(curves, tmp_path, capsys):
    fit = ["--curves", curves["fit"], "--calibration", curves["calibration"], "--cost", "flops"]
    more = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "policy")]
    assert run(["policy", "fit", *fit, *more]) == 2
    assert "the curves do not know FLOPs; give --cost tokens" in capsys.readouterr().err
