"""One process at a time in a folder."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from budget.errors import DataError

NAME = "run.lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, or refuse to wait for it.

    It is the system's own lock (``flock``) on the file ``run.lock``, so a holder that is killed
    lets go of it; the file stays, its content only says who holds the lock. On NFS such locks
    reach other machines only if the mount passes them on: one mounted with ``nolock`` or
    ``local_lock=flock``, and some cluster file systems, keep out processes of the same machine
    alone.

    Args:
        folder: must be there; it may be removed while the lock is held.

    Raises:
        DataError: if another process holds it; names the process and its machine.
    """
    with _locked(folder) as file:
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        file.truncate(0)
        file.write(json.dumps(holder))
        file.flush()
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    import fcntl  # which Windows lacks; curves can be read there all the same

    path = folder / NAME
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataError(f"{folder} is in use by {_holder(path)}") from None
            # The holder before may have removed file and folder after they were opened here.
            if _is_at(path, file):
                yield file
                return


def _is_at(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"  # which has the lock and has not said its name yet
