"""One row of a dataset as the oracle takes it, texts and image apart."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datasets import Dataset

_TOLD = ("answers", "question", "options")


class Sample(NamedTuple):
    """One row of a dataset, without its image.

    Attributes:
        row: where it stands in the dataset, from 0.
        sample_id: its id.
        group: its group, ``"all"`` where it has none.
        question: what is asked.
        told: columns for the scorer, each with this sample's value alone.
    """

    row: int
    sample_id: str
    group: str
    question: str
    told: dict[str, list[Any]]


class Samples:
    """Reads a dataset row by row; a row's image is read and decoded apart from its texts.

    Args:
        dataset: columns id, image, question, and answers, options and group if there.
        first: number of its first row, where it is a stretch of something larger.
    """

    def __init__(self, dataset: "Dataset", first: int = 0) -> None:
        self._first = first
        texts = ("id", "group", *_TOLD)
        there = [name for name in texts if name in dataset.column_names]
        self._texts = dataset.select_columns(there)
        self._images = dataset.select_columns(["image"])
        self._ids = dataset.select_columns(["id"])

    def sample(self, row: int) -> Sample:
        """Return all of a row but its image."""
        values = self._texts[row - self._first]
        group = values.get("group")
        told = {name: [values[name]] for name in _TOLD if name in values}
        return Sample(
            row, str(values["id"]), "all" if group is None else str(group), values["question"], told
        )

    def sample_id(self, row: int) -> str:
        """Return the id of a row whose other columns may be unreadable."""
        return str(self._ids[row - self._first]["id"])

    def image(self, row: int) -> Any:
        """Return the image of a row.

        Raises:
            DataError: if it cannot be read.
        """
        return self._images[row - self._first]["image"]
