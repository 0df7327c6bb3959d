"""Tests that need torchvision run where it can be imported, as under `make test-vision`."""

import pytest

from budget.families.processors import has_torchvision

needs_torchvision = pytest.mark.skipif(
    not has_torchvision(),
    reason="reading this family's images needs torchvision, which `make test-vision` fetches",
)
