"""From the raw values of a row to a sample: id, image, question, answers, group, options."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.columns import ROLES, ColumnMap
from oracle.image_values import flat, show
from oracle.lists_in_text import texts_in
from oracle.options import read_options

Row = Mapping[str, Any]


class SampleReader:
    """Makes samples of rows.

    Args:
        columns: which column plays which role.
        folder: where relative paths of images begin.
        list_options: whether options are put below the question that does not list them.
    """

    def __init__(self, columns: ColumnMap, folder: Path, list_options: bool = False) -> None:
        self.columns = columns
        self.folder = folder
        self.list_options = list_options or bool(columns.letters)
        roles = [role for role in ROLES if role in columns.names]
        if columns.letters:
            roles.append("options")
        self.column_names = [*roles, *columns.kept]

    def raw_columns(self, names: Sequence[str]) -> list[str]:
        """Return the columns of the data that samples with the columns ``names`` are made of."""
        raw: dict[str, None] = {}
        for name in names:
            raw.update(dict.fromkeys(self.columns.names.get(name, ())))
            if name in self.columns.kept:
                raw[name] = None
            if name == "options" or (name == "question" and self.list_options):
                raw.update(dict.fromkeys(self.columns.letters))
                raw.update(dict.fromkeys(self.columns.names.get("options", ())))
            if name == "question" and self.columns.hint:
                raw[self.columns.hint] = None
        return list(raw)

    def value(self, name: str, row: Row, number: int) -> Any:
        """Return the value of one column of a sample.

        Raises:
            DataError: if the row holds nothing that can be made one.
        """
        match name:
            case "id":
                return self._id(row, number)
            case "image":
                return show(self._raw(row, "image"), self.folder)
            case "question":
                return self._question(row)
            case "answers" if "answers" in self.columns.names:
                return _answers(self._raw(row, "answers")[0])
            case "group" if "group" in self.columns.names:
                group = self._raw(row, "group")[0]
                return None if group is None else str(group)
            case "options":
                return self._options(row)
        return row[name]

    def images(self, row: Row) -> list[Any]:
        """Return what a row holds of its images, not decoded."""
        return flat(self._raw(row, "image"))

    def _raw(self, row: Row, role: str) -> list[Any]:
        return [row[name] for name in self.columns.names[role]]

    def _id(self, row: Row, number: int) -> str:
        found = self._raw(row, "id")
        if not found:
            return str(number)
        if found[0] is None or isinstance(found[0], list | dict):
            raise DataError(f"no id, got {found[0]!r:.40}")
        return str(found[0])

    def _question(self, row: Row) -> str:
        text = self._raw(row, "question")[0]
        if not isinstance(text, str):
            raise DataError(f"question must be a text, got {text!r:.40}")
        if self.columns.hint and (hint := row[self.columns.hint]):
            text = f"{hint}\n{text}"
        if not self.list_options or read_options(text):
            return text
        # As LLaVA asks the questions of VLMEvalKit's tables (llava/eval/model_vqa_mmbench.py).
        lines = [f"{chr(65 + i)}. {option}" for i, option in enumerate(self._options(row) or ())]
        last = "Answer with the option's letter from the given choices directly."
        return "\n".join([text, *lines, last]) if lines else text

    def _options(self, row: Row) -> list[str] | None:
        if self.columns.letters:
            cells = [row[letter] for letter in self.columns.letters]
            given = [str(cell) for cell in cells if cell is not None and str(cell).strip()]
            return given or None
        value = self._raw(row, "options")[0]
        if isinstance(value, str):
            value = texts_in(value) if value.strip() not in ("", "[]") else None
        if value is None or isinstance(value, list):
            return value and [str(option) for option in value]
        raise DataError(f"options must be a list of texts, got {value!r:.40}")


def _answers(value: Any) -> list[str]:
    """Return right answers: of a text, a number, a list of these, or dicts with ``answer``."""
    if isinstance(value, str):
        listed = texts_in(value)
        value = [value] if listed is None else listed
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list) or not value or value == [""]:
        raise DataError(f"answers must be a text or a list of texts, got {value!r:.40}")
    answers = [one.get("answer") if isinstance(one, dict) else one for one in value]
    for answer in answers:
        if not isinstance(answer, str | int | float) or isinstance(answer, bool):
            raise DataError(f"answers must be a text or a list of texts, got {value!r:.40}")
    return [str(answer) for answer in answers]
