"""The command ``budget``: joins the commands of all packages and what they need of each other.

    budget --help
    budget demo --out runs/demo

Nothing heavy is imported before a command runs. Bad input leaves as one line on stderr and exit
code 2; set ``BUDGET_TRACEBACK=1`` to see where it came from.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from budget.console import one_line, say
from budget.errors import BudgetError
from experiments.lazy import LazyCommand, LazyGroup, help_style

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.budgets import BudgetPolicy


def _load_policy(folder: str) -> "BudgetPolicy":
    from policies.policy_files import load_policy

    return load_policy(folder)


def _load_scenes(split: str, limit: int | None) -> "Dataset":
    from experiments.scenes.data import load_scenes

    return load_scenes(split, limit)


def _wire_policy_loader() -> None:
    from budget.cli import set_policy_loader

    set_policy_loader(_load_policy)


def _load_many_scenes(split: str, limit: int | None) -> "Dataset":
    """The same splits, but *fit* five times as long: what a network learns from."""
    from experiments.scenes.data import SPLITS, load_scenes

    many = 5 * SPLITS["fit"].scenes
    return load_scenes(split, many if limit is None and split == "fit" else limit)


def _load_several_scenes(split: str, limit: int | None) -> "Dataset":
    from experiments.scenes.several import load_several

    return load_several(split, limit)


def _wire_scenes() -> None:
    from oracle.data import register_source

    register_source("scenes", _load_scenes)
    register_source("scenes-large", _load_many_scenes)
    register_source("scenes-several", _load_several_scenes)


def _wire_readers() -> None:
    from oracle.curves import read_curves, read_metadata
    from oracle.data import load_dataset_columns
    from policies.cli import set_readers

    set_readers(read_curves, partial(load_dataset_columns, say=say), read_metadata)
    _wire_scenes()


COMMANDS = {
    "demo": LazyCommand(
        "experiments.demo.cli",
        "demo",
        "Run the whole idea on shipped weights and write a report.",
        _wire_scenes,
    ),
    "ask": LazyCommand(
        "budget.cli", "app", "Answer one question about one image.", _wire_policy_loader
    ),
    "explain": LazyCommand(
        "budget.explaining.cli",
        "explain",
        "Draw what of an image speaks for an answer, at each number of visual tokens.",
    ),
    "serve": LazyCommand(
        "budget.serving.cli",
        "app",
        "Serve a model behind OpenAI's API, each request with as many tokens as it needs.",
        _wire_policy_loader,
    ),
    "proxy": LazyCommand(
        "budget.proxy.cli",
        "proxy",
        "Decide budgets in front of a server that runs already.",
        _wire_policy_loader,
    ),
    "ui": LazyCommand(
        "experiments.ui.cli", "ui", "Open a page to ask about pictures and move the tokens."
    ),
    "oracle": LazyCommand(
        "oracle.cli", "app", "Run a model at every scale over a dataset.", _wire_scenes
    ),
    "policy": LazyCommand(
        "experiments.policy_cli",
        "app",
        "Fit, tune, evaluate and promote policies on the oracle's curves.",
        _wire_readers,
    ),
    "report": LazyCommand(
        "experiments.report.cli",
        "report",
        "Say how many visual tokens a dataset needs, on one page.",
        _wire_readers,
    ),
    "train": LazyCommand("experiments.train.cli", "train", "Train a tiny M3 or MQT from nothing."),
    "scenes": LazyCommand(
        "experiments.scenes.cli", "app", "Make and look at the scenes of the testbed."
    ),
    "cost": LazyCommand(
        "budget.cost_cli", "app", "Say what a model costs at every scale, from its config alone."
    ),
    "bench": LazyCommand(
        "experiments.bench",
        "app",
        "Measure on this machine what models and decisions cost.",
        _wire_scenes,
    ),
    "models": LazyCommand(
        "experiments.families.cli",
        "app",
        "List families of models, what sets their tokens, and try them.",
    ),
    "convert": LazyCommand(
        "budget.cli", "app", "Convert an original M3 or MQT checkpoint to transformers' layout."
    ),
}


class _Root(LazyGroup):
    table = COMMANDS


def _no_exit_code(value: object, **_: object) -> None:
    """What a command returns is not an exit code."""


app = typer.Typer(
    cls=_Root,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    result_callback=_no_exit_code,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"matryoshka-budget {version('matryoshka-budget')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Spend as many visual tokens on an image and a question as they need."""


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        argv: words after ``budget``; ``None`` takes those of the process.

    Returns:
        0 if all went well, 2 for bad input, 1 or 130 if the user broke off.
    """
    app.rich_markup_mode = help_style()
    try:
        code = get_command(app).main(args=argv, prog_name="budget", standalone_mode=False)
    except TyperException as error:
        return _usage(error)
    except typer.Abort:
        return _refuse("aborted", 1)
    except (BudgetError, ImportError, OSError, ValueError) as error:
        if os.environ.get("BUDGET_TRACEBACK"):
            raise
        return _refuse(one_line(error), 2)
    return code or 0


def _usage(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":  # the message is the whole help
        typer.echo(message)
        return error.exit_code
    hint = f" See '{context.command_path} --help'." if context else ""
    return _refuse(message + hint, error.exit_code)


def _refuse(message: str, code: int) -> int:
    typer.echo(f"budget: {' '.join(message.split())}", err=True)
    return code


def main() -> NoReturn:
    """Entry point of the console script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
