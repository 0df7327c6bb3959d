"""Which column of the data is the id, the image, the question, the answers, the group.

A user's flag decides; else a column of that very name; else the one well-known name that is there.
Where two are there, the user is asked.
"""

from collections.abc import Sequence
from string import ascii_uppercase
from typing import NamedTuple

from budget.data_choice import ROW_NUMBERS, DataChoice, flag_of
from budget.errors import DataError

ROLES = ("id", "image", "question", "answers", "group", "options")

# Names that are tried together, those of a line before those of the next.
_KNOWN: dict[str, tuple[tuple[str, ...], ...]] = {
    "id": (("question_id", "questionId", "index", "qid", "pid", "sample_id", "uid"),),
    "image": (
        ("images",),
        ("image_path", "image_file", "img", "img_path"),
        ("file_name", "file_names"),
    ),
    "question": (("text", "query", "prompt"),),
    "answers": (("answer",), ("label", "ground_truth")),
    "group": (("category", "question_type"),),
    "options": (("choices",),),
}


class ColumnMap(NamedTuple):
    """Which columns of the data play which role.

    Attributes:
        names: columns of every role that was found; several only of ``image``, none of an ``id``
            that is the row's number.
        letters: columns A, B, C... with one option each, as VLMEvalKit has them.
        hint: column of what is to be read before the question, beside ``letters``.
        kept: further columns.
        note: what was decided, in one line; no text if nothing was.
    """

    names: dict[str, tuple[str, ...]]
    letters: tuple[str, ...]
    hint: str | None
    kept: tuple[str, ...]
    note: str


def find_columns(
    spec: str,
    there: Sequence[str],
    needed: Sequence[str],
    choice: DataChoice,
    remarks: Sequence[str] = (),
) -> ColumnMap:
    """Return which columns play which role.

    Args:
        spec: what errors call the data.
        there: the names of all columns.
        needed: roles, and further columns, that must be there.
        choice: what the user said.
        remarks: what else the note has to say.

    Raises:
        DataError: if something needed is not there or could be two columns, or a column that the
            user named is not there.
    """
    names: dict[str, tuple[str, ...]] = {}
    for role in ROLES:
        found = _given(spec, there, role, choice)
        if found is None:
            found = _known(spec, there, role, role in needed)
        if found is not None:
            names[role] = found
    said = list(remarks)
    if "id" in needed and "id" not in names:
        names["id"] = ()
        said.append("no column of ids, so ids are row numbers")
    roles = {*names, *there}
    if missing := [name for name in needed if name not in roles]:
        raise DataError(_lacking(spec, there, missing))
    letters = _letters(there) if "options" not in names else ()
    if letters or choice.list_options:
        said.append(_how_listed(letters))
    used = {name for columns in names.values() for name in columns}
    hint = "hint" if letters and "hint" in there else None
    kept = tuple(name for name in there if name not in used and name not in ROLES)
    return ColumnMap(names, letters, hint, kept, _note(spec, names, said))


def _given(
    spec: str, there: Sequence[str], role: str, choice: DataChoice
) -> tuple[str, ...] | None:
    """Return the columns that the user named, which must be there."""
    word: str | None = getattr(choice, role)
    if word is None:
        return None
    if word in there:
        return (word,)
    if role == "id" and word == ROW_NUMBERS:
        return ()
    columns = tuple(word.split(",")) if role == "image" else (word,)
    if absent := [name for name in columns if name not in there]:
        raise DataError(
            f"{spec} has no column {', '.join(absent)} ({flag_of(role)}); it has {', '.join(there)}"
        )
    return columns


def _known(spec: str, there: Sequence[str], role: str, needed: bool) -> tuple[str, ...] | None:
    """Return the columns of a role by their names; None if there are none, or none can be told."""
    if role in there:
        return (role,)
    if role == "image" and (numbered := _numbered(there)):
        return numbered
    for names in _KNOWN[role]:
        found = [name for name in names if name in there]
        if len(found) == 1:
            return (found[0],)
        if found and needed:
            raise DataError(
                f"{spec}: {role} may be {' or '.join(found)}; say which with {flag_of(role)}"
            )
    return None


def _numbered(there: Sequence[str]) -> tuple[str, ...]:
    """Return columns image_1, image_2..., as MMMU has them."""
    names: list[str] = []
    while (name := f"image_{len(names) + 1}") in there:
        names.append(name)
    return tuple(names)


def _letters(there: Sequence[str]) -> tuple[str, ...]:
    """Return the columns A, B, C... if there are at least two."""
    count = next((i for i, letter in enumerate(ascii_uppercase) if letter not in there), 26)
    return tuple(ascii_uppercase[:count]) if count > 1 else ()


def _lacking(spec: str, there: Sequence[str], missing: Sequence[str]) -> str:
    flags = " and ".join(flag for flag in map(flag_of, missing) if flag)
    help_ = f" ({flags} can name {'it' if len(missing) == 1 else 'them'})" if flags else ""
    return (
        f"{spec} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
        f"it has {', '.join(there)}{help_}"
    )


def _how_listed(letters: Sequence[str]) -> str:
    which = f" {letters[0]} to {letters[-1]}" if letters else ""
    return f"options{which} are listed below the question"


def _note(spec: str, names: dict[str, tuple[str, ...]], said: Sequence[str]) -> str:
    taken = [
        f"{role} from {', '.join(columns)}"
        for role, columns in names.items()
        if columns and columns != (role,)
    ]
    parts = [", ".join(taken)] * bool(taken) + list(said)
    return f"{spec}: {'; '.join(parts)}" if parts else ""
