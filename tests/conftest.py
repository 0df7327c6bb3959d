"""Settings for every test: few threads, no hub, no display, no example database."""

import os
import sys

# Before anything imports numpy or torch.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("MKL_NUM_THREADS", "2")
os.environ.update(
    {
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "Agg",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
    }
)

import pytest
from hypothesis import settings

settings.register_profile("repository", database=None, deadline=None, derandomize=True)
settings.load_profile("repository")


def pytest_collection_modifyitems(items):
    """Leave out, in one place and with the reason, what this machine cannot run."""
    lacking = {}
    if not sys.platform.startswith("linux"):
        lacking["linux"] = "reads what Linux alone tells of a process's memory"
    if any(item.get_closest_marker("gpu") for item in items):
        import torch

        if not torch.cuda.is_available():
            lacking["gpu"] = "no CUDA device"
    for item in items:
        for name, reason in lacking.items():
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=reason))
