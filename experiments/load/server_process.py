"""A real ``budget serve`` in a process of its own, for as long as it is needed."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

START_SECONDS = 180.0
STOP_SECONDS = 60.0


class RunningServer(NamedTuple):
    """A server that said it is ready.

    Attributes:
        url: where it listens.
        process: its process.
        key: the API key that it wants.
    """

    url: str
    process: subprocess.Popen[bytes]
    key: str


@contextmanager
def running_server(options: Sequence[str]) -> Iterator[RunningServer]:
    """Start ``budget serve`` on a free port of this machine, with an API key; end it with SIGTERM.

    Args:
        options: more words of its command line.

    Raises:
        ValueError: if it does not become ready, or does not end in time; with what it wrote.
    """
    words = [sys.executable, "-m", "experiments.cli", "serve", "--host", "127.0.0.1", "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        out, err, keys = (Path(folder) / name for name in ("out", "err", "keys"))
        keys.write_text(key := secrets.token_urlsafe())
        words += ["--api-keys-file", str(keys)]
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen([*words, *options], stdout=stdout, stderr=stderr)
        try:
            yield RunningServer(_wait_until_ready(process, out, err), process, key)
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], out: Path, err: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if (url := find_url(out.read_text())) is not None:
            return url
        time.sleep(0.05)
    how = "is not ready" if process.poll() is None else f"ended with code {process.returncode}"
    last = " ".join(err.read_text().split())[-500:]
    raise ValueError(f"the server {how}: {last or 'it wrote nothing'}")


def find_url(text: str) -> str | None:
    r"""Return the address in the line of JSON that a server ends its start with.

    Example:
        >>> find_url('loading\n{"url": "http://127.0.0.1:8000"}\n')
        'http://127.0.0.1:8000'
    """
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                return str(json.loads(line)["url"])
            except (KeyError, TypeError, json.JSONDecodeError):  # another line, or half of one
                continue
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise ValueError(
            f"the server did not end within {STOP_SECONDS:g} s of SIGTERM and was killed"
        ) from None
