"""The whole flow on the scenes: oracle curves, a fitted policy, adaptive answers, the figures."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.adaptive import AdaptiveAnswer
    from budget.types import MatryoshkaVLM
    from oracle.curves import Curves
    from policies.evaluation import EvaluationRow, Evaluator
    from policies.gaps import GapInterval
    from policies.hull import FloatArray, Frontier
    from policies.lightgbm_policy import ScorePolicy

Progress = Callable[[int, int], None]
Watch = Callable[[str], Any]

# Of the test split; what a run at one rung alone takes.
TIMED_SAMPLES = 96
# The full scale answers so many of the test split again, for its time alone.
FULL_SAMPLES = 480


class Sizes(NamedTuple):
    """Scenes (one question each) of every split.

    Attributes:
        fit: the policy learns from these.
        calibration: its prices are set on these.
        test: everything that is reported comes from these.
    """

    fit: int = 3500
    calibration: int = 1250
    test: int = 2250


class Demo(NamedTuple):
    """What the flow found.

    Attributes:
        curves: of the test split.
        test: the test split.
        policy: fitted and calibrated.
        rows: the table.
        areas: gap closed by area, by rule.
        frontiers: mean score against mean tokens, by name.
        answers: what the adaptive model answered on the test split at no loss.
        adaptive_accuracy: of those answers, scored anew.
        adaptive_ms: measured milliseconds a sample of that run, decision included.
        full_ms: the same of a run at full scale, over the first of these samples.
        decision_ms: milliseconds a sample of the decision alone.
    """

    curves: "Curves"
    test: "Dataset"
    policy: "ScorePolicy"
    rows: "list[EvaluationRow]"
    areas: "dict[str, GapInterval]"
    frontiers: "dict[str, Frontier]"
    answers: "list[AdaptiveAnswer]"
    adaptive_accuracy: float
    adaptive_ms: float
    full_ms: float
    decision_ms: float


def run_demo(model: "MatryoshkaVLM", out: Path, *, sizes: Sizes, seed: int, watch: Watch) -> Demo:
    """Run the flow and leave curves and policy in ``out``.

    Args:
        model: runs at every scale of its ladder.
        out: folder for ``fit.parquet``, ``calibration.parquet``, ``test.parquet``, ``policy/``.
        sizes: scenes of every split.
        seed: of the policy's fit and of the bootstrap.
        watch: gives a context manager with a progress function, from a description.
    """
    from experiments.scenes.data import load_scenes

    splits, curves = {}, {}
    for name, count in sizes._asdict().items():
        splits[name] = load_scenes(name, count)
        curves[name] = _curves(model, splits[name], out / f"{name}.parquet", watch(name))
    policy, expected, decision_ms = _policy(model, splits, curves, seed)
    policy.save(out / "policy")
    rung_ms = _time_rungs(model, splits["test"])
    rows, areas, frontiers = _compare(policy, expected, curves, rung_ms, decision_ms, seed)
    answers, adaptive_accuracy, adaptive_ms, full_ms = _answer(model, policy, splits["test"])
    return Demo(
        curves["test"],
        splits["test"],
        policy,
        rows,
        areas,
        frontiers,
        answers,
        adaptive_accuracy,
        adaptive_ms,
        full_ms,
        decision_ms,
    )


def _curves(model: "MatryoshkaVLM", split: "Dataset", path: Path, watch: Any) -> "Curves":
    from oracle.curves import write_curves
    from oracle.sweeping import sweep

    with watch as progress:
        curves = sweep(model, split, progress=progress)
    write_curves(path, curves, {"model": model.name, "scorer": "exact"})
    return curves


def _policy(
    model: "MatryoshkaVLM", splits: "dict[str, Dataset]", curves: "dict[str, Curves]", seed: int
) -> "tuple[ScorePolicy, FloatArray, float]":
    """Return the fitted policy, its predictions on the test split, and its decision's time."""
    from policies.features import featurize
    from policies.pricing import fit_score_policy
    from policies.rung_costs import known_tokens
    from policies.scores import LightGBMScores

    features = {
        name: featurize(split["image"][:], split["question"][:])
        for name, split in splits.items()
        if name != "test"
    }
    policy = fit_score_policy(
        fit_features=features["fit"],
        fit_scores=curves["fit"].scores,
        calibration_features=features["calibration"],
        calibration_scores=curves["calibration"].scores,
        ladder=model.ladder,
        rung_costs=known_tokens(curves["fit"].num_visual_tokens),
        calibration_tokens=curves["calibration"].num_visual_tokens,
        predictor=LightGBMScores(random_state=seed, num_threads=2),
    )
    images, questions = splits["test"]["image"][:], splits["test"]["question"][:]
    start = time.perf_counter()
    expected = policy.predict_scores(images, questions)
    return policy, expected, 1e3 * (time.perf_counter() - start) / len(questions)


