"""Measure the constants of ``experiments.scale`` on this machine; no GPU is needed.

    OMP_NUM_THREADS=1 python -m experiments.scale_measure [--samples 2048] [--ray]

The last line is JSON, times in milliseconds of one core a sample:

    image         read and decode a JPEG of 640x480, make it CLIP's 336x336 pixels
    check         read ids and hash the data before a run, at 100 kB an image
    write         write parts of 512 samples, with the wait for the disk
    driver        with --ray: what the process that hands out and writes computes, without ``check``
    read          read the finished run as curves
    part_bytes    bytes a sample in the parts of the shipped M3 on the testbed
    curves_bytes  bytes a sample of the curves in memory

The model of ``write`` and ``driver`` answers at once.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from budget.ladder import ScaleLadder
from budget.types import Answer, Cost


class InstantVLM:
    """Answers at once, at the five scales of M3."""

    name = "instant"
    ladder = ScaleLadder((1, 9, 36, 144, 576))

    def encode(self, images: Sequence[Any]) -> list[Any]:
        """Return nothing much."""
        return list(images)

    def answer(
        self, images: Sequence[Any], questions: Sequence[str], *, num_visual_tokens: int, **_: Any
    ) -> list[Answer]:
        """Return answers of four tokens that differ in every number, as real ones do."""
        m = num_visual_tokens
        return [
            Answer(f"answer {hash(q) % 97}", (1, 2, 3, 4), m, 55 + m, -1 / (2 + hash(q) % 10**6))
            for q in questions
        ]

    def cost(self, num_visual_tokens: int, text_tokens: int, *_: int, **__: Any) -> Cost:
        """Return a cost."""
        return Cost(1e9, 0.0, 1e9 * (num_visual_tokens + text_tokens), 1e9, 0.0)


def write_data(path: Path, num_samples: int) -> None:
    """Write samples with photos of 640x480, about 100 kB each, to a Parquet file."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    rng = np.random.default_rng(0)
    photos = []
    for _ in range(16):
        coarse = Image.fromarray(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8))
        file = io.BytesIO()
        coarse.resize((640, 480)).save(file, "JPEG", quality=92)
        photos.append(file.getvalue())
    rows = [
        {"id": f"q{i}", "image": {"bytes": photos[i % 16], "path": None}, "answers": ["red"]}
        | {"question": f"What colour is the thing number {i} on the left?"}
        for i in range(num_samples)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=256)


def milliseconds(
    work: Callable[[], object], num_samples: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Return what some work takes, in milliseconds a sample."""
    start = clock()
    work()
    return 1000 * (clock() - start) / num_samples


def measure(folder: Path, num_samples: int, *, with_ray: bool) -> dict[str, float]:
    """Return the constants; ``folder`` is empty."""
    from oracle.curves import read_curves
    from oracle.data import load_dataset_columns
    from oracle.fingerprint import fingerprint
    from oracle.run_folder.runner import sweep_to
    from oracle.sweeping import check_dataset

    write_data(folder / "data.parquet", num_samples)
    data = load_dataset_columns(str(folder / "data.parquet"))

    def checks() -> None:
        check_dataset(data)
        fingerprint(data)

    found = {
        "image": preparing(data, min(256, num_samples)),
        "check": milliseconds(checks, num_samples),
        "write": writing(folder / "parts", num_samples),
        "part_bytes": real_part(folder / "real"),
    }
    if with_ray:
        found["driver"] = driving(folder / "run", data) - found["check"]
    else:
        model: Any = InstantVLM()
        sweep_to(folder / "run", model, data)
    found["read"] = milliseconds(lambda: read_curves(folder / "run"), num_samples)
    curves = read_curves(folder / "run")
    held = [getattr(curves, field.name) for field in fields(curves) if field.name != "scales"]
    found["curves_bytes"] = sum(array.nbytes for array in held) / num_samples
    return {name: round(value, 3) for name, value in found.items()}


def preparing(data: Any, count: int) -> float:
    """Return milliseconds from a row of the data to pixels of the vision tower."""
    from transformers import CLIPImageProcessorPil

    from oracle.samples import Samples

    samples = Samples(data)
    process = CLIPImageProcessorPil(
        size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}
    )
    process(samples.image(0))
    return milliseconds(lambda: [process(samples.image(row)) for row in range(count)], count)


def writing(folder: Path, num_samples: int) -> float:
    """Return milliseconds a sample of writing parts of 512 samples."""
    from oracle.batch import run_batch
    from oracle.measure import Measured
    from oracle.run_folder.part_writer import PartWriter
    from oracle.samples import Sample

    folder.mkdir()
    questions = [f"question {i}" for i in range(num_samples)]
    model: Any = InstantVLM()
    no_images: list[Any] = [None] * num_samples
    rungs = run_batch(model, no_images, questions, max_new_tokens=8)
    scores = [1.0] * len(InstantVLM.ladder)
    done = [
        Measured(Sample(i, f"q{i}", "all", question, {}), own, scores, [[] for _ in own])
        for i, (question, own) in enumerate(zip(questions, rungs, strict=True))
    ]
    writer = PartWriter(folder, tuple(InstantVLM.ladder), {"model": "instant"}, max_samples=512)

    def write() -> None:
        for start in range(0, num_samples, 64):
            writer.make_room(64)
            writer.add(done[start : start + 64])
        writer.flush()

    return milliseconds(write, num_samples, time.perf_counter)


def driving(folder: Path, data: Any) -> float:
    """Return the processor time of a run's one process, in milliseconds a sample."""
    from oracle.engines.ray_engine import ray_engine
    from oracle.run_folder.runner import sweep_to

    with ray_engine(InstantVLM, lambda: None, device="cpu", workers=2) as engine:
        model = engine.model
        return milliseconds(lambda: sweep_to(folder, model, data, begin=engine.begin), len(data))


def real_part(folder: Path) -> float:
    """Return bytes a sample on disk, of the shipped M3 on 512 samples of the testbed."""
    from budget.models import load_model
    from experiments.scenes.data import load_scenes
    from oracle.run_folder.parts import part_files
    from oracle.run_folder.runner import sweep_to

    sweep_to(folder, load_model("m3"), load_scenes("test", 512))
    return sum(path.stat().st_size for path in part_files(folder)) / 512


def main(argv: Sequence[str] | None = None) -> None:
    """Parse a command line and print the constants."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=2048, help="samples to measure with")
    parser.add_argument("--ray", action="store_true", help="measure the process of a Ray run too")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        found = measure(Path(folder), args.samples, with_ray=args.ray)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
