"""Rows of a dataset of the ``datasets`` library, which maps its files into memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.sources.labels import label_names, named

if TYPE_CHECKING:
    from datasets import Dataset


class ArrowRows:
    """Rows of a dataset, none of them decoded.

    Args:
        dataset: any dataset with random access.
        folder: where relative paths of images begin.
    """

    remarks: tuple[str, ...] = ()

    def __init__(self, dataset: "Dataset", folder: Path) -> None:
        self.dataset = dataset.with_format("arrow")
        self.column_names = list(dataset.column_names)
        self.labels = label_names(dataset.features.arrow_schema.metadata)
        self.folder = folder
        self._picked: dict[tuple[str, ...], Dataset] = {}

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[str, list[Any]]:
        """Return the values of some columns in some rows."""
        if not columns or not len(numbers):
            return {name: [] for name in columns}
        key = tuple(columns)
        if key not in self._picked:
            self._picked[key] = self.dataset.select_columns(list(columns))
        in_order = isinstance(numbers, range) and numbers.step == 1
        wanted = slice(numbers[0], numbers[-1] + 1) if in_order else list(numbers)
        table = self._picked[key][wanted]
        return {name: named(table[name].to_pylist(), self.labels.get(name)) for name in columns}
