"""The workers of a cluster: started, checked, and replaced when they die."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from budget.errors import BudgetError
from oracle.engines.backlog import Block
from oracle.engines.ray_cluster import Needs
from oracle.engines.ray_worker import Found, RemoteModel, Source, Worker
from oracle.run_folder.identity import code_version

_DEATHS_WHILE_OPENING = 3  # in a row and for each worker, before it is more than bad luck
_PATIENCE = 120.0  # seconds without a worker, until the user is told
_LONGEST = 200  # characters of what Ray says


class Begun(NamedTuple):
    """A block that a worker has been given.

    Attributes:
        ref: Ray's reference to what will come of it.
        block: the block.
    """

    ref: Any
    block: Block


class Hand:
    """One worker.

    Attributes:
        actor: Ray's handle.
        begun: blocks that it has been given, the one at work first.
        host: its machine, once it is known.
        trusted: whether its data were compared with ours.
    """

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.begun: deque[Begun] = deque()
        self.host = "a machine that had not said its name"
        self.trusted = False


class Crew:
    """Workers that hold the same model.

    Args:
        ray: the module.
        source: how the model comes about.
        size: workers to have; those that die are replaced.
        needs: what each takes of the cluster.
        notify: called with one line when a worker died, or none has been there for a while.

    Attributes:
        hands: workers that are ready.
    """

    def __init__(
        self, ray: Any, source: Source, size: int, needs: Needs, notify: Callable[[str], object]
    ) -> None:
        self.hands: list[Hand] = []
        self._ray, self._source, self._notify = ray, source, notify
        self._size = size
        self._actor = ray.remote(
            num_cpus=needs.cpus, num_gpus=needs.gpus, scheduling_strategy="SPREAD"
        )(Worker)
        self._opening: dict[Any, Hand] = {}
        self._deaths = 0
        self._seen = time.monotonic()
        for _ in range(size):
            self._hire()
        self._expected = (code_version(), source.weights())
        self._model: RemoteModel | None = None

    @property
    def model(self) -> RemoteModel:
        """What the first worker said of its model; waits for it."""
        while self._model is None:
            self.wait()
        return self._model

    @property
    def busy(self) -> bool:
        """Whether a worker has a block."""
        return any(hand.begun for hand in self.hands)

    def wait(self, seconds: float = 1.0) -> list[tuple[Hand, Begun]]:
        """Wait a little for something to happen; return blocks that are finished, or lost.

        Raises:
            BudgetError: if a worker has another model or code, or none can be started.
        """
        at_work = {hand.begun[0].ref: hand for hand in self.hands if hand.begun}
        refs = [*at_work, *self._opening]
        ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0) if refs else ([], [])
        if not ready and refs:
            ready, _ = self._ray.wait(refs, num_returns=1, timeout=seconds)
        for ref in ready:
            if ref in self._opening:
                self._opened(ref)
        self._complain_if_alone()
        return [(at_work[ref], at_work[ref].begun[0]) for ref in ready if ref in at_work]

    def lose(self, hand: Hand, problem: Exception) -> None:
        """Note that a worker died, and start another one."""
        self._notify(f"a worker on {hand.host} died, another is started: {_front(problem)}")
        self.hands = [each for each in self.hands if each is not hand]
        self._end(hand)
        self._hire()

    def close(self) -> None:
        """End all workers."""
        for hand in (*self.hands, *self._opening.values()):
            self._end(hand)
        self.hands, self._opening = [], {}

    def _hire(self) -> None:
        hand = Hand(self._actor.remote())
        self._opening[hand.actor.open.remote(self._source)] = hand

    def _end(self, hand: Hand) -> None:
        self._ray.kill(hand.actor)

    def _opened(self, ref: Any) -> None:
        hand = self._opening.pop(ref)
        try:
            found = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as problem:
            raise problem.cause from None
        except self._ray.exceptions.RayError as problem:
            self._deaths += 1
            if self._deaths >= _DEATHS_WHILE_OPENING * self._size:
                raise BudgetError(
                    f"workers die before they are ready, {self._deaths} in a row: {_short(problem)}"
                ) from problem
            self.lose(hand, problem)
            return
        self._check(found)
        self._deaths, hand.host = 0, found.host
        self.hands.append(hand)

    def _check(self, found: Found) -> None:
        self._model = self._model or found.model
        pairs = {
            "code": (found.version, self._expected[0]),
            "weights": (found.weights, self._expected[1]),
            "model": (found.model, self._model),
        }
        for name, (theirs, ours) in pairs.items():
            if theirs != ours:
                raise BudgetError(
                    f"a worker on {found.host} has another {name} than this process or other "
                    f"workers: {theirs} instead of {ours}"
                )

    def _complain_if_alone(self) -> None:
        now = time.monotonic()
        if self.hands:
            self._seen = now
        elif now - self._seen > _PATIENCE:
            self._seen = now
            self._notify(
                "no worker is ready: the model is being loaded, or the cluster has no room"
            )


def _front(problem: Exception) -> str:
    """Return what happened, without the ids and hints that Ray adds below."""
    return str(problem).strip().partition("\n")[0]


def _short(problem: Exception) -> str:
    said = " ".join(str(problem).split())
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
