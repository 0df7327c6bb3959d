"""Questions, answers and images of a run's samples, from the dataset they were measured on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from policies.reading import rows_of

if TYPE_CHECKING:
    from PIL.Image import Image


class RunData:
    """Samples of a dataset in the order of some curves; images are read when they are asked for.

    Args:
        table: a dataset with columns id and question, as the data reader gives it.
        sample_ids: of the curves.
        where: what errors call the data.

    Raises:
        DataError: if a sample of the curves is not in the data.
    """

    def __init__(self, table: Any, sample_ids: Sequence[str], where: str) -> None:
        self.table = table
        self.rows = rows_of(sample_ids, table["id"], where)
        self.column_names: Sequence[str] = list(table.column_names)
        self.questions: Sequence[str] = self.column("question")
        self.references: Sequence[Sequence[str]] = [()] * len(self.rows)
        if "answers" in self.column_names:
            self.references = self.column("answers")

    def column(self, name: str) -> list[Any]:
        """Return one value a sample, in the curves' order."""
        values = list(self.table[name])
        return [values[row] for row in self.rows]

    def images(self, row: int) -> "Sequence[Image]":
        """Return the images of one sample, read anew.

        Raises:
            DataError: if one cannot be read.
        """
        if "image" not in self.column_names:
            return ()
        found = self.table["image"][self.rows[row]]
        if isinstance(found, list | tuple):
            return tuple(found)
        return () if found is None else (found,)
