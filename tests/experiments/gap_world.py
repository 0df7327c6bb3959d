"""Small runs made by hand, for sections of reports whose numbers can be told beforehand."""

from dataclasses import replace

import numpy as np

from experiments.report.runs import PolicyChoices, Run
from oracle.curves import Curves

SCALES = (1, 4, 16)


def curves_of(scores, *, scales=SCALES, groups=None, answers=None, tokens=None, known=True):
    """Return curves of some scores, one row a sample; costs are tokens times a constant."""
    scores = np.asarray(scores, dtype=float)
    n, k = scores.shape
    tokens = np.broadcast_to(np.array(scales), (n, k)) if tokens is None else tokens
    unknown = np.full((n, k), np.nan)
    if answers is None:
        answers = np.where(scores >= 0.5, "yes", "no")
    return Curves(
        sample_ids=np.array([f"s{i}" for i in range(n)]),
        groups=np.array(groups if groups is not None else ["all"] * n),
        scales=scales,
        scores=scores,
        answers=np.array(answers),
        confidence=unknown,
        flops=tokens * 1e9 if known else unknown,
        seconds=tokens * 1e-3 if known else unknown,
        num_visual_tokens=tokens,
        prompt_tokens=tokens,
    )


def policy_of(expected, *, name="mine", price=0.1, scales=SCALES, held_out=True, decision_ms=0.0):
    """Return what a policy expects of samples; its own price is called "usual"."""
    return PolicyChoices(
        name=name,
        expected=np.asarray(expected, dtype=float),
        rung_costs=np.array(scales, dtype=float),
        prices={"usual": price, "none": 0.0},
        price=price,
        decision_ms=decision_ms,
        held_out=held_out,
    )


def run_of(curves, *policies, fit=None, samples=None):
    """Return a run."""
    return Run(
        "small", curves, {"model": "none"}, "the run's own column 'group'", samples, fit, policies
    )


def drawn_scores(n, k=3, seed=0):
    """Return right and wrong answers that become more often right with the scale."""
    chances = np.linspace(0.3, 0.9, k)
    return (np.random.default_rng(seed).random((n, k)) < chances).astype(float)


def other_samples(curves):
    """Return the same curves under other names, as if of other samples."""
    return replace(curves, sample_ids=np.char.add("other-", curves.sample_ids))


class Made:
    """Questions and images made on the spot; some images cannot be read."""

    def __init__(self, questions, images, *, broken=()):
        self.questions = questions
        self.references = [["yes", "sure"] for _ in questions]
        self._images, self._broken = images, broken

    def images(self, row):
        """Return the sample's images."""
        if row in self._broken:
            raise OSError("cannot identify <this> file")
        return self._images[row]
