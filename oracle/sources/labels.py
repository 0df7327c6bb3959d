"""Class labels that a schema of ``datasets`` names: stored as numbers, meant as words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def label_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Return the names of the classes of every column that holds class labels.

    Args:
        metadata: of an Arrow schema.
    """
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {
        name: list(feature["names"])
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature
    }


def named(values: Sequence[Any], names: Sequence[str] | None) -> list[Any]:
    """Return labels as words; -1, which stands for unknown, as None."""
    if names is None:
        return list(values)
    return [names[v] if isinstance(v, int) and 0 <= v < len(names) else None for v in values]
