"""The command ``budget policy escalate``."""

from pathlib import Path
from typing import Annotated

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice

UNLIMITED = 0.0


@one_line_errors()
@takes_data_choice()
def escalate(
    choice: DataChoice,
    curves: Annotated[
        Path, typer.Option(help="Curves of the split to evaluate on, a run's folder or a file.")
    ],
    fit_curves: Annotated[Path, typer.Option(help="Curves that predictors learn from, likewise.")],
    calibration: Annotated[
        Path, typer.Option(help="Curves that the stopping rule and its prices are learnt on.")
    ],
    data: Annotated[
        str, typer.Option(help="The dataset of the curves: columns id, image, question.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder that the policy is written to; without, none is.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="Policy that chooses before any answer, fitted on other samples than all of "
            "these curves'; by default one of --family is fitted."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="The model of the curves, if --policy is of tier post-vision."),
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the curves.")] = "test",
    fit_split: Annotated[str, typer.Option(help="Split of the fit curves.")] = "fit",
    calibration_split: Annotated[
        str, typer.Option(help="Split of the calibration curves.")
    ] = "calibration",
    kept_cache: Annotated[
        bool,
        typer.Option(
            help="The policy that is written is for a nested model whose cache is kept (MQT): "
            "going up costs the new tokens alone. Both ways are evaluated."
        ),
    ] = False,
    family: Annotated[str, typer.Option(help="Family of the predictors.")] = "lightgbm",
    max_tries: Annotated[
        int, typer.Option(min=1, help="Answers that a sample is given at most.")
    ] = 3,
    cap: Annotated[
        float,
        typer.Option(
            help="What all tries of a sample may cost at most, over the full scale's cost, at "
            "least 1; 1.1 is a tenth more than always the full scale. 0 sets no cap."
        ),
    ] = UNLIMITED,
    spend: Annotated[
        str,
        typer.Option(
            help="What tries are charged when the rule is learnt: tokens, or the language model's "
            "flops, text that is read again included. Figures are by tokens either way."
        ),
    ] = "tokens",
    folds: Annotated[
        int, typer.Option(min=2, help="Parts of the fit split, each predicted by the others.")
    ] = 5,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the bootstrap.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the fit and the bootstrap.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of the fit.")] = 2,
) -> None:
    """Fit a policy that answers, looks at the answer and goes up or stops; compare it.

    All visual tokens of all answers of a sample are counted. Gap closed is the share of the
    oracle's gain over random mixing of fixed scales, by the area from the cheapest to the full
    scale on a log axis, and at five mean costs.
    """
    quiet_libraries()
    from policies.cli import get_readers
    from policies.escalation_base import load_base_policy
    from policies.escalation_command import run_escalate

    run_escalate(
        get_readers(choice),
        curves=curves,
        fit_curves=fit_curves,
        calibration=calibration,
        data=data,
        splits=(split, fit_split, calibration_split),
        out=out,
        kept_cache=kept_cache,
        family=family,
        max_tries=max_tries,
        cap=float("inf") if cap == UNLIMITED else cap,
        spend=spend,
        folds=folds,
        resamples=resamples,
        seed=seed,
        threads=threads,
        base=None if policy is None else load_base_policy(policy, model),
    )
