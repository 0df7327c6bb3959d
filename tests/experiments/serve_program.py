"""Start ``budget serve`` as a program and stop it."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
START = [sys.executable, "-m", "experiments.cli", "serve", "--port", "0", "--threads", "1"]


def start(*words, **environment):
    """Start the command; what it prints is read by the caller."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*START, *words], env=variables, cwd=ROOT, **pipes)


def url_of(process):
    """Return the address that the command prints once it is ready."""
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)["url"]


def end(process, seconds=30):
    """Wait for the end; return exit code and what was said on stderr."""
    try:
        _, said = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, said


@contextmanager
def running(*words, **environment):
    """Run the command; yields its process and its address."""
    process = start(*words, **environment)
    try:
        yield process, url_of(process)
    finally:
        process.kill()
        process.communicate()
