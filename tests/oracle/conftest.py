import importlib.util
import sys
from pathlib import Path

import pytest

TOYS = Path(__file__).with_name("toys.py")


@pytest.fixture(scope="session")
def toys():
    """The module of toys beside this file; a subprocess can run the same file."""
    spec = importlib.util.spec_from_file_location("oracle_toys", TOYS)
    module = importlib.util.module_from_spec(spec)
    sys.modules["oracle_toys"] = module
    spec.loader.exec_module(module)
    return module
