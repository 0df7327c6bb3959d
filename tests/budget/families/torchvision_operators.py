"""A pytest plugin: torchvision becomes importable beside a build of torch for other hardware.

Its wheel for CUDA declares two operators in a library that a CPU build of torch cannot load, and
then fails to import for want of them. Image processors use neither, so it is enough that they are
declared. Nothing is touched where torchvision can be imported, or fails for another reason.

    PYTHONPATH=.venv/vision:tests/budget pytest -p families.torchvision_operators ...
"""

import sys

import torch

_MISSING = "operator torchvision::nms does not exist"
# What is declared stays so for as long as this object lives.
_LIBRARIES: list[torch.library.Library] = []


def declare_operators() -> bool:
    """Declare what torchvision lacks, if anything; return whether it was done."""
    try:
        import torchvision
    except RuntimeError as error:
        if _MISSING not in str(error):
            raise
    except ImportError:
        return False
    else:
        return False
    # Parts that were imported before it failed would not register themselves again.
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _LIBRARIES.append(library)
    import torchvision  # noqa: F401

    return True


# A plugin named on the command line is imported before any test, and before transformers.
declare_operators()
