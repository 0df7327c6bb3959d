"""A policy for a table's options as a folder: ``options.json`` and the files of its predictor.

The name of the JSON keeps it apart from a policy of scales (``policies.policy_files``), which
takes images; each refuses the other.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from budget.errors import PolicyError
from policies.calibration import CalibrationTable
from policies.families import restore_predictor
from policies.limited_file import read_at_most
from policies.option_policy import OptionPolicy
from policies.policy_schema import Number
from policies.shares import Shares
from policies.state_checks import first_problem
from policies.state_folder import Node, Strict, files_of, node_of, state_of
from policies.text_features import text_schema

OPTION_FILE = "options.json"
_MAX_JSON_BYTES = 4_000_000
_MAX_FILE_BYTES = 100_000_000

Text = Annotated[str, Field(max_length=1_000)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Cost = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Features(Strict):
    names: list[Text] = Field(max_length=10_000)
    groups: list[Text] = Field(max_length=10_000)
    sha256: Sha256


class _Calibration(Strict):
    prices: list[Price] = Field(min_length=1, max_length=10_000)
    mean_costs: list[Price]
    scores: list[Number]

    @model_validator(mode="after")
    def _in_order(self) -> "_Calibration":
        if not len(self.prices) == len(self.mean_costs) == len(self.scores):
            raise ValueError("prices, mean_costs and scores must be equally long")
        if (np.diff(self.mean_costs) < 0).any() or (np.diff(self.prices) > 0).any():
            raise ValueError("prices must fall and mean_costs must not")
        return self


class _Shares(Strict):
    fit: Share
    calibration: Share
    test: Share
    seed: int


class _OptionFile(Strict):
    format_version: Literal[1]
    kind: Literal["options"]
    options: list[Text] = Field(min_length=2, max_length=1_000)
    option_costs: list[Cost]
    prices: dict[Text, Price]
    features: _Features
    calibration: _Calibration
    shares: _Shares
    predictor: Node
    files: dict[Text, Sha256]

    @model_validator(mode="after")
    def _fits_together(self) -> "_OptionFile":
        if len(set(self.options)) != len(self.options):
            raise ValueError("options must differ")
        if len(self.options) != len(self.option_costs) or (np.diff(self.option_costs) <= 0).any():
            raise ValueError("option_costs must rise, one for each option")
        if sorted(self.files) != sorted(self.predictor.files()):
            raise ValueError(f"files must be {sorted(self.predictor.files())}")
        return self


def save_option_policy(policy: OptionPolicy, folder: str | Path) -> None:
    """Write a policy into a folder, which is made if needed.

    Raises:
        PolicyError: if the folder cannot be written, or the policy could not be read back.
    """
    folder, state = Path(folder), policy.predictor.state()
    files = files_of(state)
    try:
        content = _content(policy, node_of(state), files)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / OPTION_FILE).write_text(content.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise PolicyError(f"the policy cannot be written to {folder}: {error.strerror}") from error
    except ValidationError as error:
        raise PolicyError(f"the policy cannot be saved: {first_problem(error)}") from error


def _content(policy: OptionPolicy, node: Node, files: dict[str, bytes]) -> _OptionFile:
    return _OptionFile(
        format_version=1,
        kind="options",
        options=list(policy.options),
        option_costs=policy.option_costs.tolist(),
        prices=policy.prices,
        features=_Features(
            names=list(text_schema(policy.groups).names),
            groups=list(policy.groups),
            sha256=policy.feature_sha256,
        ),
        calibration=_Calibration(
            prices=policy.table.prices.tolist(),
            mean_costs=policy.table.mean_tokens.tolist(),
            scores=policy.table.scores.tolist(),
        ),
        shares=_Shares(**policy.shares._asdict()),
        predictor=node,
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    )


def load_option_policy(folder: str | Path) -> OptionPolicy:
    """Read a policy that :func:`save_option_policy` wrote, checking every file before it is used.

    Raises:
        PolicyError: if a file is missing, changed, not well formed, or of other features.
    """
    folder = Path(folder)
    content = _read_json(folder / OPTION_FILE)
    features = content.features
    schema = text_schema(features.groups)
    schema.refuse_other(features.sha256)
    if list(schema.names) != features.names:
        raise PolicyError(f"{folder / OPTION_FILE}: features.names do not fit features.sha256")
    state = state_of(content.predictor, lambda name: _checked(folder / name, content.files[name]))
    table = content.calibration
    return OptionPolicy(
        options=content.options,
        predictor=restore_predictor(state, len(schema), len(content.options)),
        option_costs=np.array(content.option_costs),
        prices=content.prices,
        table=CalibrationTable(
            np.array(table.prices), np.array(table.mean_costs), np.array(table.scores)
        ),
        feature_sha256=features.sha256,
        groups=features.groups,
        shares=Shares(**content.shares.model_dump()),
    )


def _read_json(path: Path) -> _OptionFile:
    data = _read(path, _MAX_JSON_BYTES)
    try:
        return _OptionFile.model_validate_json(data)
    except ValidationError as error:
        raise PolicyError(f"{path}: {first_problem(error)}") from error


def _checked(path: Path, sha256: str) -> bytes:
    data = _read(path, _MAX_FILE_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise PolicyError(
            f"{path} was changed: its sha256 is {found[:12]}, {OPTION_FILE} says {sha256[:12]}"
        )
    return data


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        return read_at_most(path, max_bytes)
    except OSError as error:
        hint = ""
        if path.with_name("policy.json").exists():
            hint = "; it holds a policy of scales, which takes images: see budget policy evaluate"
        raise PolicyError(
            f"no policy of options can be read at {path}: {error.strerror}{hint}"
        ) from error
