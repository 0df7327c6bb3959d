"""Policy commands that keep what they did: parameters, metrics, figures and the policy itself.

A tracked command is the command itself with the option ``--track``. What it was given are the
parameters, its lines of JSON the metrics.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from budget.console import kept_json_lines, one_line_errors, print_json_line, say

TrackOption = Annotated[
    Path | None,
    typer.Option(
        help="Keep parameters, metrics and files in this folder's MLflow database, for "
        "'mlflow ui --backend-store-uri sqlite:///DIR/mlflow.db'."
    ),
]
NameOption = Annotated[
    str, typer.Option("--register-as", help="Name that policies are registered under.")
]
_FIGURES = (".png", ".json", ".csv", ".md")
_EXPERIMENTS = {"fit": "policy fit", "evaluate": "policy evaluate", "tune": "policy tune"}


def tracked(command: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """Return a command with the option ``--track``, and for ``fit`` also ``--register-as``.

    Args:
        command: of Typer's, which prints lines of JSON.
        kind: "fit", "evaluate" or "tune".
    """
    signature = inspect.signature(command)
    options: dict[str, tuple[Any, Any]] = {"track": (TrackOption, None)}
    if kind == "fit":
        options["register_as"] = (NameOption, "policy")

    @wraps(command)
    @one_line_errors()
    def run(**words: Any) -> None:
        own = {name: words.pop(name) for name in options}
        if own["track"] is None:
            command(**words)
            return
        _prepare(own["track"])
        with kept_json_lines() as lines:
            command(**words)
        _record(kind, words, lines, own["track"], own.get("register_as", ""))

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
        for name, (hint, default) in options.items()
    ]
    vars(run)["__signature__"] = signature.replace(
        parameters=[*signature.parameters.values(), *added]
    )
    hints = getattr(command, "__annotations__", {})
    run.__annotations__ = {**hints, **{p.name: p.annotation for p in added}}
    return run


def _prepare(track: Path) -> None:
    """Make the folder before the work, so that one that cannot be made is refused at once."""
    track.mkdir(parents=True, exist_ok=True)


def _record(
    kind: str, words: Mapping[str, Any], lines: list[dict[str, Any]], track: Path, name: str
) -> None:
    from experiments.registry import POLICY_TAG, TEST_TAG, Registry, policy_sha256
    from experiments.tracking import MLflowTracker

    with MLflowTracker(_EXPERIMENTS[kind], folder=track) as tracker:
        tracker.params({key: value for key, value in words.items() if value is not None})
        for line in lines:
            tracker.log(dict(_numbers(line)), step=0)
        if kind == "fit":
            tracker.artifact(words["out"], "policy")
            tracker.tag({POLICY_TAG: policy_sha256(words["out"])})
        else:
            _keep_figures(tracker, words.get("out"))
        if kind == "evaluate" and (policy := _first_folder(words["policy"])) is not None:
            tracker.tag({POLICY_TAG: policy_sha256(policy)})
            tracker.tag({TEST_TAG: _curves_sha256(words["curves"])})
    if kind == "fit":
        made = Registry(track).register(name, tracker.run_id, policy_sha256(words["out"]))
        say(f"registered as {made.label} in {track}")


def _first_folder(policy: Any) -> Path | None:
    """Return the folder of the policy that the line of JSON is about: the first of those given.

    A policy that is known by a name and has no folder is not one that can be registered.
    """
    first = Path(policy[0] if isinstance(policy, (list, tuple)) else policy)
    return first if first.is_dir() else None


def _keep_figures(tracker: Any, out: Path | None) -> None:
    if out is None:
        return
    files = sorted(out.iterdir()) if out.is_dir() else [out]
    for path in files:
        if path.is_file() and path.suffix in _FIGURES:
            tracker.artifact(path)


def _numbers(line: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the finite numbers of a line of JSON; those inside others under "outer.inner"."""
    for key, value in line.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield from _numbers({str(i): item for i, item in enumerate(value)}, f"{prefix}{key}.")
        elif isinstance(value, bool | int | float):
            yield f"{prefix}{key}", float(value)


def _curves_sha256(path: Path) -> str:
    """Return what a table of curves is known by: its samples, scales and scores."""
    from policies.cli import get_readers

    table = get_readers().curves(path)
    digest = hashlib.sha256(repr((table.scales, [str(i) for i in table.sample_ids])).encode())
    digest.update(np.ascontiguousarray(table.scores, dtype=np.float64).tobytes())
    return digest.hexdigest()


def print_version(version: Any) -> None:
    """Print a registered policy as a line of JSON."""
    print_json_line(
        {
            "policy": str(version.folder),
            "name": version.name,
            "version": version.version,
            "sha256": version.sha256,
            "in_use": version.in_use,
        }
    )
