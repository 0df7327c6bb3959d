"""Telling that a batch did not fit from that it was wrong."""

import gc
import sys
from collections.abc import Iterator

# PyTorch has a class of its own for CUDA alone; what other allocators and cuBLAS say is a
# RuntimeError that only its text tells from other errors.
_SAYINGS = (
    "not enough memory: you tried to allocate",
    "DefaultCPUAllocator",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error``, or what it was raised from, says that memory ran out.

    Example:
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError("out of memory"))
        (True, False)
    """
    return any(_says_so(each) for each in _causes(error))


def release_memory() -> None:
    """Give back what a failed batch held, so that a smaller one has room."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _says_so(error: BaseException) -> bool:
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (
        torch is not None and isinstance(error, torch.cuda.OutOfMemoryError)
    ):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _SAYINGS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
