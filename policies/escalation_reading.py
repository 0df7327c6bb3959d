"""Curves with answers, and what of a sample's FLOPs is paid once however often it is answered."""

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from budget.console import progress
from budget.errors import BudgetError
from policies.answer_features import AnswerSigns, check_signs
from policies.escalation_fit import Answered
from policies.hull import FloatArray
from policies.reading import CurveTable, Readers, read_split


class AnsweredCurves(CurveTable, Protocol):
    """Curves that hold the answers themselves and how sure the model was of each."""

    answers: NDArray[np.str_]
    confidence: NDArray[np.float64]
    margin: NDArray[np.float64]
    entropy: NDArray[np.float64]


class AnsweredSplit(NamedTuple):
    """One split of a dataset, answered at every rung.

    Attributes:
        samples: features, answers and scores.
        curves: where the answers are from.
        once_flops: of each sample what every further answer saves, shape [n, 1]; NaN if unknown.
    """

    samples: Answered
    curves: CurveTable
    once_flops: FloatArray


def read_answered(readers: Readers, *, curves: Path, data: str, split: str) -> AnsweredSplit:
    """Read curves with their answers and compute the features of their samples.

    Raises:
        DataError: if a file cannot be read or an answer's confidence is unknown.
    """
    table: AnsweredCurves = readers.curves(curves)  # type: ignore[assignment]
    columns = (table.answers, table.confidence, table.margin, table.entropy)
    answers = check_signs(AnswerSigns(*columns), str(curves))
    with progress(f"Features of {split}", "samples") as update:
        features = read_split(
            readers, curves=curves, data=data, split=split, progress=update
        ).features
    once = once_flops(str(readers.about(curves).get("model", "")))
    tokens = table.num_visual_tokens.astype(np.float64)
    samples = Answered(features, answers, table.scores, tokens=tokens)
    if not once <= table.flops.min():  # other weights by the same name, or FLOPs not known
        once = float("nan")
    return AnsweredSplit(samples, table, np.full((len(features), 1), once))


def once_flops(model: str) -> float:
    """Return the FLOPs that a sample's picture takes before the language model; NaN if unknown.

    The vision encoder and the projector: what they give is kept while a sample goes up.

    Args:
        model: a shipped model's name, a folder or a hub id, as the curves say it.
    """
    from budget.config_files import read_sizes
    from budget.cost import connector_flops, vision_flops

    if not model:
        return float("nan")
    try:
        sizes = read_sizes(model)
    except (BudgetError, OSError, ValueError):
        return float("nan")  # curves outlive the models that they were run with
    if sizes.grids is None:
        return float("nan")
    return float(sizes.grids * (vision_flops(sizes.shape) + connector_flops(sizes.shape)))
