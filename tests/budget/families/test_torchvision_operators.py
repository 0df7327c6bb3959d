"""torchvision under the tests, here and beside a build of torch that it was not made for."""

import sys

import pytest
from families.torchvision_operators import declare_operators
from families.vision import needs_torchvision


def ours():
    return {name: module for name, module in sys.modules.items() if name.startswith("torchvision")}


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """The file of a package of torchvision's name, which is found first."""
    kept = ours()
    for name in kept:
        del sys.modules[name]
    package = tmp_path / "torchvision"
    package.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    yield package / "__init__.py"
    for name in ours():
        del sys.modules[name]
    sys.modules.update(kept)


def test_a_torchvision_that_imports_is_left_alone(stand_in):
    stand_in.write_text("answer = 'untouched'\n")
    assert declare_operators() is False
    assert sys.modules["torchvision"].answer == "untouched"


def test_one_that_fails_for_another_reason_still_fails(stand_in):
    stand_in.write_text("raise RuntimeError('built for another planet')\n")
    with pytest.raises(RuntimeError, match="built for another planet"):
        declare_operators()


def test_where_there_is_none_nothing_is_declared(stand_in, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)  # an import of it is an ImportError
    assert declare_operators() is False


@needs_torchvision
def test_nothing_is_declared_twice_and_transforms_work():
    import torch
    from torchvision.transforms.v2 import functional

    assert declare_operators() is False
    assert functional.resize(torch.zeros(3, 8, 8), [4, 4]).shape == (3, 4, 4)
