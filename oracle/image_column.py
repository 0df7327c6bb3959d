"""The image column of a dataset: as a viewer shows it, and naming the row that cannot be read."""

from pathlib import Path
from typing import Any

from datasets import Dataset, Image

from budget.errors import DataError
from budget.pictures import as_shown, open_image


class Rows:
    """Finds a row by its image, so that an error can name it.

    The library decodes a value without saying whose it is, and rows may have been picked and
    columns dropped before; so it is looked for, once something is wrong, among all that were read.

    Args:
        dataset: with a column ``image`` that is not decoded, and ``id`` if there is one.
        spec: what the user called the data.
    """

    def __init__(self, dataset: Dataset, spec: str) -> None:
        self.dataset = dataset
        self.spec = spec

    def __deepcopy__(self, memo: dict[int, Any]) -> "Rows":
        return self  # datasets copies a column's type, and all that hangs on it, with every pick

    def name_of(self, image: Any) -> str:
        """Return the name of the first row with this image: the data, the row and its id."""
        for number, row in enumerate(self.dataset):
            if row["image"] == image:
                own_id = f" (id {row['id']!r})" if "id" in row else ""
                return f"{self.spec}, row {number}{own_id}"
        return self.spec


class ShownImage(Image):
    """A column of images that gives RGB, decoded when a row is read.

    Attributes:
        rows: names the row of an image that cannot be read; set once the column has been cast.
    """

    rows: Rows

    def decode_example(self, value: Any, token_per_repo_id: Any = None) -> Any:
        """Return the image of one row.

        Raises:
            DataError: if it cannot be read; names the data and the row.
        """
        try:
            content, path = value["bytes"], value["path"]
            if content is not None:
                return open_image(content)
            if path is None:
                raise DataError("neither bytes nor a path")
            if "://" not in path:
                return open_image(Path(path))
            return as_shown(_fetch(self, value, token_per_repo_id), name=path)
        except DataError as problem:
            raise DataError(f"{self.rows.name_of(value)}: {problem}") from problem


def show_images(dataset: Dataset, spec: str) -> Dataset:
    """Return a dataset whose column ``image`` is decoded by ``ShownImage``.

    Args:
        dataset: with a column ``image`` of images, bytes or paths.
        spec: what errors call the data.

    Raises:
        DataError: if the column holds something else, or nothing in a row.
    """
    column = ShownImage()
    try:
        raw = dataset.cast_column("image", Image(decode=False))
        shown = dataset.cast_column("image", column)
    except (ValueError, TypeError, NotImplementedError) as problem:
        kind = dataset.features["image"]
        raise DataError(
            f"{spec}: image must be images, bytes or paths of files, got {kind}"
        ) from problem
    column.rows = Rows(
        raw.select_columns([name for name in ("id", "image") if name in raw.column_names]), spec
    )
    # Counting is free, but the table may have rows that were not picked.
    if raw.data.column("image").null_count and any(row["image"] is None for row in raw):
        raise DataError(f"{column.rows.name_of(None)}: no image")
    return shown


def _fetch(column: Image, value: Any, token_per_repo_id: Any) -> Any:
    try:
        return Image.decode_example(column, value, token_per_repo_id)
    except Exception as problem:  # the hub's client raises dozens of kinds, decoders a dozen more
        raise DataError(f"{value['path']} cannot be read: {problem}") from problem
