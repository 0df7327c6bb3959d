"""Runs with scores made up by hand, for reports."""

import numpy as np

from experiments.report.runs import Run
from oracle.curves import Curves


def made_run(scores, *, groups=None, tokens=None, scales=None, ids=None, name="toy", about=None):
    scores = np.asarray(scores, dtype=float)
    n, k = scores.shape
    scales = scales or tuple(4**i for i in range(k))
    unknown = np.full((n, k), np.nan)
    curves = Curves(
        sample_ids=np.array([f"s{i}" for i in range(n)]) if ids is None else np.asarray(ids),
        groups=np.array(["all"] * n) if groups is None else np.asarray(groups),
        scales=scales,
        scores=scores,
        answers=np.full((n, k), ""),
        confidence=unknown,
        flops=unknown,
        seconds=unknown,
        num_visual_tokens=np.broadcast_to(scales, (n, k)) if tokens is None else tokens,
        prompt_tokens=np.zeros((n, k), dtype=int),
    )
    return Run(name, curves, about or {"model": "toy"}, "the data")


def nested(n, chances, seed=0):
    """Scores of samples that stay right once they are, right with these chances."""
    return (np.random.default_rng(seed).random((n, 1)) < np.asarray(chances)).astype(float)
