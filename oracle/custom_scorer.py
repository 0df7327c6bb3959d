"""A scorer of the user's own: a Python function by its dotted path.

The path is ``module:function`` or ``package.module.function``; modules in the current folder are
found too. The function is called with (text, answers), and with ``options`` by keyword if it has
such a parameter, and returns a number in [0, 1].
"""

import importlib
import inspect
import math
import os
import sys
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from oracle.options import takes_options


def is_path(name: str) -> bool:
    """Return whether ``name`` is meant as a dotted path and not as a scorer's name."""
    return ":" in name or "." in name


def load_scorer(path: str) -> Callable[..., float]:
    """Return the function at ``path``, made to refuse what is no score.

    Args:
        path: ``module:function`` or ``package.module.function``.

    Returns:
        A scorer. Called, it raises ``ValueError`` in one line if the function fails or returns
        anything but a number in [0, 1].

    Raises:
        ValueError: if it cannot be imported, is no function, or does not take (text, answers).

    Example:
        >>> load_scorer("operator:contains")("red car", "car")
        1.0
    """
    function = _function_at(path)

    def score(text: str, answers: Sequence[str]) -> float:
        return _called(path, function, text, answers)

    def score_with_options(text: str, answers: Sequence[str], options: Sequence[str] = ()) -> float:
        return _called(path, function, text, answers, options=options)

    return score_with_options if takes_options(function) else score


def _function_at(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":") if ":" in path else path.rpartition(".")
    if not module or not name:
        raise ValueError(f"scorer {path!r} is no path; legal is module:function")
    try:
        found = attrgetter(name)(_imported(module))
    except Exception as problem:  # what a stranger's module raises when it is imported
        raise ValueError(f"scorer {path!r} cannot be imported: {_named(problem)}") from problem
    if not callable(found):
        raise ValueError(f"scorer {path!r} must be a function, got a {type(found).__name__}")
    function: Callable[..., Any] = found
    try:
        more = {"options": ()} if takes_options(function) else {}
        inspect.signature(function).bind("text", ["answer"], **more)
    except TypeError as problem:
        raise ValueError(f"scorer {path!r} must take (text, answers): {problem}") from problem
    except ValueError:  # some compiled functions have no signature; a call will tell
        pass
    return function


def _imported(module: str) -> Any:
    """Import ``module``, also from the current folder, which an installed command leaves out."""
    before = sys.path.copy()
    sys.path.append(os.getcwd())
    try:
        importlib.invalidate_caches()
        return importlib.import_module(module)
    finally:
        sys.path[:] = before


def _called(path: str, function: Callable[..., Any], text: str, answers: Any, **more: Any) -> float:
    try:
        value = function(text, answers, **more)
    except Exception as problem:  # whatever a stranger's function raises
        raise ValueError(f"scorer {path!r} failed on {text!r:.60}: {_named(problem)}") from problem
    try:
        score = float(value) if not isinstance(value, str | bytes) else math.nan
    except (TypeError, ValueError):
        score = math.nan
    if not 0 <= score <= 1:
        raise ValueError(
            f"scorer {path!r} must return a number in [0, 1], got {value!r:.60} for {text!r:.60}"
        )
    return score


def _named(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"
