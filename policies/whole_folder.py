"""Folders that are written whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from budget.errors import PolicyError


@contextmanager
def whole_folder(folder: Path, is_own: Callable[[str], bool]) -> Iterator[Path]:
    """Yield a new folder beside ``folder`` that takes its place when the block ends well.

    Whoever is killed inside the block leaves ``folder`` as it was. An older folder is replaced only
    if it holds nothing else than what is written here, so that no one's files are lost.

    Args:
        folder: the place; parents are made if needed.
        is_own: whether a file of this name may be replaced.

    Yields:
        The folder to write into, empty.

    Raises:
        PolicyError: if ``folder`` is no folder, or holds something that is not its own.
        OSError: if it cannot be written.
    """
    folder = folder.resolve()  # what a link points to is replaced, not the link
    _refuse_others(folder, is_own)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    fresh, old = (folder.with_name(f".{folder.name}.{mark}.{end}") for end in ("new", "old"))
    try:
        fresh.mkdir()
        yield fresh
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(fresh, folder)
        except OSError:
            if old.exists():
                os.replace(old, folder)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _refuse_others(folder: Path, is_own: Callable[[str], bool]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise PolicyError(f"{folder} is a file, so no folder can be written there")
    others = sorted(entry.name for entry in folder.iterdir() if not is_own(entry.name))
    if others:
        raise PolicyError(
            f"{folder} holds {others[0]!r}, which is no policy's, so it is not replaced; "
            "name a new folder or an older policy's"
        )
