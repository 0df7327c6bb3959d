import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from oracle.curves import Curves, read_curves

# Programs that tests start; they import what lies beside them.
collect_ignore = [
    "toy_cluster.py",
    "toy_command.py",
    "toy_full_disk.py",
    "toy_ray.py",
    "toy_stream.py",
]

HERE = Path(__file__).parent
TOYS = HERE / "toys.py"
MEASURED = (  # all but seconds, which no two runs share
    "sample_ids",
    "groups",
    "scores",
    "answers",
    "confidence",
    "margin",
    "entropy",
    "flops",
    "num_visual_tokens",
    "prompt_tokens",
)


@pytest.fixture(scope="session")
def toys():
    """The module of toys beside this file; a subprocess can run the same file."""
    spec = importlib.util.spec_from_file_location("oracle_toys", TOYS)
    module = importlib.util.module_from_spec(spec)
    sys.modules["oracle_toys"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def start():
    """Starts one of the scripts beside the toys as a process of its own, with pipes."""

    def start(script, *words, **more):
        path = [str(HERE.parents[1]), str(HERE), os.environ.get("PYTHONPATH", "")]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
        command = [sys.executable, str(HERE / script), *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=env, **pipes, **more)

    return start


@pytest.fixture(scope="session")
def assert_same():
    """Compares two tables of curves, files or folders, in all that was measured but seconds."""

    def assert_same(one, other):
        one, other = (c if hasattr(c, "scales") else read_curves(c) for c in (one, other))
        assert one.scales == other.scales
        for name in MEASURED:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))

    return assert_same


@pytest.fixture(scope="session")
def curves_of():
    """Maps scores, and what else matters, to curves whose other columns are plain."""
    return plain_curves


def plain_curves(scores, scales=None, groups=None, answers=None, tokens=None):
    scores = np.asarray(scores, dtype=float)
    n, k = scores.shape
    scales = tuple(scales or range(1, k + 1))
    return Curves(
        sample_ids=[f"s{i}" for i in range(n)],
        groups=["all"] * n if groups is None else groups,
        scales=scales,
        scores=scores,
        answers=np.where(scores > 0, "right", "wrong") if answers is None else answers,
        confidence=np.zeros((n, k)),
        flops=np.ones((n, k)),
        seconds=np.ones((n, k)),
        num_visual_tokens=np.tile(scales, (n, 1)) if tokens is None else tokens,
        prompt_tokens=np.ones((n, k)),
    )
