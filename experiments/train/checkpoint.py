"""Training state on disk: safetensors and JSON, replaced in one step."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from budget.errors import ModelError


class Progress(NamedTuple):
    """Where training stands.

    Attributes:
        stage: index of the stage that runs.
        step: steps of it that are done.
    """

    stage: int
    step: int


def save_state(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None, progress: Progress
) -> None:
    """Write weights, optimizer moments and progress; the last complete state stays until then."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, fresh / "model.safetensors")
    if optimizer is not None:
        save_file(_moments(optimizer), fresh / "optimizer.safetensors")
    (fresh / "progress.json").write_text(json.dumps(progress._asdict()))
    if folder.exists():
        os.replace(folder, old)
    os.replace(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)


def load_state(folder: Path, model: nn.Module) -> Progress | None:
    """Load the last complete state into ``model``; None if there is none.

    Raises:
        ModelError: if the state is of a model of another recipe or of other sizes.
    """
    old = folder.with_name(folder.name + ".old")
    if not folder.exists() and old.exists():
        os.replace(old, folder)
    if not folder.exists():
        return None
    kept = load_file(folder / "model.safetensors")
    if not fits(kept, model):
        raise ModelError(
            f"{folder} holds a run of another recipe or of other sizes; "
            "name another output folder, or remove this one"
        )
    model.load_state_dict(kept)
    return Progress(**json.loads((folder / "progress.json").read_text()))


def fits(weights: Mapping[str, torch.Tensor], model: nn.Module) -> bool:
    """Return whether ``weights`` have the names and shapes of the model's own."""
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    return {name: tensor.shape for name, tensor in weights.items()} == shapes


def load_moments(folder: Path, optimizer: torch.optim.Optimizer) -> bool:
    """Load the optimizer's moments; return False if none were saved."""
    path = folder / "optimizer.safetensors"
    if not path.exists():
        return False
    tensors = load_file(path)
    state = optimizer.state_dict()
    state["state"] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        state["state"].setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict(state)
    return True


def _moments(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{index}.{name}": torch.as_tensor(value).clone()
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }
