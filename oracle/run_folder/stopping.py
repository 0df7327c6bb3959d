"""Ctrl-C and SIGTERM as a wish that is granted at the next good moment."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAID = b"\nstopping after this batch; once more to stop at once\n"


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Note the first SIGINT or SIGTERM instead of dying of it; the second acts as ever.

    A signal that is ignored stays ignored, as under ``nohup``. Outside the main thread, where
    signals do not arrive, nothing is changed.

    Yields:
        A function that says whether a signal came.
    """
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    found = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: was for number, was in found.items() if was is not signal.SIG_IGN}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        came.set()
        restore()
        os.write(2, _SAID)  # print may not be called again while it is at work

    for number in before:
        signal.signal(number, note)
    try:
        yield came.is_set
    finally:
        restore()
