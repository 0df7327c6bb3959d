"""Options that every command has which runs a model where the user says."""

from typing import Annotated

import typer

DeviceOption = Annotated[str, typer.Option(help="cpu, cuda, ...")]
DtypeOption = Annotated[
    str | None,
    typer.Option(help="Type of the weights.", show_default="float32 on a CPU, bfloat16 elsewhere"),
]
