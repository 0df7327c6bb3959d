"""A policy as a folder: ``policy.json`` and one LightGBM text per rung; nothing is executed."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies.calibration import CalibrationTable
from policies.features import current_schema
from policies.lightgbm_policy import CostUnit, ScorePolicy
from policies.lightgbm_text import MAX_CHARACTERS, format_model, parse_model
from policies.scores import BoosterScores

POLICY_FILE = "policy.json"
_MAX_JSON_BYTES = 4_000_000

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^rung_\d{1,3}\.txt$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Table(_Strict):
    prices: list[Price] = Field(min_length=1, max_length=10_000)
    mean_tokens: list[Number]
    scores: list[Number]

    @model_validator(mode="after")
    def _same_length(self) -> "_Table":
        if not len(self.prices) == len(self.mean_tokens) == len(self.scores):
            raise ValueError("prices, mean_tokens and scores must be equally long")
        if (np.diff(self.mean_tokens) < 0).any() or (np.diff(self.prices) > 0).any():
            raise ValueError("prices must fall and mean_tokens must not")
        return self


class _File(_Strict):
    name: FileName
    sha256: Sha256


class _PolicyFile(_Strict):
    format_version: Literal[1]
    kind: Literal["lightgbm-scores"]
    ladder: list[int] = Field(min_length=1, max_length=1_000)
    cost_unit: CostUnit
    rung_costs: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    prices: dict[str, Price]
    monotone: bool
    feature_names: list[str] = Field(max_length=10_000)
    feature_sha256: Sha256
    calibration: _Table
    models: list[_File]

    @model_validator(mode="after")
    def _one_of_each_per_rung(self) -> "_PolicyFile":
        if not len(self.ladder) == len(self.rung_costs) == len(self.models):
            raise ValueError("ladder, rung_costs and models must be equally long")
        if (np.diff(self.rung_costs) <= 0).any():
            raise ValueError("rung_costs must rise")
        ScaleLadder(tuple(self.ladder))
        return self


def save_policy(policy: ScorePolicy, folder: str | Path) -> None:
    """Write a policy into a folder, which is made if needed.

    Raises:
        PolicyError: if the folder cannot be written.
    """
    folder = Path(folder)
    texts = [format_model(model).encode() for model in policy.predictor.models]
    files = [
        _File(name=f"rung_{i}.txt", sha256=hashlib.sha256(text).hexdigest())
        for i, text in enumerate(texts)
    ]
    content = _PolicyFile(
        format_version=1,
        kind="lightgbm-scores",
        ladder=list(policy.ladder),
        cost_unit=policy.cost_unit,
        rung_costs=policy.rung_costs.tolist(),
        prices=policy.prices,
        monotone=policy.predictor.monotone,
        feature_names=list(current_schema().names),
        feature_sha256=policy.feature_sha256,
        calibration=_Table(
            prices=policy.table.prices.tolist(),
            mean_tokens=policy.table.mean_tokens.tolist(),
            scores=policy.table.scores.tolist(),
        ),
        models=files,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in zip(files, texts, strict=True):
            (folder / file.name).write_bytes(text)
        (folder / POLICY_FILE).write_text(content.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise PolicyError(f"the policy cannot be written to {folder}: {error.strerror}") from error


def load_policy(folder: str | Path) -> ScorePolicy:
    """Read a policy that :func:`save_policy` wrote, checking every file before it is used.

    Raises:
        PolicyError: if a file is missing, changed, not well formed, or of other features.
    """
    folder = Path(folder)
    content = _read_json(folder / POLICY_FILE)
    current_schema().refuse_other(content.feature_sha256)
    if list(current_schema().names) != content.feature_names:
        raise PolicyError(f"{folder / POLICY_FILE}: feature_names do not fit feature_sha256")
    models = [
        parse_model(_read_checked(folder / file.name, file.sha256), len(content.feature_names))
        for file in content.models
    ]
    table = content.calibration
    return ScorePolicy(
        ladder=ScaleLadder(tuple(content.ladder)),
        predictor=BoosterScores(models, monotone=content.monotone),
        rung_costs=np.array(content.rung_costs),
        cost_unit=content.cost_unit,
        prices=content.prices,
        table=CalibrationTable(
            np.array(table.prices), np.array(table.mean_tokens), np.array(table.scores)
        ),
        feature_sha256=content.feature_sha256,
    )


def _read_json(path: Path) -> _PolicyFile:
    try:
        return _PolicyFile.model_validate_json(_read(path, _MAX_JSON_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PolicyError(f"{path}: {where}: {first['msg']}") from error


def _read_checked(path: Path, sha256: str) -> str:
    data = _read(path, MAX_CHARACTERS)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise PolicyError(
            f"{path} was changed: its sha256 is {found[:12]}, policy.json says {sha256[:12]}"
        )
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path} is not plain text") from error


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise PolicyError(f"no policy file can be read at {path}: {error.strerror}") from error
    if len(data) > max_bytes:
        raise PolicyError(f"{path} is larger than {max_bytes} bytes, so it is not read")
    return data
