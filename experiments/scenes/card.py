"""What the shipped weights reach on held-out scenes: figures, the testbed's bars, a model card."""

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.scenes.difficulty import measure_real_gap

if TYPE_CHECKING:
    from collections.abc import Callable

    from budget.types import MatryoshkaVLM

# What makes the testbed fit for its purpose; "at least" unless the name says otherwise.
FULL_ACCURACY = 0.88
# An MQT model is held against the full scale of the M3 that ships.
MQT_WITHIN = 0.05
WORST_GROUP = 0.75
SMALLEST_SCALE_AT_MOST = 0.60
STEP_GAIN, STEPS_THAT_GAIN = 0.03, 3
HIDDEN_CLOSES = 0.40
VISION_SHARE_AT_MOST = 0.25


def measure(
    model: "MatryoshkaVLM",
    *,
    fit_limit: int | None,
    test_limit: int | None,
    progress: "Callable[[int, int], None] | None" = None,
) -> dict[str, Any]:
    """Sweep the fit and the test split and return all figures of the card.

    Args:
        model: the model to judge.
        fit_limit: scenes of the fit split; None for all.
        test_limit: scenes of the test split; None for all.
        progress: called with (answers done, answers in all).
    """
    from budget.m3 import M3Model
    from experiments.scenes.data import load_scenes
    from oracle.sweeping import sweep

    fit, test = load_scenes("fit", fit_limit), load_scenes("test", test_limit)
    both = (len(fit) + len(test)) * len(model.ladder)
    shown = progress or (lambda done, total: None)
    fit_curves = sweep(model, fit, progress=lambda done, _: shown(done, both))
    before = len(fit) * len(model.ladder)
    curves = sweep(model, test, progress=lambda done, _: shown(before + done, both))
    tokens = curves.num_visual_tokens
    gap = measure_real_gap(
        fit, fit_curves.scores, test, curves.scores, tokens, np.random.default_rng(0)
    )
    groups = {
        group: [round(float(x), 4) for x in curves.scores[curves.groups == group].mean(axis=0)]
        for group in sorted(set(curves.groups.tolist()))
    }
    text = round(float((curves.prompt_tokens - curves.num_visual_tokens).mean()))
    full = model.cost(model.ladder[-1], text, 2)
    reference = None if isinstance(model, M3Model) else _shipped_full_accuracy()
    return {
        "model": model.name,
        "m3_full_accuracy": reference,
        "ladder": list(model.ladder),
        "n_fit": len(fit),
        "n_test": len(test),
        "accuracy": [round(float(x), 4) for x in curves.scores.mean(axis=0)],
        "groups": groups,
        "group_sizes": {g: int((curves.groups == g).sum()) for g in groups},
        "vision_share": round(full.vision_flops / full.flops, 4),
        "full_mflops": round(full.flops / 1e6, 1),
        "hidden_gap_closed_stable": _gap(gap.hidden),
        "per_group_gap_closed_stable": _gap(gap.per_group),
    }


def _shipped_full_accuracy() -> float:
    """Return what the shipped M3's card says of its full scale."""
    from budget.shipped import shipped_folder

    figures = json.loads(Path(shipped_folder("m3"), "figures.json").read_text())
    return float(figures["accuracy"][-1])


def _gap(measured: Any) -> list[float]:
    """Return value, low and high end of the stable gap closed."""
    low, high = measured.stable
    return [round(float(x), 4) for x in (measured.gap.stable, low, high)]


