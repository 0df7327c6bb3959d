"""A run's memory does not grow with its data."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

COMMAND = Path(__file__).parents[1] / "toy_command.py"
MARGIN = 40  # MB; the curves themselves, which are read at the end for the summary, are 10 of them


def write_data(path, count):
    """Pictures of noise, about 40 kB each: 400 MB of them in the larger data."""
    rng = np.random.default_rng(0)
    picture = io.BytesIO()
    noise = rng.integers(0, 256, (224, 224, 3), np.uint8)
    Image.fromarray(noise).save(picture, "jpeg", quality=85)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("image", kind),
            ("question", pa.string()),
            ("answers", pa.list_(pa.string())),
        ]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, count, 200):
            rows = [
                {
                    "id": str(i),
                    "image": {"bytes": picture.getvalue(), "path": None},
                    "question": "how red",
                    "answers": ["1"],
                }
                for i in range(start, start + 200)
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema))
    return path


def peak(data, out):
    """Return the peak of a whole run's memory, in MB."""
    words = [sys.executable, str(COMMAND), "0", "--data", str(data), "--out", str(out)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    assert run.returncode == 0
    return usage.ru_maxrss / 1024


@pytest.mark.slow
def test_ten_thousand_samples_take_the_memory_of_a_thousand(tmp_path):
    small, large = (
        peak(write_data(tmp_path / f"{count}.parquet", count), tmp_path / f"run-{count}")
        for count in (1_000, 10_000)
    )
    assert large < small + MARGIN, f"{small:.0f} MB, then {large:.0f} MB"