def _time_rungs(model: "MatryoshkaVLM", dataset: "Dataset") -> "FloatArray":
    """Return the milliseconds a sample that a run at each rung alone takes, encoding included.

    The sweep runs all rungs together, so what one of them takes is measured apart, on some samples.
    """
    rows = dataset.select(range(min(TIMED_SAMPLES, len(dataset))))
    images, questions = rows["image"][:], rows["question"][:]
    taken = []
    for m in model.ladder:
        start = time.perf_counter()
        model.answer(images, questions, num_visual_tokens=m, max_new_tokens=8, batch_size=64)
        taken.append(1e3 * (time.perf_counter() - start) / len(questions))
    return np.array(taken)


def _compare(
    policy: "ScorePolicy",
    expected: "FloatArray",
    curves: "dict[str, Curves]",
    rung_ms: "FloatArray",
    decision_ms: float,
    seed: int,
) -> "tuple[list[EvaluationRow], dict[str, GapInterval], dict[str, Frontier]]":
    """Return the table, the gap closed by area, and the frontiers, all on the test split."""
    from policies.evaluation import Evaluator, evaluate, gap_areas, measured
    from policies.rules import per_group_of

    test, fit = curves["test"], curves["fit"]
    data = measured(
        test.scores,
        test.num_visual_tokens,
        groups=test.groups.tolist(),
        flops=test.flops,
        ms=np.broadcast_to(rung_ms, test.scores.shape),
        scales=test.scales,
    )
    grouped, costs = per_group_of(data, fit.groups.tolist(), fit.scores, fit.num_visual_tokens)
    rng = np.random.default_rng(seed)
    rows = evaluate(
        data,
        expected=expected,
        prices=policy.prices,
        price_costs=policy.rung_costs,
        group_expected=grouped,
        group_costs=costs,
        decision_ms=decision_ms,
        rng=rng,
    )
    areas = gap_areas(data, {"policy": expected, "per-group fixed": grouped}, rng=rng)
    return rows, areas, _frontiers(Evaluator(data, rng), expected, grouped, costs)


def _frontiers(
    evaluator: "Evaluator", expected: "FloatArray", grouped: "FloatArray", costs: "FloatArray"
) -> "dict[str, Frontier]":
    return {
        "fixed scales, random mix": evaluator.hull,
        "per-group fixed": evaluator.frontier(grouped, costs),
        "LightGBM policy": evaluator.frontier(expected),
        "oracle, stable": evaluator.stable,
        "oracle, any correct": evaluator.any_correct,
    }


def _answer(
    model: "MatryoshkaVLM", policy: "ScorePolicy", test: "Dataset"
) -> "tuple[list[AdaptiveAnswer], float, float, float]":
    """Answer the test split adaptively and at full scale; return answers, accuracy and times."""
    from budget.adaptive import AdaptiveVLM, Budget
    from oracle.scoring import get_scorer

    vlm, score = AdaptiveVLM(model, policy), get_scorer("exact")
    images, questions = test["image"][:], test["question"][:]
    start = time.perf_counter()
    answers = vlm.answer(images, questions, max_new_tokens=8)
    adaptive = time.perf_counter() - start
    some = slice(FULL_SAMPLES)
    start = time.perf_counter()
    vlm.answer(
        images[some],
        questions[some],
        budget=Budget(num_visual_tokens=model.ladder[-1]),
        max_new_tokens=8,
    )
    full = 1e3 * (time.perf_counter() - start) / len(questions[some])
    right = [score(a.text, t) for a, t in zip(answers, test["answers"][:], strict=True)]
    return answers, float(np.mean(right)), 1e3 * adaptive / len(questions), full
