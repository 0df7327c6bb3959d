"""Whole numbers as JSON knows them: ``16`` and ``16.0`` are the same, ``"16"`` and ``true`` not."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Strict


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, Strict(), BeforeValidator(_integral)]
