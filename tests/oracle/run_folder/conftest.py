import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def start():
    """Starts one of the scripts beside the toys as a process of its own, with pipes."""

    def start(script, *words, **more):
        env = {**os.environ, "PYTHONPATH": f"{HERE.parents[1]}{os.pathsep}{HERE}"}
        command = [sys.executable, str(HERE / script), *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=env, **pipes, **more)

    return start


@pytest.fixture
def sick(toys):
    """A toy that fails as it is told: maps (red values of a batch) to an exception or None."""

    class Sick(toys.ReaderVLM):
        def __init__(self, trouble):
            super().__init__()
            self.trouble, self.tried = trouble, []

        def encode(self, images):
            seen = super().encode(images)
            self.tried.append(seen)
            if (error := self.trouble(seen)) is not None:
                raise error
            return seen

    return Sick
