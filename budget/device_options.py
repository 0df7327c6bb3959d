"""Options that every command has which runs a model where the user says."""

from typing import Annotated

import typer

DeviceOption = Annotated[str, typer.Option(help="cpu, cuda, ...")]
DtypeOption = Annotated[
    str | None,
    typer.Option(help="Type of the weights.", show_default="float32 on a CPU, bfloat16 elsewhere"),
]
LadderOption = Annotated[
    str | None,
    typer.Option(
        help="Scales to run at, such as 64,256,1024: visual tokens of each grid, or most visual "
        "tokens of an image where the model's knob sets a cap.",
        show_default="the model's own",
    ),
]
