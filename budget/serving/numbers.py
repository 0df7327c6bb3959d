"""Whole numbers as JSON knows them: ``16`` and ``16.0`` are the same, ``"16"`` and ``true`` not.

Bounds stand innermost, so that the JSON schema says them.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict

_INT64 = 2**63


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_WHOLE = BeforeValidator(_integral)

Positive = Annotated[int, Strict(), Field(ge=1), _WHOLE]
One = Annotated[int, Strict(), Field(ge=1, le=1), _WHOLE]
NoCount = Annotated[int, Strict(), Field(ge=0, le=0), _WHOLE]
Int64 = Annotated[int, Strict(), Field(ge=-_INT64, le=_INT64 - 1), _WHOLE]
