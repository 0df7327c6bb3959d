"""The command ``budget bench split``: what splitting a total over several pictures gains.

    budget bench split --prompts 600

Accuracies are mean scores in [0, 1], tokens are visual tokens of a whole prompt; the last line is
JSON.
"""

from typing import Annotated

import typer

from budget.console import (
    one_line_errors,
    print_json_line,
    print_table,
    progress,
    quiet_libraries,
)


@one_line_errors()
def split(
    model: Annotated[str, typer.Option(help="A shipped model with a policy: m3 or mqt.")] = "m3",
    prompts: Annotated[
        int, typer.Option(help="Prompts of two to four scenes of the test split.", min=1)
    ] = 600,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 4,
    seed: Annotated[int, typer.Option(help="Seed of resamples.")] = 0,
) -> None:
    """Split totals over the pictures of prompts: all alike, by the policy, and by two references.

    One reference is told which picture is meant; the other searches with the right answers in hand
    and keeps the best of many tries, so that part of what it gains is luck.
    """
    quiet_libraries()
    import numpy as np

    from budget.matryoshka import load_matryoshka
    from budget.shipped import shipped_folder
    from experiments.scenes.several import load_several
    from experiments.split_bench import measure, rows_of
    from policies.policy_files import load_policy

    vlm = load_matryoshka(model, "budget bench split")
    policy = load_policy(shipped_folder(model) / "policy")
    data = load_several("test", prompts)
    with progress("prompts in four ways", "prompts") as update:
        measured = measure(vlm, policy, data, max_new_tokens=max_new_tokens, progress=update)
    scales = tuple(vlm.ladder)
    rows = rows_of(measured, scales, np.random.default_rng(seed))
    cells = [
        (
            row.way,
            row.scale,
            f"{row.mean_tokens:.1f}",
            f"{100 * row.accuracy:.1f}",
            f"{100 * row.gain:+.1f} ({100 * row.interval.low:+.1f} to "
            f"{100 * row.interval.high:+.1f})",
        )
        for row in rows
    ]
    headings = ("way", "scale", "tokens", "accuracy %", "points over uniform (95 %)")
    print_table(headings, cells, f"{vlm.name}: {len(data)} prompts of 2 to 4 pictures")
    print_json_line(
        {
            "model": vlm.name,
            "prompts": len(data),
            "scales": list(scales),
            "ways": {
                way: {
                    "accuracy": [round(r.accuracy, 4) for r in rows if r.way == way],
                    "mean_tokens": [round(r.mean_tokens, 2) for r in rows if r.way == way],
                    "gain": [round(r.gain, 4) for r in rows if r.way == way],
                    "gain_interval": [
                        [round(bound, 4) for bound in r.interval] for r in rows if r.way == way
                    ],
                }
                for way in measured
            },
        }
    )
