"""The commands ``budget scenes``: make the testbed's data, look at it, verify weights on it.

budget scenes make --split test --out runs/scenes-test
budget scenes show --out scenes.png
budget scenes verify --model m3
budget scenes pointing --model mqt
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Make, look at and verify the testbed."
)

_SPLIT = typer.Option(help="'model-train', 'fit', 'calibration' or 'test'.")


@app.command()
def make(
    out: Annotated[Path, typer.Option(help="Folder to write, read by datasets.load_from_disk.")],
    split: Annotated[str, _SPLIT] = "test",
    limit: Annotated[int | None, typer.Option(help="Scenes.  [default: the whole split]")] = None,
) -> None:
    """Write a split as a dataset."""
    from budget.console import print_json_line, quiet_libraries

    quiet_libraries()
    from experiments.scenes.data import load_scenes

    if out.exists():
        raise FileExistsError(17, "File exists", str(out))
    dataset = load_scenes(split, limit)
    dataset.save_to_disk(str(out))
    print_json_line({"split": split, "rows": len(dataset), "out": str(out)})


@app.command()
def show(
    out: Annotated[Path, typer.Option(help="PNG to write.")],
    split: Annotated[str, _SPLIT] = "test",
    count: Annotated[int, typer.Option(help="Scenes to draw, 1 to 60.", min=1, max=60)] = 12,
) -> None:
    """Draw a sheet of scenes with their questions and answers."""
    from budget.console import print_json_line
    from experiments.scenes.data import iterate_scenes
    from experiments.scenes.sheet import draw_sheet

    scenes = list(iterate_scenes(split, count, questions=3))
    captions = [[f"{q.text} {q.answer}" for q in scene.questions] for scene in scenes]
    draw_sheet([scene.pixels for scene in scenes], captions).save(out)
    print_json_line({"split": split, "scenes": count, "out": str(out)})


@app.command()
def verify(
    model: Annotated[str, typer.Option(help="'m3', 'mqt' or a model folder.")] = "m3",
    fit_scenes: Annotated[
        int | None, typer.Option(help="Scenes of split fit.  [default: all 8000]")
    ] = None,
    test_scenes: Annotated[
        int | None, typer.Option(help="Scenes of split test.  [default: all 6000]")
    ] = None,
    card: Annotated[
        Path | None, typer.Option(help="Folder of weights to write the model card into.")
    ] = None,
    made_by: Annotated[str, typer.Option(help="Command that made the weights, for the card.")] = "",
    remark: Annotated[
        str, typer.Option(help="What else the card says of how they were made.")
    ] = "",
) -> None:
    """Measure a model on held-out scenes and hold it against the testbed's bars."""
    from budget.console import print_json_line, print_table, progress, quiet_libraries

    quiet_libraries()
    from budget import load_model
    from experiments.scenes.card import bars, measure, write_card

    vlm = load_model(model)
    with progress("answers at every scale", "answers") as update:
        figures = measure(vlm, fit_limit=fit_scenes, test_limit=test_scenes, progress=update)
    scales = [str(scale) for scale in figures["ladder"]]
    rows = [["all", figures["n_test"], *[f"{100 * x:.1f}" for x in figures["accuracy"]]]]
    rows += [
        [group, figures["group_sizes"][group], *[f"{100 * x:.1f}" for x in values]]
        for group, values in figures["groups"].items()
    ]
    print_table(["accuracy %", "questions", *scales], rows)
    verdicts = bars(figures)
    print_table(
        ["bar", "figure", "asked", "met"],
        [[*row[:3], "yes" if row[3] else "no"] for row in verdicts],
    )
    if card is not None:
        write_card(figures, card, made_by or "an unstated command", remark)
    print_json_line({**figures, "bars_met": {name: met for name, _, _, met in verdicts}})


@app.command()
def pointing(
    model: Annotated[str, typer.Option(help="'m3', 'mqt' or a model folder.")] = "m3",
    questions: Annotated[int, typer.Option(help="Questions about one thing.", min=1)] = 200,
    split: Annotated[str, _SPLIT] = "test",
    seed: Annotated[int, typer.Option(help="Seed of the intervals.")] = 0,
) -> None:
    """Measure how often the peak of a heat map falls on the thing that was asked about."""
    from budget.console import print_json_line, print_table, progress, quiet_libraries

    quiet_libraries()
    import numpy as np

    from budget.explaining.layers import default_layer
    from budget.matryoshka import load_matryoshka
    from experiments.scenes.pointing import play, scores

    vlm = load_matryoshka(model, "budget scenes pointing")
    with progress("heat maps at every scale", "questions") as update:
        games = play(vlm, questions, split=split, progress=update)
    found = scores(games, default_layer(vlm), np.random.default_rng(seed))
    rows = [
        [
            each.way,
            each.scale or "",
            f"{100 * each.hits:.1f}",
            f"{100 * each.interval.low:.1f} to {100 * each.interval.high:.1f}",
            f"{100 * each.hits_if_right:.1f} of {each.right}" if each.right else "",
            f"{100 * each.gain:+.1f} ({100 * each.gain_interval.low:+.1f} to "
            f"{100 * each.gain_interval.high:+.1f})"
            if np.isfinite(each.gain)
            else "",
        ]
        for each in found
    ]
    columns = ("way", "tokens", "hits %", "95 %", "if answered right", "against the default")
    print_table(columns, rows, title=f"{model}: {len(games)} questions about one thing")
    print_json_line(
        {"model": model, "questions": len(games), "scores": [each._asdict() for each in found]}
    )
