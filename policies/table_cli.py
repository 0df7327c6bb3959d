"""The commands ``budget policy fit-table`` and ``evaluate-table``: any options, not only scales.

    budget policy fit-table --table routerbench_0shot.parquet --out runs/router
    budget policy evaluate-table --table routerbench_0shot.parquet --policy runs/router

A table has scores and costs of any options, such as language models, one row a sample
(``policies.option_files``). Both end with one line of JSON.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice

if TYPE_CHECKING:
    from policies.option_commands import TableSource

TableOption = Annotated[
    Path,
    typer.Option(
        help="Scores and costs of options, one row a sample, as RouterBench or MMR-Bench lay them "
        "out; CSV, TSV, Parquet or JSON.",
    ),
]
LayoutOption = Annotated[
    str | None,
    typer.Option(help="Layout of the table: routerbench or mmr-bench; default: by its columns."),
]
OptionsOption = Annotated[
    str, typer.Option("--options", help="Options of the table to choose from: a,b; default: all.")
]


@one_line_errors()
@takes_data_choice()
def fit_table(
    choice: DataChoice,
    table: TableOption,
    out: Annotated[Path, typer.Option(help="Folder that the policy is written to.")],
    layout: LayoutOption = None,
    options: OptionsOption = "",
    shares: Annotated[
        str, typer.Option(help="What is fitted, calibrated and tested on, divided by the text.")
    ] = "0.6,0.15,0.25",
    split_seed: Annotated[int, typer.Option(help="Seed of that division.")] = 0,
    group_feature: Annotated[
        bool, typer.Option("--group-feature", help="Let the policy see the group.")
    ] = False,
    monotone: Annotated[
        bool, typer.Option(help="Repair predicted scores that fall with the mean cost.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the fit.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of the fit.")] = 2,
) -> None:
    """Fit a policy on the prompts of a table of options, and calibrate its prices.

    Prices are score units per mean cost of the dearest option; each allows the score to drop by so
    much against the best option on the calibration share: "no-loss" 0, "balanced" 0.01,
    "aggressive" 0.03.
    """
    quiet_libraries()
    from policies.option_commands import run_table_fit
    from policies.shares import parse_shares

    run_table_fit(
        _source(table, layout, options, choice),
        out=out,
        shares=parse_shares(shares, split_seed),
        group_feature=group_feature,
        monotone=monotone,
        seed=seed,
        threads=threads,
    )


@one_line_errors()
@takes_data_choice()
def evaluate_table(
    choice: DataChoice,
    table: TableOption,
    policy: Annotated[Path, typer.Option(help="Folder of a policy of fit-table.")],
    layout: LayoutOption = None,
    options: OptionsOption = "",
    resamples: Annotated[
        int, typer.Option(min=1, help="Resamples of the bootstrap; gaps take a fifth.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap and the random mix.")] = 0,
) -> None:
    """Compare a policy with always one option, baselines and oracles, on the held-out share.

    Costs are those that each sample really had, in the unit of the table.
    """
    quiet_libraries()
    from policies.option_commands import run_table_evaluate

    source = _source(table, layout, options, choice)
    run_table_evaluate(source, policy_folder=policy, resamples=resamples, seed=seed)


def _source(table: Path, layout: str | None, options: str, choice: DataChoice) -> "TableSource":
    from policies.option_commands import TableSource

    names = [name.strip() for name in options.split(",") if name.strip()]
    return TableSource(table, layout, names, choice)
