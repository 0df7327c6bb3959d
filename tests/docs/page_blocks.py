"""Blocks of code in the pages of the documentation, and how a reader runs them.

A block of ``bash`` or ``python`` is run by the tests as it stands, in the page's order, in one
shell, from an empty folder. What cannot be run here (installing, a checkpoint of 7B parameters, a
model hub) stands in blocks of ``sh`` and ``py``, whose commands are parsed all the same.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
SHELL = ("bash", "sh", "console")
RUN = ("bash", "python")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_END = "END_OF_THE_BLOCK"


class Block(NamedTuple):
    kind: str
    text: str


def page_text(page):
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def blocks_of(text):
    return [Block(*found.groups()) for found in _FENCE.finditer(text)]


def script_of(text):
    """Return what a reader runs, as one script of bash."""
    steps = [
        text if kind == "bash" else f"python - <<'{_END}'\n{text}{_END}\n"
        for kind, text in blocks_of(text)
        if kind in RUN
    ]
    ending = "for job in $(jobs -p); do kill $job || true; done"
    return "\n".join(["set -eu -o pipefail", f"trap '{ending}' EXIT", *steps])


def follow(page, folder):
    """Run all of a page in a folder that is made; return what it printed."""
    (folder / "empty").mkdir(parents=True)
    _install(folder / "bin")
    ports = {"8000": str(_free_port()), "8001": str(_free_port())}
    script = re.sub("8000|8001", lambda found: ports[found[0]], script_of(page_text(page)))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder / "empty",
        env={
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stderr[-6000:] + done.stdout[-6000:]
    return done.stdout


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _install(folder):
    """Put ``budget`` and ``python`` on a path of their own, as an installed package does."""
    folder.mkdir()
    for name, words in (("budget", "-m experiments.cli"), ("python", "")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        program.chmod(0o755)
