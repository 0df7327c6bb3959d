"""Which files an evaluation reads, and the policies among them by label."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from budget.shipped import SHIPPED, shipped_folder
from policies.judging import Policy
from policies.policy_files import load_policy


class Files(NamedTuple):
    """Where everything lies that an evaluation reads.

    Attributes:
        policies: folders of policies, or names of shipped ones.
        curves: of the split to evaluate on.
        split: of the dataset, to evaluate on.
        fit_curves: that baselines and ceiling learn from.
        fit_split: of the dataset, for ``fit_curves``.
        calibration: curves that a price for a score is set on.
        calibration_split: of the dataset, for ``calibration``.
        expected_curves: of the evaluated samples, their scores means over drawn answers.
        model: whose encoder policies of tier post-vision look at.
    """

    policies: Sequence[str]
    curves: Path
    split: str = "test"
    fit_curves: Path | None = None
    fit_split: str = "fit"
    calibration: Path | None = None
    calibration_split: str = "calibration"
    expected_curves: Path | None = None
    model: str | None = None


def load_policies(folders: Sequence[str]) -> dict[str, Policy]:
    """Return policies by label: the name of the shipped one, or of the folder.

    Raises:
        PolicyError: if a folder holds no policy.
    """
    found: dict[str, Policy] = {}
    for folder in folders:
        shipped = folder in SHIPPED
        path = shipped_folder(folder) / "policy" if shipped else Path(folder)
        label = folder if shipped else path.resolve().name
        # Two folders of one name go by their whole paths.
        found[folder if label in found else label] = load_policy(path)
    return found
