"""A run on a Ray cluster: workers measure, this process alone writes.

    with ray_engine(load, find, device="cuda", notify=print) as engine:
        sweep_to("runs/fit", engine.model, dataset, begin=engine.begin)

Every worker is a plain actor that holds the model and is handed one block of rows after another;
what it measured comes back here, where the parts are written as in a run without Ray. So a worker
that dies costs the block it was at, and a run that one engine began the other can finish. The
dataset travels as it is pickled: files must be there under the same path on every machine.

Why not Ray Data, which was tried (2.60.0): it repeats a task whose actor died without end, so a
sample that kills its process never lets the run end; what is finished and not yet fetched when a
run is stopped is lost; and forty blocks of 0.1 seconds took two workers 32 seconds on two cores,
where plain actors took 7. What it is good at, shuffles and stages that wait for each other, has no
use where there is one stage.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from budget.errors import BudgetError
from oracle.engines.backlog import MOST_DEATHS, Backlog
from oracle.engines.crew import Begun, Crew, Hand
from oracle.engines.ray_cluster import Needs, connected, crew_size
from oracle.engines.ray_worker import Source
from oracle.measure import Measured
from oracle.run_folder.blocks import Block
from oracle.run_folder.engine import Engine, MakeIsolator, Notify
from oracle.run_folder.isolate import Outcome
from oracle.run_folder.parts import Failure
from oracle.samples import Samples

_AHEAD = 2  # blocks that a worker has, so that it need not wait for this process


@contextmanager
def ray_engine(
    load: Callable[[], Any],
    find: Callable[[], Path | None],
    *,
    device: str,
    workers: int | None = None,
    gpus_per_worker: float = 1.0,
    address: str | None = None,
    notify: Notify = lambda line: None,
) -> Iterator["RayEngine"]:
    """Start workers on a cluster, and end them.

    Args:
        load: returns the model; runs in every worker.
        find: returns the folder of the model's files, or None; their hashes must agree.
        device: that ``load`` loads to; on ``cuda`` a worker takes accelerators.
        workers: how many; as many as the cluster has room for by default.
        gpus_per_worker: accelerators of each; a fraction where several share one.
        address: see ``connected``.
        notify: called with one line when a worker died.

    Raises:
        BudgetError: if Ray is not installed, or there is no cluster or no room in it.
    """
    needs = Needs(cpus=1.0, gpus=gpus_per_worker if device.startswith("cuda") else 0.0)
    with connected(address) as ray:
        size = crew_size(ray, workers, needs, notify)
        crew = Crew(ray, Source(load, find), size, needs, notify)
        try:
            yield RayEngine(ray, crew)
        finally:
            crew.close()


class RayEngine:
    """Measures wherever a crew has workers.

    Args:
        ray: the module.
        crew: the workers.
    """

    def __init__(self, ray: Any, crew: Crew) -> None:
        self._ray, self._crew = ray, crew

    @property
    def model(self) -> Any:
        """What ``sweep_to`` takes as its model, a ``RemoteModel``; waits until one is loaded."""
        return self._crew.model

    def begin(self, model: Any, dataset: Any, isolate: MakeIsolator, notify: Notify) -> Engine:
        """Return the engine of one run; see ``Begin``."""
        return _RayRun(self._ray, self._crew, Samples(dataset), isolate, notify)


class _RayRun:
    """One run: blocks out, outcomes in."""

    def __init__(
        self, ray: Any, crew: Crew, samples: Samples, isolate: MakeIsolator, notify: Notify
    ) -> None:
        self._ray, self._crew, self._samples, self._notify = ray, crew, samples, notify
        self._recipe = [ray.put((samples, isolate))]
        self._backlog = Backlog(iter(()))

    def outcomes(self, blocks: Iterable[Block]) -> Iterator[list[Outcome]]:
        """Yield what came of blocks as they finish; nothing, at least once in a second."""
        self._backlog = Backlog(block.rows for block in blocks)
        while self._hand_out() or self._crew.busy:
            yield from self._finished()

    def rest(self) -> Iterator[list[Outcome]]:
        """Yield what came of the blocks that are at work, and take back the others."""
        for hand in self._crew.hands:
            while len(hand.begun) > 1:
                self._ray.cancel(hand.begun.pop().ref)
        while self._crew.busy:
            yield from self._finished()

    def _hand_out(self) -> bool:
        """Give work to whoever has too little; return whether there is more."""
        for enough in range(1, _AHEAD + 1):
            for hand in self._crew.hands:
                if len(hand.begun) >= enough or any(each.block.deaths for each in hand.begun):
                    continue
                if (block := self._backlog.take(alone=not hand.begun)) is not None:
                    ref = hand.actor.run.remote(self._recipe, block.rows)
                    hand.begun.append(Begun(ref, block))
        return bool(self._backlog)

    def _finished(self) -> Iterator[list[Outcome]]:
        for hand, begun in self._crew.wait():
            yield self._result(hand, begun)
        yield []  # whoever asks may want to stop while nothing comes

    def _result(self, hand: Hand, begun: Begun) -> list[Outcome]:
        try:
            outcomes, said = self._ray.get(begun.ref)
        except self._ray.exceptions.RayTaskError as problem:
            raise problem.cause from None
        except self._ray.exceptions.RayError as problem:
            return self._lost(hand, problem)
        hand.begun.popleft()
        for line in said:
            self._notify(f"{line} (on {hand.host})")
        self._check_data(hand, outcomes[0])
        return list(outcomes)

    def _lost(self, hand: Hand, problem: Exception) -> list[Outcome]:
        """Have a worker's blocks run again, any of which it may have died of."""
        self._crew.lose(hand, problem)
        error = f"WorkerDied: {MOST_DEATHS} workers died while they ran this sample"
        blocks = [each.block for each in reversed(hand.begun)]
        given_up = [row for block in blocks for row in self._backlog.blame(block)]
        return [Failure(row, self._samples.sample_id(row), error) for row in given_up]

    def _check_data(self, hand: Hand, outcome: Outcome) -> None:
        """Compare the first id that comes from a worker with ours."""
        if hand.trusted:
            return
        who = outcome.sample if isinstance(outcome, Measured) else outcome
        if who.sample_id != (ours := self._samples.sample_id(who.row)):
            raise BudgetError(
                f"{hand.host} has other data under the same path: row {who.row} is "
                f"{who.sample_id!r} there and {ours!r} here"
            )
        hand.trusted = True
