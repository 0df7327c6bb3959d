"""The command ``budget policy fit-vision``: a network that sees what the vision encoder found.

    budget policy fit-vision --model m3 --policy runs/policy --curves runs/fit \
        --calibration runs/calibration --data scenes --out runs/post-vision

The last line is JSON: sizes of the splits, prices, FLOPs of one decision.
"""

from pathlib import Path
from typing import Annotated

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice


@one_line_errors()
@takes_data_choice()
def fit_vision(
    choice: DataChoice,
    model: Annotated[
        str, typer.Option(help="The model of the curves: m3, mqt, a folder, a hub id.")
    ],
    policy: Annotated[
        Path, typer.Option(help="Folder of a policy of tier pre, which stays a part of it.")
    ],
    curves: Annotated[
        Path, typer.Option(help="Curves of the fit split, the more the better (tens of thousands).")
    ],
    calibration: Annotated[Path, typer.Option(help="Curves of the calibration split.")],
    data: Annotated[
        str, typer.Option(help="The dataset of the curves: columns id, image, question.")
    ],
    out: Annotated[Path, typer.Option(help="Folder that the policy is written to.")],
    fit_split: Annotated[str, typer.Option(help="Split of the fit curves.")] = "fit",
    calibration_split: Annotated[
        str, typer.Option(help="Split of the calibration curves.")
    ] = "calibration",
    weight: Annotated[
        float, typer.Option(help="Of the network against the policy of tier pre, above 0, to 1.")
    ] = 0.5,
    epochs: Annotated[int, typer.Option(help="Times every sample is seen.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the weights and the order.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of the training.")] = 2,
) -> None:
    """Train a small network on visual tokens and questions, and price it with a policy.

    M3 and MQT run the vision encoder whatever the scale is, so what it found is there, and the
    network's own cost is small beside the language model's. Tokens of all samples are held in
    memory, 55 kB each for the shipped models.
    """
    quiet_libraries()
    from policies.cli import get_readers
    from policies.vision_command import run_fit_vision
    from policies.vision_training import Training

    run_fit_vision(
        get_readers(choice),
        model=model,
        policy=policy,
        curves=curves,
        calibration=calibration,
        data=data,
        out=out,
        fit_split=fit_split,
        calibration_split=calibration_split,
        weight=weight,
        training=Training(epochs=epochs, seed=seed, threads=threads),
    )
