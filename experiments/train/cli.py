"""The command ``budget train``: an M3 or MQT model from any dataset of pictures and questions.

    budget train --data scenes --recipe m3 --out runs/m3
    budget train --data my_dataset --recipe mqt --out runs/mine

The output folder is read by ``budget ask --model``; a killed run goes on where its last checkpoint
was when the same command is given again. The last line is one line of JSON.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from budget.data_choice import DataChoice, takes_data_choice

app = typer.Typer(add_completion=False)


@app.command()
@takes_data_choice()
def train(
    choice: DataChoice,
    data: Annotated[
        str,
        typer.Option(
            help="'scenes', or data as 'budget oracle run' takes them; columns image, question, "
            "answers, and patch_labels if there are any."
        ),
    ],
    recipe: Annotated[str, typer.Option(help="'m3' or 'mqt'.")],
    out: Annotated[Path, typer.Option(help="Folder for the model, its state and its log.")],
    init: Annotated[
        Path | None,
        typer.Option(help="An earlier run's folder whose stages up to 'answers' are taken over."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="A finished model to go on from: 'm3', 'mqt' or a folder.")
    ] = None,
    first_stage: Annotated[
        str | None,
        typer.Option(
            help="Stage to begin with: dense, words, drills, answers, align (mqt, --init), nested."
        ),
    ] = None,
    ask: Annotated[
        str | None,
        typer.Option(
            help="How often the scenes' groups are asked, e.g. 'digit=4,word=2'; the others as "
            "usual. For --data scenes alone."
        ),
    ] = None,
    scenes: Annotated[
        int | None, typer.Option(help="Scenes (or rows of other data) at most.  [default: all]")
    ] = None,
    dense_steps: Annotated[int, typer.Option(help="Steps of 48 pictures, vision tower.")] = 2200,
    word_steps: Annotated[int, typer.Option(help="Steps of 48 pictures, words.")] = 300,
    drill_steps: Annotated[int, typer.Option(help="Steps of 8 pictures, drills.")] = 2860,
    answer_steps: Annotated[int, typer.Option(help="Steps of 8 pictures, questions.")] = 6000,
    nested_steps: Annotated[int, typer.Option(help="Steps of 8 pictures, nested.")] = 800,
    align_steps: Annotated[int, typer.Option(help="Steps of 8 pictures, resampler (mqt).")] = 200,
    questions: Annotated[int, typer.Option(help="Questions packed behind one picture.")] = 8,
    save_every: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Seed of all randomness.")] = 0,
) -> None:
    """Train a small M3 or MQT model from nothing, with checkpoints."""
    import time

    from budget.console import print_json_line, quiet_libraries
    from budget.errors import ModelError

    quiet_libraries()
    from experiments.train.build import Shape
    from experiments.train.recipes import Steps
    from experiments.train.run import RECIPES, run_recipe
    from experiments.train.sources import load_training_set

    if recipe not in RECIPES:
        raise ModelError(f"no recipe {recipe!r}; there are {', '.join(RECIPES)}")
    steps = Steps(dense_steps, word_steps, drill_steps, answer_steps, nested_steps, align_steps)
    if min(steps) < 1 or questions < 1:
        raise ValueError(f"steps and questions must be at least 1, got {steps}, {questions}")
    start = time.monotonic()
    shape = Shape()
    loaded = load_training_set(data, shape.image_size, scenes, choice, ask)
    with _StepBars() as report:
        trained = run_recipe(
            recipe,
            loaded,
            out,
            shape=shape,
            steps=steps,
            questions=questions,
            seed=seed,
            report=report,
            init=init,
            weights=weights,
            first_stage=first_stage,
            save_every_seconds=save_every,
        )
    print_json_line(
        {
            "recipe": recipe,
            "out": str(trained.folder),
            "parameters": trained.parameters,
            "pictures": trained.pictures,
            "questions": trained.questions,
            "seconds": round(time.monotonic() - start, 1),
        }
    )


class _StepBars:
    """Shows every step on a bar; in a pipe, a line every 50 steps."""

    def __enter__(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description:>8}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[logged]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.tasks: dict[str, Any] = {}
        self.bar.start()
        return self.report

    def report(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        """Show one step."""
        text = " ".join(f"{name} {value:.3f}" for name, value in logged.items())
        if stage not in self.tasks:
            self.tasks[stage] = self.bar.add_task(stage, total=steps, logged="")
        self.bar.update(self.tasks[stage], completed=step, logged=text)
        if not self.console.is_terminal and (step % 50 == 0 or step == steps):
            typer.echo(f"{stage} {step}/{steps} {text}", err=True)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()
