"""The options of ``budget report``."""

from pathlib import Path
from typing import Annotated

import typer

Runs = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN...", help="Runs of the oracle: folders or files of curves, or NAME=PATH."
    ),
]
Out = Annotated[Path, typer.Option(help="Folder of the report.")]
Data = Annotated[
    list[str] | None,
    typer.Option(
        help="The dataset of the runs, for questions and images; once for all or once a run."
    ),
]
Split = Annotated[
    list[str] | None,
    typer.Option(help="Split of the data; once for all or once a run; default: test."),
]
Policy = Annotated[
    list[str] | None,
    typer.Option(help="Folder of a policy, or the shipped m3 or mqt; may be given repeatedly."),
]
FitCurves = Annotated[
    list[Path] | None,
    typer.Option(
        help="Curves of other samples, that the policies were fitted on and baselines by group "
        "learn from; once for all or once a run."
    ),
]
FitSplit = Annotated[str, typer.Option(help="Split of --fit-curves, in the data.")]
Groups = Annotated[
    str | None,
    typer.Option(
        help="column:NAME of the data, or clusters or clusters:K of the questions; default: the "
        "groups in the runs."
    ),
]
Compare = Annotated[
    bool, typer.Option("--compare", help="Show several runs side by side, not one by one.")
]
Examples = Annotated[
    int, typer.Option(min=0, help="Samples shown for each minimal scale; 0 shows none.")
]
PerMillionTokens = Annotated[
    float | None,
    typer.Option(help="Price of a million visual tokens in dollars, for what is saved in money."),
]
PerHour = Annotated[
    float | None,
    typer.Option(help="Price of an hour of the machine in dollars, likewise."),
]
Tolerance = Annotated[
    float,
    typer.Option(
        min=0, max=100, help="Points of accuracy that may be lost against the best scale."
    ),
]
Resamples = Annotated[
    int, typer.Option(min=1, max=100_000, help="Resamples of the bootstrap.")
]  # more fill the memory
Seed = Annotated[int, typer.Option(min=0, help="Seed of all that is drawn.")]
Title = Annotated[str | None, typer.Option(help="Title of the report.")]
FeaturesCache = Annotated[
    Path | None, typer.Option(help="Folder that keeps policies' features for the next report.")
]
Model = Annotated[
    str | None, typer.Option(help="The model of the runs, for policies of tier post-vision.")
]
