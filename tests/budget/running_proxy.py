"""The command ``budget proxy`` as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


@contextmanager
def running_proxy(*arguments: str, **more: str) -> Iterator[dict[str, Any]]:
    """Run ``budget proxy`` on a free port and give what it says once it is ready."""
    command = [sys.executable, "-m", "experiments.cli", "proxy", "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(**more)
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"the proxy ended with code {process.wait(30)}"
            yield {**json.loads(line), "process": process}
        finally:
            process.terminate()
            process.wait(30)
