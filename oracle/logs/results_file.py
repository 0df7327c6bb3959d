"""What the results file beside a log of samples says: scale, model, and which metrics are errors.

lmms-eval writes ``<date>_results.json`` beside ``<date>_samples_<task>.jsonl``, lm-evaluation-
harness ``results_<date>.json`` beside ``samples_<task>_<date>.jsonl``.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from oracle.logs.lines import json_file

_KNOBS = ("num_visual_tokens", "matryoshka_vis_token_scale")
_LMMS = re.compile(r"(?P<date>.+?)_samples_(?P<task>.+)\.jsonl")
_LM = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")


class About(NamedTuple):
    """How a log of samples came about; what is not known is empty.

    Attributes:
        task: its name.
        scale: visual tokens that the model was told to use.
        model: its name.
        lower_is_better: names of metrics that are errors.
    """

    task: str = ""
    scale: int | None = None
    model: str = ""
    lower_is_better: frozenset[str] = frozenset()


def about_log(path: Path) -> About:
    """Return what a log's name and the results file beside it say.

    Raises:
        DataError: if there is a results file and it cannot be read.
    """
    if match := _LMMS.fullmatch(path.name):
        results = path.with_name(f"{match['date']}_results.json")
    elif match := _LM.fullmatch(path.name):
        results = path.with_name(f"results_{match['date']}.json")
    else:
        return About()
    if not results.is_file():
        return About(task=match["task"])
    return about_results(json_file(results), match["task"])


def about_results(results: Any, task: str = "") -> About:
    """Return what the content of a results file says of a task."""
    if not isinstance(results, Mapping):
        return About(task)
    config = results.get("config")
    config = config if isinstance(config, Mapping) else {}
    higher = results.get("higher_is_better")
    metrics = higher.get(task) if isinstance(higher, Mapping) else None
    metrics = metrics if isinstance(metrics, Mapping) else {}
    return About(
        task=task,
        scale=scale_of(config.get("model_args")),
        model=str(results.get("model_name") or config.get("model") or ""),
        lower_is_better=frozenset(name for name, better in metrics.items() if better is False),
    )


def scale_of(model_args: Any) -> int | None:
    """Return the number of visual tokens in a model's arguments, a text or an object.

    Example:
        >>> scale_of("pretrained=m3,num_visual_tokens=36"), scale_of({"batch_size": 1})
        (36, None)
    """
    if isinstance(model_args, str):
        pairs = (pair.partition("=") for pair in model_args.split(","))
        model_args = {name.strip(): value.strip() for name, _, value in pairs}
    if not isinstance(model_args, Mapping):
        return None
    said = [str(model_args[knob]) for knob in _KNOBS if knob in model_args]
    return int(said[0]) if said and said[0].isdecimal() and int(said[0]) else None
