"""The commands ``budget policy evaluate`` and ``budget policy study``.

    budget policy evaluate --policy m3 --curves runs/test --data scenes --fit-curves runs/fit

Further policies, curves of the calibration split and hidden columns are options. A study fits on
less: fewer labels, parts of the features, without one group.
"""

from pathlib import Path
from typing import Annotated

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice
from budget.errors import DataError


@one_line_errors()
@takes_data_choice()
def evaluate(
    choice: DataChoice,
    policy: Annotated[
        list[str],
        typer.Option(help="Folder of a policy, or the shipped m3 or mqt; may be given repeatedly."),
    ],
    curves: Annotated[
        Path, typer.Option(help="Curves of the split to evaluate on, a run's folder or a file.")
    ],
    data: Annotated[
        str, typer.Option(help="The dataset of the curves: columns id, image, question.")
    ],
    split: Annotated[str, typer.Option(help="Split of the curves.")] = "test",
    fit_curves: Annotated[
        Path | None,
        typer.Option(help="Curves that the per-group baseline and the ceiling learn from."),
    ] = None,
    fit_split: Annotated[str, typer.Option(help="Split of --fit-curves.")] = "fit",
    calibration: Annotated[
        Path | None,
        typer.Option(help="Curves on which the price is set that loses half a point."),
    ] = None,
    calibration_split: Annotated[str, typer.Option(help="Split of --calibration.")] = "calibration",
    expected_curves: Annotated[
        Path | None,
        typer.Option(help="Curves of the same samples, scores over many drawn answers."),
    ] = None,
    hidden_columns: Annotated[
        str,
        typer.Option(
            help="Columns a,b of the data that no policy sees and that say how hard a sample is: "
            "a model that is told them shows how much can be closed at all."
        ),
    ] = "",
    budgets: Annotated[
        str,
        typer.Option(
            help="Mean visual tokens a,b,c to compare at; by default five, evenly in log, "
            "between the cheapest scale and the full one."
        ),
    ] = "",
    model: Annotated[
        str | None,
        typer.Option(
            help="The model of the curves: policies of tier post-vision look at its encoder."
        ),
    ] = None,
    tier: Annotated[
        str | None, typer.Option(help="Tier of the first policy, if it does not say it itself.")
    ] = None,
    features_cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps features for the next evaluation.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables and figures.")] = None,
    resamples: Annotated[
        int, typer.Option(min=1, help="Resamples of the bootstrap; groups take a fifth.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap and the random mix.")] = 0,
) -> None:
    """Compare policies with fixed scales, baselines and oracles on held-out curves.

    Baselines are the best random mix of fixed scales (chosen on these very samples, which favours
    it) and one fixed scale per group. At equal mean tokens a policy's price is solved on these
    samples; "calibrated" columns say what the price of its calibration split really spends and
    scores. Intervals are paired: everything is resampled together. The last line is JSON.
    """
    quiet_libraries()
    from policies.cli import _get_readers
    from policies.evaluate_command import run_evaluate
    from policies.evaluation_inputs import Files
    from policies.features_cache import SampleSource
    from policies.option_lists import names_of, numbers_of

    readers = _get_readers(choice)
    hidden = names_of(hidden_columns)
    if hidden and fit_curves is None:
        raise DataError("--hidden-columns needs --fit-curves to learn from")
    run_evaluate(
        readers,
        SampleSource(readers, data, hidden=hidden, folder=features_cache, choice=choice),
        Files(
            policy,
            curves,
            split,
            fit_curves,
            fit_split,
            calibration,
            calibration_split,
            expected_curves,
            model,
        ),
        budgets=numbers_of("--budgets", budgets),
        tier=tier,
        out=out,
        resamples=resamples,
        seed=seed,
    )


@one_line_errors()
@takes_data_choice()
def study(
    choice: DataChoice,
    fit_curves: Annotated[Path, typer.Option(help="Curves to fit on, a run's folder or a file.")],
    curves: Annotated[Path, typer.Option(help="Curves to judge on, likewise.")],
    data: Annotated[
        str, typer.Option(help="The dataset of the curves: columns id, image, question.")
    ],
    fit_split: Annotated[str, typer.Option(help="Split of --fit-curves.")] = "fit",
    split: Annotated[str, typer.Option(help="Split of --curves.")] = "test",
    labels: Annotated[
        str, typer.Option(help="Numbers of labels to fit on, such as 250,1000,4000,all.")
    ] = "",
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Fit on the picture alone, the question alone.")
    ] = False,
    leave_one_group_out: Annotated[
        bool, typer.Option("--leave-one-group-out", help="Judge each group without fitting on it.")
    ] = False,
    family: Annotated[str, typer.Option(help="Family of the predictor.")] = "lightgbm",
    draws: Annotated[int, typer.Option(min=1, help="Draws of labels, and fits of every view.")] = 3,
    features_cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps features for the next study.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables and figures.")] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the bootstrap.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the draws and the bootstrap.")] = 0,
) -> None:
    """Fit on less and see what is lost: fewer labels, parts of the features, without a group.

    Every fit is judged on the same held-out curves by the share of the oracles' gain that it
    closes; differences are paired. The last line is JSON.
    """
    quiet_libraries()
    from policies.cli import _get_readers
    from policies.features_cache import SampleSource
    from policies.study_command import Studies, run_study
    from policies.study_fit import seeded

    make = seeded(family)
    readers = _get_readers(choice)
    run_study(
        readers,
        SampleSource(readers, data, folder=features_cache, choice=choice),
        fit_curves=fit_curves,
        fit_split=fit_split,
        curves=curves,
        split=split,
        make=make,
        studies=Studies(labels, draws, leave_one_group_out, ablations),
        out=out,
        resamples=resamples,
        seed=seed,
        about={"family": family},
    )
