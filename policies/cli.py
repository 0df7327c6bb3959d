"""The commands ``budget policy fit``, ``fit-vision``, ``escalate``, ``evaluate``, and more.

All end with one line of JSON. Curves and datasets are read by whatever ``set_readers`` was given.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice
from budget.risk import parse_risk
from policies.escalate_cli import escalate
from policies.evaluate_cli import evaluate, study
from policies.families import FAMILIES
from policies.govern_cli import govern
from policies.importance_cli import background, importance, why
from policies.table_cli import evaluate_table, fit_table
from policies.vision_cli import fit_vision

if TYPE_CHECKING:
    from policies.reading import Readers

app = typer.Typer(
    help="Fit and evaluate policies on the oracle's curves.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_readers: dict[str, Callable[..., Any]] = {}

DataOption = Annotated[
    str, typer.Option(help="The dataset of the curves: columns id, image, question.")
]


def set_readers(
    curves_reader: Callable[[str | Path], Any],
    data_reader: Callable[..., Any],
    about_reader: Callable[[str | Path], Mapping[str, Any]] | None = None,
) -> None:
    """Say how curves and datasets are read; whoever composes the packages calls it once.

    Args:
        curves_reader: a path to a table of curves (:class:`policies.reading.CurveTable`).
        data_reader: source, split and needed columns to a dataset, and ``choice``, where the user
            said which column is what.
        about_reader: a path to how its curves came about, such as the name of the model.
    """
    _readers.update(curves=curves_reader, data=data_reader)
    if about_reader is not None:
        _readers["about"] = about_reader


def get_readers(choice: DataChoice | None = None) -> "Readers":
    """Return how files are read, for commands on curves.

    Raises:
        DataError: if nobody has said it.
    """
    from budget.errors import DataError
    from policies.reading import Readers

    if not _readers:
        raise DataError("no reader of curves is set; run this through the command 'budget policy'")
    readers = Readers(**_readers)
    if choice in (None, DataChoice()):
        return readers
    return readers._replace(data=partial(_readers["data"], choice=choice))


@app.command()
@one_line_errors()
@takes_data_choice()
def fit(
    choice: DataChoice,
    curves: Annotated[
        Path, typer.Option(help="Curves of the fit split, a run's folder or a file.")
    ],
    calibration: Annotated[Path, typer.Option(help="Curves of the calibration split, likewise.")],
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder that the policy is written to.")],
    fit_split: Annotated[str, typer.Option(help="Split of the fit curves.")] = "fit",
    calibration_split: Annotated[
        str, typer.Option(help="Split of the calibration curves.")
    ] = "calibration",
    cost: Annotated[
        str,
        typer.Option(
            help="What the price is paid on: 'tokens' (visual), 'flops' (all), or a calibration "
            "file of 'budget bench model' (milliseconds)."
        ),
    ] = "tokens",
    family: Annotated[
        str | None,
        typer.Option(
            help=f"What predicts the scores: {', '.join(sorted(FAMILIES))}; by default that of "
            "--settings, else lightgbm."
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(help="A setting of the family as name=value; may be given several times."),
    ] = None,
    risk: Annotated[
        list[str] | None,
        typer.Option(
            help="Also find a price for the promise epsilon:delta, such as 0.01:0.05: at most 0.01 "
            "of mean score lost against the full scale, with probability 0.95. May be repeated."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the fit, where it draws.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of the fit.")] = 2,
    settings: Annotated[
        Path | None,
        typer.Option(help="Settings of the predictor, as 'budget policy tune' writes them."),
    ] = None,
) -> None:
    """Fit a policy on one split and calibrate its prices on another.

    Prices are score units per cost of the full scale; each allows the accuracy to drop by so much
    on the calibration split: "no-loss" 0, "balanced" 0.01, "aggressive" 0.03. Promises with a
    confidence have prices of their own, for budgets of a risk.
    """
    quiet_libraries()
    from policies.commands import run_fit

    run_fit(
        get_readers(choice),
        curves=curves,
        calibration=calibration,
        data=data,
        out=out,
        fit_split=fit_split,
        calibration_split=calibration_split,
        cost=cost,
        family=family,
        settings=setting or (),
        seed=seed,
        threads=threads,
        risks=[parse_risk(text) for text in risk or ()],
        settings_file=settings,
    )


app.command()(evaluate)
app.command()(study)
app.command()(fit_vision)
app.command()(fit_table)
app.command()(evaluate_table)
app.command()(escalate)
app.command()(govern)
app.command()(importance)
app.command()(why)
app.command()(background)
