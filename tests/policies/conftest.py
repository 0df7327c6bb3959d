"""Calibrations without a machine: milliseconds of the test's own choosing."""

from itertools import count

import pytest

from budget.cost_calibration import CostCalibration, write_calibration


def spread(median):
    return {"median": median, "low": median, "high": median}


def measured(prefill_ms, *, scales=(1, 4, 16), model="toy"):
    """A model whose vision takes 1 ms and every further token 0.5 ms."""
    machine = dict.fromkeys(("platform", "processor", "device", "device_name", "torch"), "x")
    rungs = [
        {
            "num_visual_tokens": m,
            "prefill_ms": spread(ms),
            "decode_ms": spread(0.5),
            "total_ms": spread(ms + 2.0),
            "peak_bytes": 1,
            "flops": 1.0,
        }
        for m, ms in zip(scales, prefill_ms, strict=True)
    ]
    return CostCalibration.model_validate(
        {
            "format_version": 1,
            "kind": "cost-calibration",
            "model": model,
            "random_weights": False,
            "compiled": False,
            "created": "2026-11-21",
            "machine": {**machine, "threads": 1},
            "dtype": "float32",
            "batch_size": 1,
            "grids": 1,
            "text_tokens": 10,
            "new_tokens": 3,
            "repeats": 1,
            "vision_ms": spread(1.0),
            "rungs": rungs,
        }
    )


@pytest.fixture
def calibration(tmp_path):
    """Writes a calibration and returns its path."""
    numbers = count()

    def write(prefill_ms, **more):
        path = tmp_path / f"calibration_{next(numbers)}.json"
        write_calibration(path, measured(prefill_ms, **more))
        return str(path)

    return write
