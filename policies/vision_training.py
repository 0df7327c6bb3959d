"""Training of the network behind tier post-vision."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from policies.hull import FloatArray
from policies.vision_inputs import VisionInputs
from policies.vision_scores import VisionPredictor, as_tensors

if TYPE_CHECKING:
    from policies.vision_network import VisionNetwork, VisionNetworkSize

_LOG = logging.getLogger(__name__)
Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Training:
    """How the network is trained.

    Attributes:
        epochs: times every sample is seen.
        batch_size: samples a step.
        learning_rate: at its highest, after a tenth of the steps; it ends near 0.
        weight_decay: of AdamW.
        held_out: share of the samples on which the loss is watched; none is trained on.
        seed: of the weights and the order.
        threads: of torch.
    """

    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    held_out: float = 0.05
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size, self.threads) < 1:
            raise ValueError(f"epochs, batch_size and threads must be at least 1, got {self}")
        if not (0 < self.learning_rate < 1 and self.weight_decay >= 0):
            raise ValueError(f"learning_rate must be in (0, 1), decay at least 0, got {self}")
        if not 0 <= self.held_out < 1:
            raise ValueError(f"held_out must be in [0, 1), got {self.held_out}")


def fit_vision_scores(
    inputs: VisionInputs,
    scores: FloatArray,
    *,
    pools: tuple[int, ...] = (),
    training: Training | None = None,
    progress: Progress = lambda done, total: None,
    **sizes: int | float,
) -> VisionPredictor:
    """Train a network on samples whose scores are known.

    Args:
        inputs: of n samples; their tokens stand in a square.
        scores: real score of every rung in [0, 1], shape [n, k].
        pools: sides that the ladder's scales pool the square to; see ``pooled_sides``.
        training: how; the default is what the shipped policy was trained with.
        progress: told how many steps of how many are done.
        sizes: other fields of ``VisionNetworkSize`` than the defaults.

    Raises:
        ValueError: if there is not one row of scores per sample, scores leave [0, 1], or the
            tokens do not stand in a square.
    """
    import torch

    from policies.vision_network import VisionNetwork

    training = training or Training()
    size = _size(inputs, scores, pools, sizes)
    torch.manual_seed(training.seed)
    before = torch.get_num_threads()
    torch.set_num_threads(training.threads)
    try:
        network = VisionNetwork(size)
        _train(network, inputs, scores, training, progress)
    finally:
        torch.set_num_threads(before)
    return VisionPredictor(network)


def pooled_sides(scales: "tuple[int, ...]", tokens: int) -> tuple[int, ...]:
    """Return the sides of the squares that a ladder pools a square of tokens to, if it does.

    Example:
        >>> pooled_sides((1, 4, 9, 36, 144), 144), pooled_sides((2, 4, 8), 144)
        ((1, 2, 3, 6), ())
    """
    side = int(tokens**0.5)
    sides = [int(m**0.5) for m in scales if m < tokens]
    exact = all(s * s == m and side % s == 0 for s, m in zip(sides, scales, strict=False))
    return tuple(sides) if exact and side * side == tokens else ()


def _size(
    inputs: VisionInputs, scores: FloatArray, pools: tuple[int, ...], sizes: dict[str, Any]
) -> "VisionNetworkSize":
    from policies.vision_network import VisionNetworkSize

    scores = np.asarray(scores)
    if scores.ndim != 2 or len(scores) != len(inputs) or not len(inputs):
        raise ValueError(f"{len(inputs)} samples need scores [n, k], got {scores.shape}")
    if not (scores.min() >= 0 and scores.max() <= 1):
        raise ValueError(f"scores must lie in [0, 1], got {scores.min()}..{scores.max()}")
    tokens, width = inputs.tokens.shape[1:]
    side = int(tokens**0.5)
    if side * side != tokens:
        raise ValueError(f"visual tokens must stand in a square, got {tokens} of them")
    merge = 2 if side % 2 == 0 else 1
    size = VisionNetworkSize(side, width, scores.shape[1], pools, merge=merge)
    return replace(size, **sizes)


def _train(
    network: "VisionNetwork",
    inputs: VisionInputs,
    scores: FloatArray,
    training: Training,
    progress: Progress,
) -> None:
    import torch
    import torch.nn.functional as F

    rng = np.random.default_rng(training.seed)
    order = rng.permutation(len(inputs))
    watched, seen = np.split(order, [int(len(order) * training.held_out)])
    steps = training.epochs * max(1, len(seen) // training.batch_size)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, training.learning_rate, total_steps=steps + 1, pct_start=0.1
    )
    targets = torch.from_numpy(np.asarray(scores, dtype=np.float32))
    network.train()
    for done, rows in enumerate(_steps(seen, training, rng), start=1):
        optimiser.zero_grad()
        logits = network(*as_tensors(inputs.rows(rows)))
        F.binary_cross_entropy_with_logits(logits, targets[rows]).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        progress(done, steps)
        if done % (steps // training.epochs) == 0 and len(watched):
            _watch(network, inputs.rows(watched), scores[watched], done)


def _steps(
    seen: NDArray[np.int64], training: Training, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of every step; what does not fill a batch waits for the next epoch."""
    per_epoch = max(1, len(seen) // training.batch_size)
    size = min(training.batch_size, len(seen))
    for _ in range(training.epochs):
        yield from np.array_split(rng.permutation(seen)[: size * per_epoch], per_epoch)


def _watch(network: "VisionNetwork", inputs: VisionInputs, scores: FloatArray, steps: int) -> None:
    expected = VisionPredictor(network).predict(inputs).clip(1e-7, 1 - 1e-7)
    network.requires_grad_(True).train()
    loss = -(scores * np.log(expected) + (1 - scores) * np.log(1 - expected)).mean()
    _LOG.info("after %d steps: log loss %.4f on %d samples", steps, loss, len(inputs))
