"""The command ``budget bench escalate``: going up for real, on the frontier.

    budget bench escalate --model mqt --limit 500 --out runs/escalate-mqt

Every question is answered at every fixed scale, by the policy before any answer, and going up, at
five mean budgets. FLOPs are those of all answers of a sample, the vision encoder counted once.
Written are ``escalate.png`` and ``escalate.json``; the last line is JSON.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import (
    one_line_errors,
    plain_values,
    print_json_line,
    print_table,
    progress,
    quiet_libraries,
    say,
)
from budget.escalation import DEFAULT_BOUND

if TYPE_CHECKING:
    from budget.llava import LlavaRunner
    from experiments.escalate.steps import Step
    from experiments.escalate.summary import Foretold, Point
    from experiments.escalate.ways import Questions


@one_line_errors()
def escalate(
    model: Annotated[str, typer.Option(help="m3, mqt, a folder or a hub id.")] = "m3",
    policy: Annotated[
        Path | None,
        typer.Option(
            help="Policy that carries what it takes to look at answers; default: beside the model."
        ),
    ] = None,
    data: Annotated[
        str, typer.Option(help="As 'oracle run' takes it: columns id, image, question, answers.")
    ] = "scenes",
    split: Annotated[str, typer.Option(help="Split, held out from the policy.")] = "test",
    limit: Annotated[int, typer.Option(help="Samples from the front.", min=1)] = 500,
    bound: Annotated[
        float,
        typer.Option(help="Share of the full scale's FLOPs that a sample may take beyond.", min=0),
    ] = DEFAULT_BOUND,
    budgets: Annotated[
        str | None,
        typer.Option(help="Mean visual tokens, as 4,16,64; default: five over the ladder."),
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 8,
    rounds: Annotated[
        int, typer.Option(help="Measurements of single steps with and without a cache.", min=1)
    ] = 5,
    resamples: Annotated[int, typer.Option(help="Resamples of the bootstrap.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of the picture and the JSON.")] = None,
) -> None:
    """Answer questions by fixed scales, a policy before answers and going up; compare FLOPs."""
    quiet_libraries()
    import numpy as np

    from budget.kept_cost import encoding_flops
    from budget.matryoshka import load_matryoshka
    from budget.models import find_model
    from experiments.escalate.figure import draw_points
    from experiments.escalate.summary import as_json, foretell, points_of
    from experiments.escalate.ways import ANEW, KEPT, Questions, run_fixed, run_policies
    from oracle.data import load_dataset_columns
    from policies.escalation import ScoreEscalationPolicy
    from policies.escalation_evaluation import five_budgets
    from policies.policy_files import load_policy

    runner = load_matryoshka(model, "budget bench escalate")
    loaded = load_policy(policy or find_model(model) / "policy")
    looking = ScoreEscalationPolicy(loaded)
    means = _means(budgets) or five_budgets(np.array(runner.ladder.scales, dtype=float)).tolist()
    rows = load_dataset_columns(data, split, ("id", "image", "question", "answers"), limit, say=say)
    asked = Questions(rows["image"][:], rows["question"][:], rows["answers"][:])
    fixed = run_fixed(runner, asked, max_new_tokens=max_new_tokens)
    outcomes = list(fixed.outcomes)
    with progress(f"{runner.name} going up", "runs") as update:
        total = len(means) * (3 if runner.nested else 2)
        ways = run_policies(
            runner, loaded, asked, means, bound=bound, max_new_tokens=max_new_tokens
        )
        for done, outcome in enumerate(ways, start=1):
            outcomes.append(outcome)
            update(done, total)
    rng = np.random.default_rng(seed)
    points = points_of(outcomes, rng, resamples=resamples)
    going = [each for each in outcomes if each.way in (ANEW, KEPT)]
    foretold = []
    if not looking.needs_encoded:
        described = looking.describe(asked.images, asked.questions)
        once = encoding_flops(runner.shape, 1)
        foretold = foretell(looking, described, fixed, going, once)
    steps = _steps(runner, asked, rounds, max_new_tokens) if runner.nested else []
    title = f"{runner.name}: {len(asked.questions):,} samples, bound {bound:g}; bars: 95 %"
    _print(points, foretold, title)
    _print_steps(steps)
    found = {**_figures(points, foretold, bound), "steps": [step._asdict() for step in steps]}
    if out is not None:
        import json

        out.mkdir(parents=True, exist_ok=True)
        draw_points(points, title, out / "escalate.png")
        whole = plain_values({**found, **as_json(points, foretold)})
        (out / "escalate.json").write_text(json.dumps(whole, indent=1, allow_nan=False) + "\n")
    print_json_line({"model": runner.name, "n": len(asked.questions), **found})


def _steps(
    runner: "LlavaRunner", asked: "Questions", rounds: int, max_new_tokens: int
) -> "list[Step]":
    """Time steps of one batch: to the full scale from below, half way and from far."""
    from experiments.escalate.steps import time_steps

    scales = tuple(runner.ladder)
    starts = dict.fromkeys(scales[i] for i in (-2, len(scales) // 2, 0))
    batch = asked._replace(
        images=asked.images[:32], questions=asked.questions[:32], answers=asked.answers[:32]
    )
    return time_steps(
        runner,
        batch,
        [(m, scales[-1]) for m in starts],
        rounds=rounds,
        max_new_tokens=max_new_tokens,
    )


def _print_steps(steps: "list[Step]") -> None:
    if steps:
        rows = [
            (
                f"{each.tokens_from} to {each.tokens_to}",
                f"{each.kept_ms:.2f}",
                f"{each.anew_ms:.2f}",
                f"{each.anew_ms / each.kept_ms:.2f}",
                f"{each.anew_flops / each.kept_flops:.2f}",
                f"{each.same_answers:.1%}",
            )
            for each in steps
        ]
        columns = ("step up", "ms, kept cache", "ms, anew", "time", "FLOPs", "same answers")
        print_table(columns, rows, "One step of a batch of 32 at most; medians")


def _means(budgets: str | None) -> list[float]:
    """Return the mean tokens of an option."""
    try:
        return [float(each) for each in budgets.split(",")] if budgets else []
    except ValueError:
        raise ValueError(f"--budgets must be numbers as 4,16,64, got {budgets!r}") from None


def _print(points: "list[Point]", foretold: "list[Foretold]", title: str) -> None:
    rows = []
    for p in points:
        value, reach = p.accuracy
        rows.append(
            (
                f"{p.way} {p.budget:g}",
                f"{value:.1%} ({reach.low:.1%} to {reach.high:.1%})",
                f"{p.flops[0]:.1%}",
                f"{p.tokens:.1f}",
                f"{p.tries:.2f}",
                f"{p.most:.3f}",
                f"{100 * p.over_fixed[0]:+.1f}",
                f"{100 * p.over_before[0]:+.1f}",
                f"{p.ms:.1f}",
            )
        )
    columns = ("way", "accuracy", "FLOPs", "tokens", "tries", "most", "fixed", "before", "ms")
    print_table(columns, rows, title)
    if foretold:
        cells = [
            (f"{f.way} {f.budget:g}", f"{f.accuracy:.1%}", f"{f.flops:.1%}", f"{f.same_way:.1%}")
            for f in foretold
        ]
        print_table(("by the curves", "accuracy", "FLOPs", "same way"), cells)


def _figures(points: "list[Point]", foretold: "list[Foretold]", bound: float) -> dict[str, Any]:
    """Return the figures that stand in the last line."""
    from experiments.escalate.ways import ANEW, KEPT

    going = [p for p in points if p.way in (ANEW, KEPT)]
    at = {(p.way, p.budget): p for p in going}
    found: dict[str, Any] = {
        "bound": bound,
        "most_over_full": max(p.most for p in going),
        "bound_held": all(p.most <= 1 + bound for p in going),
        "budgets": sorted({p.budget for p in going}),
    }
    for way in (ANEW, KEPT):
        own = [p for p in going if p.way == way]
        name = "kept_cache" if way == KEPT else "escalate"
        if own:
            found[f"{name}_accuracy"] = [p.accuracy[0] for p in own]
            found[f"{name}_flops"] = [p.flops[0] for p in own]
            found[f"{name}_over_fixed"] = [p.over_fixed[0] for p in own]
            found[f"{name}_over_before"] = [p.over_before[0] for p in own]
    if foretold:
        pairs = [(at[f.way, f.budget], f) for f in foretold]
        found["curves_accuracy_off"] = max(abs(p.accuracy[0] - f.accuracy) for p, f in pairs)
        found["curves_flops_off"] = max(abs(p.flops[0] / f.flops - 1) for p, f in pairs)
    return found