def bars(figures: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Return name, figure, bar and whether it is met, for every bar of the testbed.

    Where the figures name an M3's full scale (``m3_full_accuracy``), the model is another one that
    must come near it and have a curve of the same shape; what is asked of groups and of the gap is
    asked of M3.
    """
    accuracy, groups = figures["accuracy"], figures["groups"]
    reference = figures.get("m3_full_accuracy")
    least = FULL_ACCURACY if reference is None else round(reference - MQT_WITHIN, 4)
    big = sum(b - a >= STEP_GAIN for a, b in pairwise(accuracy))
    share = figures["vision_share"]
    smallest = SMALLEST_SCALE_AT_MOST
    rows = [
        ("full scale", accuracy[-1], f">= {least:g}", accuracy[-1] >= least),
        ("smallest scale", accuracy[0], f"<= {smallest}", accuracy[0] <= smallest),
        (f"steps that gain {STEP_GAIN}", big, f">= {STEPS_THAT_GAIN}", big >= STEPS_THAT_GAIN),
        (
            "vision share of FLOPs",
            share,
            f"<= {VISION_SHARE_AT_MOST}",
            share <= VISION_SHARE_AT_MOST,
        ),
    ]
    if reference is None:
        worst = min(groups, key=lambda group: groups[group][-1])
        lowest = groups[worst][-1]
        name = f"worst group at full scale ({worst})"
        rows.append((name, lowest, f">= {WORST_GROUP}", lowest >= WORST_GROUP))
        hidden = figures["hidden_gap_closed_stable"][0]
        grouped = figures["per_group_gap_closed_stable"][0]
        rows += [
            ("hidden difficulty closes", hidden, f">= {HIDDEN_CLOSES}", hidden >= HIDDEN_CLOSES),
            ("per-group fixed closes", grouped, "< half of that", grouped < hidden / 2),
        ]
    return [(name, f"{value:g}", bar, met) for name, value, bar, met in rows]


def write_card(figures: dict[str, Any], folder: Path, command: str, remark: str = "") -> None:
    """Write ``figures.json`` and ``README.md`` beside the weights.

    Args:
        figures: from :func:`measure`.
        folder: of the weights.
        command: that made the weights.
        remark: what else a reader must know of how they were made.
    """
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    (folder / "README.md").write_text(_card(figures, command, remark))


def _card(figures: dict[str, Any], command: str, remark: str) -> str:
    scales = figures["ladder"]
    lines = [
        f"# {figures['model']}: the embedded testbed's weights",
        "",
        "A small vision-language model of the real classes (CLIP vision tower, projector or query",
        "resampler, Llama) for 96x96 pictures, trained from nothing on drawn scenes. It is a",
        "testbed for choosing token budgets, not a model for photographs.",
        "",
        f"Made by `{command}`. Figures below: `budget scenes verify --model {figures['model']}`,",
        f"{figures['n_test']} held-out questions, one a scene, of split `test`; rules fitted on",
        f"{figures['n_fit']} of the split `fit`. Splits share neither scenes nor handwriting.",
        *(["", remark] if remark else []),
        "",
        "## Accuracy by visual tokens",
        "",
        "| group | questions | " + " | ".join(str(s) for s in scales) + " |",
        "|---" * (len(scales) + 2) + "|",
        f"| all | {figures['n_test']} | " + _cells(figures["accuracy"]),
    ]
    lines += [
        f"| {group} | {figures['group_sizes'][group]} | " + _cells(values)
        for group, values in figures["groups"].items()
    ]
    lines += ["", "## The testbed's bars", "", "| what | figure | bar | met |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {value} | {bar} | {'yes' if met else 'no'} |"
        for name, value, bar, met in bars(figures)
    ]
    hidden, low, high = figures["hidden_gap_closed_stable"]
    grouped = figures["per_group_gap_closed_stable"][0]
    lines += [
        "",
        "A LightGBM policy that is given the hidden difficulty closes "
        f"{hidden:.3f} ({low:.3f} to {high:.3f})",
        "of the stable oracle's area over the hull of the fixed scales, from the smallest scale to",
        f"full on a log axis; one fixed scale per group closes {grouped:.3f}.",
        f"One question at full scale costs {figures['full_mflops']} MFLOPs.",
        "",
    ]
    return "\n".join(lines)


def _cells(values: list[float]) -> str:
    return " | ".join(f"{100 * value:.1f}" for value in values) + " |"
