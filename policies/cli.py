"""The commands ``budget policy fit``, ``evaluate`` and ``escalate``.

All end with one line of JSON. Curves and datasets are read by whatever ``set_readers`` was given.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice
from policies.escalate_cli import escalate

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


def _get_readers(choice: DataChoice | None = None) -> "Readers":
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
    monotone: Annotated[
        bool, typer.Option(help="Repair predicted scores that fall with the scale.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the fit.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of the fit.")] = 2,
) -> None:
    """Fit a LightGBM policy on one split and calibrate its prices on another.

    Prices are score units per cost of the full scale; each allows the accuracy to drop by so much
    on the calibration split: "no-loss" 0, "balanced" 0.01, "aggressive" 0.03.
    """
    quiet_libraries()
    from policies.commands import run_fit

    run_fit(
        _get_readers(choice),
        curves=curves,
        calibration=calibration,
        data=data,
        out=out,
        fit_split=fit_split,
        calibration_split=calibration_split,
        cost=cost,
        monotone=monotone,
        seed=seed,
        threads=threads,
    )


@app.command()
@one_line_errors()
@takes_data_choice()
def evaluate(
    choice: DataChoice,
    policy: Annotated[Path, typer.Option(help="Folder of the policy.")],
    curves: Annotated[
        Path, typer.Option(help="Curves of the split to evaluate on, a run's folder or a file.")
    ],
    data: DataOption,
    split: Annotated[str, typer.Option(help="Split of the curves.")] = "test",
    fit_curves: Annotated[
        Path | None,
        typer.Option(help="Curves that the per-group baseline learns from; without, no such row."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=1, help="Resamples of the bootstrap; gaps take a fifth.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap and the random mix.")] = 0,
) -> None:
    """Compare a policy with fixed scales, baselines and the oracle on measured curves.

    Accuracy is the mean score with its 95 % interval, tokens are visual tokens per sample, and gap
    closed is the share of the oracle's gain over random mixing, at equal tokens (table) and by the
    area from the cheapest to the full scale on a log axis (JSON).
    """
    quiet_libraries()
    from policies.commands import run_evaluate

    run_evaluate(
        _get_readers(choice),
        policy_folder=policy,
        curves=curves,
        data=data,
        split=split,
        fit_curves=fit_curves,
        resamples=resamples,
        seed=seed,
    )


app.command()(escalate)
