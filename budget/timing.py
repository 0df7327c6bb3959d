"""The clock that benchmarks read."""

import time

import torch


def now(device: torch.device) -> float:
    """Return seconds on a clock, once ``device`` has done what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
