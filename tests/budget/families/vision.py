"""Tests that need torchvision run where it can be imported, as under `make test-vision`."""

import subprocess
import sys

import pytest

from budget.families.processors import has_torchvision

_SKIPPED = pytest.mark.skipif(
    not has_torchvision(),
    reason="reading this family's images needs torchvision, which `make test-vision` fetches",
)


def needs_torchvision(test):
    """Mark a test that is skipped without torchvision, and run by itself where that was fetched."""
    return pytest.mark.torchvision(_SKIPPED(test))


def without_torchvision(program, *words):
    """Run a program in an interpreter that has no torchvision, and return what it printed."""
    hidden = f"import sys; sys.modules['torchvision'] = None\n{program}"
    done = subprocess.run(
        [sys.executable, "-c", hidden, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
