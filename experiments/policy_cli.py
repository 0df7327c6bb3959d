"""The commands ``budget policy``: those of the package, and tuning, tracking and the registry.

    budget policy tune --curves runs/fit --data my_data --trials 50 --out runs/tuning
    budget policy fit ... --settings runs/tuning/settings.json --out policy --track runs/track
    budget policy evaluate --policy policy ... --track runs/track
    budget policy promote policy/1 --track runs/track

Every command ends with one line of JSON. MLflow and Optuna are imported only where they are used.
"""

from copy import copy
from pathlib import Path
from typing import Annotated

import typer

from budget.console import one_line_errors, print_json_line, print_table, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice
from experiments.tracked import NameOption, print_version, tracked
from policies.cli import DataOption, get_readers
from policies.cli import app as policies_app

app = typer.Typer(
    help="Fit, tune, evaluate and promote policies on the oracle's curves.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
RegistryOption = Annotated[Path, typer.Option("--track", help="Folder that runs were tracked in.")]


def _take_over() -> None:
    """Offer the package's own commands, with ``--track`` where there is something to keep."""
    for known in policies_app.registered_commands:
        entry, name = copy(known), known.name or getattr(known.callback, "__name__", "")
        if name in ("fit", "evaluate") and known.callback is not None:
            entry.callback = tracked(known.callback, name)
        app.registered_commands.append(entry)
    app.registered_groups += policies_app.registered_groups


_take_over()


@takes_data_choice()
def _tune(
    choice: DataChoice,
    curves: Annotated[
        Path, typer.Option(help="Curves of the fit split, a run's folder or a file.")
    ],
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder of the study; the same again goes on.")],
    family: Annotated[str, typer.Option(help="Family of predictors to tune.")] = "lightgbm",
    fit_split: Annotated[str, typer.Option(help="Split of the curves.")] = "fit",
    trials: Annotated[
        int, typer.Option(min=1, help="Trials the study shall hold, those there are counted.")
    ] = 50,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    repeats: Annotated[
        int, typer.Option(min=0, help="Other draws of the folds to compare best and default on.")
    ] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of folds, search and fits.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of every fit.")] = 2,
) -> None:
    """Search for the best settings of a family by cross-validation on the fit split.

    Maximised is the share of the stable oracle's area over fixed scales that the frontier closes,
    costs in visual tokens on a log axis, averaged over held-out folds; samples of one picture are
    in one fold. Killed, the same command goes on where it was. Writes settings.json, which
    'budget policy fit --settings' takes, trials.csv and tuning.png.
    """
    quiet_libraries()
    from budget.console import progress
    from experiments.tuning.features_cache import cached_split
    from experiments.tuning.run import tune
    from experiments.tuning.task import TuningTask
    from policies.search_spaces import space_of

    space_of(family)  # before the features, which take long
    out.mkdir(parents=True, exist_ok=True)
    with progress(f"Features of {fit_split}", "samples") as update:
        split = cached_split(
            get_readers(choice),
            out / "features.npz",
            curves=curves,
            data=data,
            split=fit_split,
            choice=choice,
            progress=update,
        )
    table = split.curves
    task = TuningTask(
        family=family,
        sample_ids=table.sample_ids,
        features=split.features,
        scores=table.scores,
        scales=table.scales,
        num_folds=folds,
        seed=seed,
        threads=threads,
        tokens=table.num_visual_tokens,
    )
    tune(task, out, num_trials=trials, repeats=repeats)


app.command("tune")(tracked(_tune, "tune"))


@app.command()
@one_line_errors()
def registry(track: RegistryOption) -> None:
    """List the registered policies, how they did, and which of them are in use."""
    quiet_libraries()
    from experiments.registry import Registry

    known = Registry(track)
    rows, in_use = [], []
    for version in known.versions():
        values = [f"{found.value:.1%}" for found in known.evaluations(version.sha256)]
        mark = "in use" if version.in_use else ""
        rows.append((version.label, mark, ", ".join(values) or "-", str(version.folder)))
        in_use += [version.label] if version.in_use else []
    print_table(("policy", "", "gap, stable (latest first)", "folder"), rows)
    print_json_line({"policies": [row[0] for row in rows], "in_use": in_use})


@app.command()
@one_line_errors()
def promote(
    policy: Annotated[str, typer.Argument(help="NAME/VERSION, or the folder of a policy.")],
    track: RegistryOption,
    register_as: NameOption = "policy",
    force: Annotated[
        bool, typer.Option("--force", help="Even if it was not evaluated, or did worse.")
    ] = False,
) -> None:
    """Mark a policy as the one in use; a folder is registered first.

    It must load, be as it was registered, and unless forced have been evaluated with --track and
    close at least as much of the stable gap as the one in use, on curves that both were evaluated
    on.
    """
    quiet_libraries()
    from experiments.promotion import promote as promote_version
    from experiments.registry import Registry

    known = Registry(track)
    folder = Path(policy)
    version = known.add_folder(register_as, folder) if folder.is_dir() else known.version(policy)
    promote_version(known, version, force=force)
    print_version(known.version(version.label))


@app.command()
@one_line_errors()
def promoted(
    track: RegistryOption,
    register_as: NameOption = "policy",
    path: Annotated[
        bool, typer.Option("--path", help="Print the folder alone, for the shell.")
    ] = False,
) -> None:
    """Say which policy is in use, after loading it."""
    quiet_libraries()
    from experiments.promotion import promoted_policy

    version, _ = promoted_policy(track, register_as)
    if path:
        typer.echo(str(version.folder))
    else:
        print_version(version)
