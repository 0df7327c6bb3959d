"""Datasets on the hub: ``owner/name``, ``owner/name:config``, ``owner/name@revision:config``."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError, one_line
from oracle.sources.arrow import ArrowRows

if TYPE_CHECKING:
    from datasets import IterableDataset

_ID = re.compile(r"(?P<path>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?(:(?P<name>[\w.()+ -]+))?")


def is_hub_id(spec: str) -> bool:
    """Return whether a word looks like a hub id.

    Example:
        >>> is_hub_id("MMMU/MMMU:Art"), is_hub_id("data.parquet")
        (True, False)
    """
    return _ID.fullmatch(spec) is not None


def open_hub(spec: str, split: str) -> ArrowRows:
    """Download a split of a hub dataset into the library's cache, and return its rows.

    Raises:
        DataError: if it cannot be loaded.
    """
    return ArrowRows(_load(spec, split, streaming=False), Path())


def stream_hub(spec: str, split: str) -> "IterableDataset":
    """Return a split of a hub dataset that is downloaded while it is read.

    Raises:
        DataError: if it cannot be loaded.
    """
    found: IterableDataset = _load(spec, split, streaming=True)
    return found


def _load(spec: str, split: str, *, streaming: bool) -> Any:
    from datasets import load_dataset

    match = _ID.fullmatch(spec)
    if match is None:
        raise DataError(f"{spec!r} is no hub id; legal is owner/name[@revision][:config]")
    try:
        return load_dataset(**match.groupdict(), split=split, streaming=streaming)
    except Exception as problem:  # the hub's client raises dozens of kinds
        config = "; a config is given as owner/name:config" * ("onfig" in str(problem))
        raise DataError(
            f"{spec} ({split}) cannot be loaded from the hub: {one_line(problem)}{config}"
        ) from problem
