"""Tests that need torchvision run where it can be imported, as under `make test-vision`."""

import pytest

from budget.families.processors import has_torchvision

_SKIPPED = pytest.mark.skipif(
    not has_torchvision(),
    reason="reading this family's images needs torchvision, which `make test-vision` fetches",
)


def needs_torchvision(test):
    """Mark a test that is skipped without torchvision, and run by itself where that was fetched."""
    return pytest.mark.torchvision(_SKIPPED(test))
