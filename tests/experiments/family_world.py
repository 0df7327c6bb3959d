"""A tiny Qwen2-VL, pictures of several shapes, and its curves and policy by the command line."""

import base64
import io
import json

import numpy as np
from datasets import Dataset, DatasetDict, Features, Image, List, Value
from PIL import Image as Pictures

from experiments.cli import run
from experiments.families.tiny.qwen import qwen2_vl

LADDER = "8,16,64"
SHAPES = ((320, 240), (200, 200), (480, 160), (40, 40))
QUESTIONS = ("what is the sign ?", "how many dogs are there ?", "is the sign red ?")
SPLITS = {"fit": 32, "calibration": 24, "test": 24}
FEATURES = Features(
    {
        "id": Value("string"),
        "image": Image(),
        "question": Value("string"),
        "answers": List(Value("string")),
        "group": Value("string"),
    }
)


def picture(shape, seed=0):
    """Return noise in coarse blocks, which survives being made smaller."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Pictures.fromarray(blocks).resize(shape, Pictures.Resampling.NEAREST)


def data_url(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def rows_of(name, n):
    return {
        "id": [f"{name}{i}" for i in range(n)],
        "image": [picture(SHAPES[i % 4], seed=i) for i in range(n)],
        "question": [QUESTIONS[i % 3] for i in range(n)],
        "answers": [["red"]] * n,
        "group": ["small" if i % 4 == 3 else "large" for i in range(n)],
    }


def build(folder):
    """Write model, data and curves under a folder."""
    qwen2_vl(folder / "model")
    splits = {
        name: Dataset.from_dict(rows_of(name, n), features=FEATURES) for name, n in SPLITS.items()
    }
    DatasetDict(splits).save_to_disk(folder / "data")
    for name in SPLITS:
        assert run(sweep_words(folder, name)) == 0
    return folder


def sweep_words(folder, split, ladder=LADDER):
    words = ["oracle", "run", "--model", folder / "model", "--data", folder / "data"]
    more = ["--split", split, "--out", folder / split, "--scorer", "agreement"]
    sizes = ["--max-new-tokens", 2, "--batch-size", 12]
    return [str(word) for word in (*words, *more, *sizes, "--ladder", ladder)]


def fit_words(folder, out, *more):
    curves = ["--curves", folder / "fit", "--calibration", folder / "calibration"]
    words = ["policy", "fit", *curves, "--data", folder / "data", "--out", out]
    return [str(word) for word in (*words, "--family", "geometry", "--threads", 1, *more)]


def said(capsys):
    """Return the last line of what was printed."""
    return json.loads(capsys.readouterr().out.splitlines()[-1])
