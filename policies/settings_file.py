"""Settings of a predictor as a small JSON file: what tuning writes and fitting takes."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from budget.errors import PolicyError

_MAX_BYTES = 100_000


class SettingsFile(BaseModel):
    """A family and settings of its estimator.

    Attributes:
        format_version: of the file.
        family: a name of ``policies.families.FAMILIES``.
        settings: arguments of the family's estimator.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format_version: Literal[1] = 1
    family: str
    settings: dict[str, bool | int | float | str | None]


def read_settings(path: Path) -> SettingsFile:
    """Read a file of settings.

    Raises:
        PolicyError: if there is no such file or it is not well formed.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise PolicyError(f"{path} is larger than {_MAX_BYTES} bytes, so it is not read")
        return SettingsFile.model_validate_json(data)
    except OSError as error:
        raise PolicyError(f"no settings can be read at {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PolicyError(f"{path}: {where}: {first['msg']}") from error
