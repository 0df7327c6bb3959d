"""Which engine a command line asks for."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

from budget.errors import BudgetError
from budget.remote.address import is_remote
from oracle.run_folder.engine import Begin, here

ENGINES = ("local", "ray")


class EngineChoice(NamedTuple):
    """An engine and what only some engines ask.

    Attributes:
        name: of ``ENGINES``.
        workers: on Ray; None for as many as there is room for.
        gpus_per_worker: on Ray.
        ray_address: of a cluster; None to start Ray here.
    """

    name: str
    workers: int | None = None
    gpus_per_worker: float = 1.0
    ray_address: str | None = None


@contextmanager
def opened(
    choice: EngineChoice,
    model: str,
    device: str,
    notify: Callable[[str], object],
    ladder: Sequence[int] | None = None,
) -> Iterator[tuple[Any, Begin]]:
    """Load a model wherever the engine runs it.

    Args:
        choice: of an engine.
        model: path or name, for ``load_model``.
        device: of the model.
        notify: called with one line when a worker died.
        ladder: scales to run at; None for the model's own.

    Yields:
        What ``sweep_to`` takes as ``model`` and as ``begin``.

    Raises:
        BudgetError: if the engine is not known, is the local one with settings of Ray's, is Ray
            with a served model, or as ``ray_engine``.
    """
    _check(choice)
    from budget.models import load_model, model_files

    load = partial(load_model, model, device=device, ladder=ladder)
    if choice.name == "local":
        with ExitStack() as stack:
            vlm = load()
            stack.callback(getattr(vlm, "close", lambda: None))  # a served one has connections
            yield vlm, here
        return
    if is_remote(model):
        raise BudgetError("a served model is asked from this process; --engine ray has no use")
    from oracle.engines.ray_engine import ray_engine

    with ray_engine(
        load,
        partial(model_files, model),
        device=device,
        workers=choice.workers,
        gpus_per_worker=choice.gpus_per_worker,
        address=choice.ray_address,
        notify=notify,
    ) as engine:
        yield engine.model, engine.begin


def _check(choice: EngineChoice) -> None:
    if choice.name not in ENGINES:
        raise BudgetError(f"unknown engine {choice.name!r}; legal are {', '.join(ENGINES)}")
    if choice.name == "local" and choice != EngineChoice("local"):
        raise BudgetError("--workers, --gpus-per-worker and --ray-address need --engine ray")
