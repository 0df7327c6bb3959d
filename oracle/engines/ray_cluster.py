"""The cluster that a run is spread over: one that is there, or this machine as one of one node."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from budget.errors import BudgetError

_PATIENCE = 10.0  # seconds; Ray itself goes on asking a head that is not there for minutes


class Needs(NamedTuple):
    """What one worker takes of a cluster.

    Attributes:
        cpus: processors.
        gpus: accelerators; a fraction where several workers share one.
    """

    cpus: float
    gpus: float


def import_ray() -> Any:
    """Return the module ``ray``.

    Raises:
        BudgetError: if it is not installed; says how to install it.
    """
    try:
        import ray
    except ImportError as problem:
        raise BudgetError(
            f"the engine ray needs the package ray ({problem}); "
            "pip install 'matryoshka-budget[ray]'"
        ) from problem
    return ray


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Connect to a cluster and leave it again; a process that is connected stays so.

    Args:
        address: ``host:port`` of a cluster's head, ``auto`` for the one on this machine; None
            starts one that ends with this process.

    Yields:
        The module ``ray``.

    Raises:
        BudgetError: if Ray is not installed or there is no such cluster.
    """
    ray = import_ray()
    if ray.is_initialized():
        yield ray
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    calm = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address is None:
            ray.init(address="local", include_dashboard=False, **calm)
        else:
            _ask(address)
            ray.init(address=address, **calm)
    except (OSError, ValueError, RuntimeError) as problem:
        raise BudgetError(f"no Ray cluster at {address or 'local'}: {problem}") from problem
    try:
        yield ray
    finally:
        ray.shutdown()


def crew_size(ray: Any, workers: int | None, needs: Needs, notify: Callable[[str], object]) -> int:
    """Return how many workers to start: as asked, or as many as the cluster has room for.

    Raises:
        BudgetError: if the cluster has room for none.
    """
    there = ray.cluster_resources()
    cpus, gpus = there.get("CPU", 0.0), there.get("GPU", 0.0)
    room = int(cpus / needs.cpus)
    if needs.gpus:
        room = min(room, int(gpus / needs.gpus))
    if not room:
        raise BudgetError(
            f"the cluster has {cpus:g} CPUs and {gpus:g} GPUs, and one worker needs {needs.cpus:g} "
            f"and {needs.gpus:g}; --gpus-per-worker and --device say what it needs"
        )
    if workers is not None and workers > room:
        notify(
            f"the cluster has room for {room} of {workers} workers; the others start when it has"
        )
    return workers or room


def _ask(address: str) -> None:
    """Refuse an address where nobody answers.

    Raises:
        OSError: says why.
        ValueError: if it is no address.
    """
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
