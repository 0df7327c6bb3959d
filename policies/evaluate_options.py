"""The options of ``budget policy evaluate`` and ``study``."""

from pathlib import Path
from typing import Annotated

import typer

Policy = Annotated[
    list[str],
    typer.Option(help="Folder of a policy, or the shipped m3 or mqt; may be given repeatedly."),
]
Curves = Annotated[
    Path, typer.Option(help="Curves of the split to evaluate on, a run's folder or a file.")
]
Data = Annotated[str, typer.Option(help="The dataset of the curves: columns id, image, question.")]
Split = Annotated[str, typer.Option(help="Split of the curves.")]
FitCurves = Annotated[
    Path | None,
    typer.Option(help="Curves that the per-group baseline and the ceiling learn from."),
]
FitSplit = Annotated[str, typer.Option(help="Split of --fit-curves.")]
Calibration = Annotated[
    Path | None,
    typer.Option(help="Curves on which the price is set that loses half a point."),
]
CalibrationSplit = Annotated[str, typer.Option(help="Split of --calibration.")]
ExpectedCurves = Annotated[
    Path | None,
    typer.Option(help="Curves of the same samples, scores over many drawn answers."),
]
HiddenColumns = Annotated[
    str,
    typer.Option(
        help="Columns a,b of the data that no policy sees and that say how hard a sample is: "
        "a model that is told them shows how much can be closed at all."
    ),
]
Budgets = Annotated[
    str,
    typer.Option(
        help="Mean visual tokens a,b,c to compare at; by default five, evenly in log, "
        "between the cheapest scale and the full one."
    ),
]
Model = Annotated[
    str | None, typer.Option(help="The model of the curves, for policies of tier post-vision.")
]
Tier = Annotated[
    str | None, typer.Option(help="Tier of the first policy, if it does not say it itself.")
]
FeaturesCache = Annotated[
    Path | None, typer.Option(help="Folder that keeps features for the next evaluation.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for tables and figures.")]
Resamples = Annotated[
    int, typer.Option(min=1, help="Resamples of the bootstrap; groups take a fifth.")
]
Seed = Annotated[int, typer.Option(help="Seed of the bootstrap and the random mix.")]
StudyFitCurves = Annotated[Path, typer.Option(help="Curves to fit on, a run's folder or a file.")]
StudyCurves = Annotated[Path, typer.Option(help="Curves to judge on, likewise.")]
StudySplit = Annotated[str, typer.Option(help="Split of --curves.")]
Labels = Annotated[
    str, typer.Option(help="Numbers of labels to fit on, such as 250,1000,4000,all.")
]
Ablations = Annotated[
    bool, typer.Option("--ablations", help="Fit on the picture alone, the question alone.")
]
LeaveOneGroupOut = Annotated[
    bool, typer.Option("--leave-one-group-out", help="Judge each group without fitting on it.")
]
Family = Annotated[str, typer.Option(help="Family of the predictor.")]
Draws = Annotated[int, typer.Option(min=1, help="Draws of labels, and fits of every view.")]
StudyFeaturesCache = Annotated[
    Path | None, typer.Option(help="Folder that keeps features for the next study.")
]
StudyResamples = Annotated[int, typer.Option(min=1, help="Resamples of the bootstrap.")]
StudySeed = Annotated[int, typer.Option(help="Seed of the draws and the bootstrap.")]
