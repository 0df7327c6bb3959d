"""Fitting the small networks of :mod:`policies.network`, in torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from policies.network_scores import Shape

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Tensors = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Training:
    """How a member is trained.

    Attributes:
        learning_rate: of AdamW.
        weight_decay: of AdamW, on matrices alone.
        dropout: share of units left out of each step, in [0, 1).
        batch_size: samples a step.
        max_epochs: most passes over the samples.
        patience: passes without a better held-out loss before it stops.
        is_logit: whether outputs are logits, so that the loss is cross-entropy; else squares.
        rising: whether outputs are steps up.
    """

    learning_rate: float
    weight_decay: float
    dropout: float
    batch_size: int
    max_epochs: int
    patience: int
    is_logit: bool
    rising: bool


@dataclass(frozen=True, slots=True)
class Samples:
    """What a member is trained on.

    Attributes:
        image: standardized columns that are modulated, float32 [n, di].
        question: standardized columns that modulate, float32 [n, dq].
        start: output for the mean sample, float32 [k].
        targets: float32 [n, k]: scores in [0, 1], or what squares compare with outputs.
    """

    image: "Tensor"
    question: "Tensor"
    start: "Tensor"
    targets: "Tensor"

    def taken(self, rows: "Tensor") -> "Samples":
        """Return some of the samples."""
        return Samples(self.image[rows], self.question[rows], self.start, self.targets[rows])


def train_member(
    shapes: dict[str, Shape],
    samples: Samples,
    held_out: NDArray[np.bool_],
    training: Training,
    seed: int,
) -> dict[str, NDArray[np.float32]]:
    """Return the weights of one network, [1, ...] each, as they were at the best held-out loss.

    Without held-out samples the last weights count. The same seed gives the same weights, and the
    caller's random state and number of threads are left as they were.
    """
    import torch

    with _alone(seed):
        weights = _drawn(shapes)
        rows = torch.from_numpy(np.flatnonzero(~held_out))
        watched = samples.taken(torch.from_numpy(np.flatnonzero(held_out)))
        optimizer = _optimizer(weights, training)
        best, best_loss, waited = _copy(weights), float("inf"), 0
        for _ in range(training.max_epochs):
            for part in rows[torch.randperm(len(rows))].split(training.batch_size):
                optimizer.zero_grad()
                _loss(weights, samples.taken(part), training, training.dropout).backward()
                optimizer.step()
            with torch.no_grad():
                loss = float(_loss(weights, watched, training, 0.0)) if held_out.any() else -np.inf
            waited = 0 if loss < best_loss or not held_out.any() else waited + 1
            if not waited:
                best, best_loss = _copy(weights), loss
            if waited > training.patience:
                break
    return {name: weight.numpy() for name, weight in best.items()}


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """One thread and a random state of one's own."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def _drawn(shapes: dict[str, Shape]) -> "Tensors":
    """Return first weights: biases 0, modulation and outputs near none, the others by fan-in."""
    import torch

    weights = {}
    for name, shape in shapes.items():
        gain = 0.1 if name.startswith(("film", "out")) else 2**0.5
        size = 0.0 if name.endswith("bias") else gain / max(1, shape[1]) ** 0.5
        weights[name] = (size * torch.randn(shape)).requires_grad_()
    return weights


def _optimizer(weights: "Tensors", training: Training) -> "torch.optim.Optimizer":
    import torch

    matrices = [weight for name, weight in weights.items() if name.endswith("weight")]
    biases = [weight for name, weight in weights.items() if name.endswith("bias")]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate)


def _loss(weights: "Tensors", samples: Samples, training: Training, dropout: float) -> "Tensor":
    import torch.nn.functional as F

    outputs = network_outputs(weights, samples, rising=training.rising, dropout=dropout)[0]
    if training.is_logit:
        return F.binary_cross_entropy_with_logits(samples.start + outputs, samples.targets)
    return F.mse_loss(outputs, samples.targets)


def network_outputs(
    weights: "Tensors", samples: Samples, *, rising: bool, dropout: float = 0.0
) -> "Tensor":
    """Return what every member says, shape [members, n, k]; numpy's twin is `NetworkPredictor`."""
    import torch
    import torch.nn.functional as F

    def layer(table: "Tensor", name: str) -> "Tensor":
        return F.relu(table @ weights[f"{name}_weight"] + weights[f"{name}_bias"])

    units = layer(samples.image, "image")
    if "film_weight" in weights:
        asked = layer(samples.question, "question")
        scale, shift = (asked @ weights["film_weight"] + weights["film_bias"]).chunk(2, dim=-1)
        units = torch.cat([units * (1.0 + scale) + shift, asked], dim=-1)
    hidden = layer(F.dropout(units, dropout), "hidden")
    outputs = F.dropout(hidden, dropout) @ weights["out_weight"] + weights["out_bias"]
    if not rising:
        return outputs
    return torch.cat([outputs[..., :1], F.softplus(outputs[..., 1:])], dim=-1).cumsum(dim=-1)


def _copy(weights: "Tensors") -> "Tensors":
    return {name: weight.detach().clone() for name, weight in weights.items()}
