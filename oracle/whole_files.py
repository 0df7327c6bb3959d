"""Files that are there whole or not at all, also after a kill, a full disk or a power cut."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from budget.errors import DataError

TMP = ".tmp"
# No space left, the user's quota, the largest file that the process may write.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFullError(DataError):
    """A file could not be written because there is no room; what was there before is intact."""


def write_whole(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file beside its place, wait until it is on the disk, and move it there.

    Args:
        path: the file; an older one is replaced, its folder must be there.
        write: is given the file, open for bytes.

    Raises:
        DiskFullError: if there is no room.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}{TMP}")
    try:
        with _room_for(path):
            with unfinished.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
            _sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def remove_unfinished(folder: Path, *patterns: str) -> None:
    """Remove what writers that were killed left in the place of some files.

    Args:
        folder: in which no writer is at work.
        patterns: names of the files, as ``Path.glob`` takes them.
    """
    for pattern in patterns:
        for path in folder.glob(f"{pattern}.*{TMP}"):
            path.unlink(missing_ok=True)


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.errno not in _FULL:
            raise
        reason = os.strerror(problem.errno).lower()
        raise DiskFullError(f"cannot write {path}: {reason}") from problem


def _sync_folder(folder: Path) -> None:
    """Wait until a folder's own list of files is on the disk, where that can be asked for."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(descriptor)
