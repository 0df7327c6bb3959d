import base64
import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset
from PIL import Image
from pyarrow import parquet

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("reads_all_rows.py")
MARGIN_MB = 16


@pytest.fixture(scope="module")
def jpegs():
    """A few JPEGs of some 25 KB."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(20):
        coarse = Image.fromarray(rng.integers(0, 256, (84, 84, 3), np.uint8))
        file = BytesIO()
        coarse.resize((336, 336)).save(file, "JPEG", quality=80)
        files.append(file.getvalue())
    return files


def as_parquet(folder, jpegs, count):
    """One row group, the worst case, in pages of a megabyte, and every image in full."""
    columns = {
        "id": [str(i) for i in range(count)],
        "image": [jpegs[i % len(jpegs)] for i in range(count)],
        "question": ["what is it"] * count,
        "answers": [["x"]] * count,
    }
    plain = {"use_dictionary": False, "compression": "none", "write_batch_size": 16}
    parquet.write_table(pa.table(columns), folder / "d.parquet", **plain)
    return folder / "d.parquet"


def as_saved(folder, jpegs, count):
    def rows():
        for i in range(count):
            image = jpegs[i % len(jpegs)]
            yield {"id": str(i), "image": image, "question": "what is it", "answers": ["x"]}

    cache = str(folder / "cache")
    Dataset.from_generator(rows, cache_dir=cache).save_to_disk(folder / "saved")
    return folder / "saved"


def as_tsv(folder, jpegs, count):
    texts = [base64.b64encode(jpeg).decode() for jpeg in jpegs]
    with (folder / "d.tsv").open("w") as file:
        file.write("index\timage\tquestion\tanswer\n")
        for i in range(count):
            file.write(f"{i}\t{texts[i % len(texts)]}\twhat is it\tx\n")
    return folder / "d.tsv"


def as_jsonl(folder, jpegs, count):
    for i, jpeg in enumerate(jpegs):
        (folder / f"{i}.jpg").write_bytes(jpeg)
    with (folder / "d.jsonl").open("w") as file:
        for i in range(count):
            row = {"id": i, "image": f"{i % len(jpegs)}.jpg", "question": "what", "answers": ["x"]}
            file.write(json.dumps(row) + "\n")
    return folder / "d.jsonl"


def peaks(data):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(PROGRAM), str(data)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "mapped"), [(as_parquet, 0), (as_tsv, 0), (as_jsonl, 0), (as_saved, 1)]
)
def test_ten_times_the_rows_take_no_more_memory(tmp_path, jpegs, write, mapped):
    found = []
    for count in (1_000, 10_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        found.append(peaks(write(folder, jpegs, count))[mapped])
    assert found[1] - found[0] < MARGIN_MB, found
