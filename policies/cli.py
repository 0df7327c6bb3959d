"""The commands ``budget policy fit`` and ``budget policy evaluate``.

Both end with one line of JSON. Curves and datasets are read by whatever ``set_readers`` was given.
In the place of curves both take ``--table``: scores and costs of any options, such as language
models, one row a sample (``policies.option_files``).
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice

if TYPE_CHECKING:
    from budget.errors import DataError
    from policies.option_commands import TableSource
    from policies.reading import Readers

app = typer.Typer(
    help="Fit and evaluate policies on the oracle's curves.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_readers: dict[str, Callable[..., Any]] = {}

DataOption = Annotated[
    str | None, typer.Option(help="The dataset of the curves: columns id, image, question.")
]
TableOption = Annotated[
    Path | None,
    typer.Option(
        help="In the place of curves and data: scores and costs of any options, one row a sample, "
        "as RouterBench or MMR-Bench lay them out; CSV, TSV, Parquet or JSON.",
    ),
]
LayoutOption = Annotated[
    str | None,
    typer.Option(help="Layout of the table: routerbench or mmr-bench; default: by its columns."),
]
OptionsOption = Annotated[
    str, typer.Option("--options", help="Options of the table to choose from: a,b; default: all.")
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


def _missing(**given: object) -> "DataError":
    """Return what to say to a command that got neither a table nor all that it takes without."""
    from budget.errors import DataError

    listed = ", ".join(f"--{name}" for name, value in given.items() if value is None)
    return DataError(f"{listed} must be given, or a --table of options in their place")


def _table_source(
    table: Path, layout: str | None, options: str, choice: DataChoice, **unused: object
) -> "TableSource":
    """Return where a table is; what belongs to curves alone must not be given.

    Raises:
        DataError: if it is.
    """
    from budget.errors import DataError
    from policies.option_commands import TableSource

    if given := [name for name, value in unused.items() if value is not None]:
        flag = given[0].replace("_", "-")
        raise DataError(f"--table stands in the place of --{flag}; give one of them")
    names = [name.strip() for name in options.split(",") if name.strip()]
    return TableSource(table, layout, names, choice)


@app.command()
@one_line_errors()
@takes_data_choice()
def fit(
    choice: DataChoice,
    out: Annotated[Path, typer.Option(help="Folder that the policy is written to.")],
    curves: Annotated[
        Path | None, typer.Option(help="Curves of the fit split, a run's folder or a file.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Curves of the calibration split, likewise.")
    ] = None,
    data: DataOption = None,
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
    table: TableOption = None,
    layout: LayoutOption = None,
    options: OptionsOption = "",
    shares: Annotated[
        str,
        typer.Option(help="Of a table: what is fitted, calibrated and tested on, by the text."),
    ] = "0.6,0.15,0.25",
    split_seed: Annotated[int, typer.Option(help="Of a table: seed of its division.")] = 0,
    group_feature: Annotated[
        bool, typer.Option("--group-feature", help="Of a table: let the policy see the group.")
    ] = False,
) -> None:
    """Fit a LightGBM policy on one split and calibrate its prices on another.

    Prices are score units per cost of the full scale; each allows the accuracy to drop by so much
    on the calibration split: "no-loss" 0, "balanced" 0.01, "aggressive" 0.03. With --table they
    are per cost of the dearest option, and drops are against the best one.
    """
    quiet_libraries()
    if table is not None:
        from policies.option_commands import run_table_fit
        from policies.shares import parse_shares

        source = _table_source(
            table, layout, options, choice, curves=curves, calibration=calibration, data=data
        )
        run_table_fit(
            source,
            out=out,
            shares=parse_shares(shares, split_seed),
            group_feature=group_feature,
            monotone=monotone,
            seed=seed,
            threads=threads,
        )
        return
    if curves is None or calibration is None or data is None:
        raise _missing(curves=curves, calibration=calibration, data=data)
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
        Path | None,
        typer.Option(help="Curves of the split to evaluate on, a run's folder or a file."),
    ] = None,
    data: DataOption = None,
    split: Annotated[str, typer.Option(help="Split of the curves.")] = "test",
    fit_curves: Annotated[
        Path | None,
        typer.Option(help="Curves that the per-group baseline learns from; without, no such row."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=1, help="Resamples of the bootstrap; gaps take a fifth.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap and the random mix.")] = 0,
    table: TableOption = None,
    layout: LayoutOption = None,
    options: OptionsOption = "",
) -> None:
    """Compare a policy with fixed scales, baselines and the oracle on measured curves.

    Accuracy is the mean score with its 95 % interval, tokens are visual tokens per sample, and gap
    closed is the share of the oracle's gain over random mixing, at equal tokens (table) and by the
    area from the cheapest to the full scale on a log axis (JSON). With --table, options take the
    place of scales, real costs that of tokens, and the share is evaluated on that was held out.
    """
    quiet_libraries()
    if table is not None:
        from policies.option_commands import run_table_evaluate

        source = _table_source(
            table, layout, options, choice, curves=curves, data=data, fit_curves=fit_curves
        )
        run_table_evaluate(source, policy_folder=policy, resamples=resamples, seed=seed)
        return
    if curves is None or data is None:
        raise _missing(curves=curves, data=data)
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
