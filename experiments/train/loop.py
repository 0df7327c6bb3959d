"""The training loop: stages in order, seeded by step, checkpointed, resumed after a kill."""

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import torch

from experiments.train.checkpoint import Progress, load_moments, load_state, save_state
from experiments.train.examples import Pair, TrainingSet
from experiments.train.stages import Learner, Stage, make_batch

Report = Callable[[str, int, int, dict[str, float]], None]


def train(
    learner: Learner,
    stages: Sequence[Stage],
    data: TrainingSet,
    pairs: list[list[Pair]],
    drills: list[list[Pair]] | None,
    answers: np.ndarray | None,
    before: torch.Tensor,
    pad: int,
    *,
    folder: Path,
    seed: int,
    report: Report,
    save_every_seconds: float = 120.0,
    first_stage: int = 0,
) -> None:
    """Run what is left of the stages.

    Every step draws from a generator seeded by (seed, stage, step), so a resumed run takes the
    same steps as one that was never stopped.

    Args:
        learner: the model and its training heads.
        stages: in order.
        data: pictures and labels.
        pairs: tokenised questions of every picture.
        drills: tokenised questions for the language model's first steps, or None.
        answers: whole-image answers, shape [n, classes], or None.
        before: ids before the image.
        pad: the padding id.
        folder: where state and log are kept.
        seed: of the order of pictures and of all draws.
        report: called after every step with stage, step, steps and what was logged.
        save_every_seconds: seconds between checkpoints.
        first_stage: stages before this one are skipped in a fresh run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state"
    progress = load_state(state, learner) or Progress(first_stage, 0)
    with (folder / "log.jsonl").open("a") as log:
        for index in range(progress.stage, len(stages)):
            done = progress.step if index == progress.stage else 0
            stage = stages[index]
            optimizer = _optimizer(learner, stage)
            if done:
                load_moments(state, optimizer)
            saved = time.monotonic()
            for step in range(done, stage.steps):
                _set_rates(optimizer, stage, step)
                rng = np.random.default_rng([seed, index, step])
                picked = _pick(len(data.pixels), stage.batch, step, (seed, index))
                batch = make_batch(data, pairs, drills, answers, picked, before, pad)
                optimizer.zero_grad(set_to_none=True)
                logged = stage.objective(learner, batch, rng)
                torch.nn.utils.clip_grad_norm_(_trained(optimizer), 1.0)
                optimizer.step()
                report(stage.name, step + 1, stage.steps, logged)
                _write(log, stage.name, step + 1, logged)
                if time.monotonic() - saved > save_every_seconds:
                    save_state(state, learner, optimizer, Progress(index, step + 1))
                    saved = time.monotonic()
            save_state(state, learner, None, Progress(index + 1, 0))
            save_state(folder / f"after-{stage.name}", learner, None, Progress(index + 1, 0))


def _write(log: TextIO, stage: str, step: int, logged: dict[str, float]) -> None:
    log.write(json.dumps({"stage": stage, "step": step, "time": time.time(), **logged}) + "\n")
    if step % 20 == 0:
        log.flush()


def _pick(count: int, batch: int, step: int, seed: tuple[int, int]) -> np.ndarray:
    """Return the pictures of one step: consecutive pieces of one permutation an epoch."""
    each = max(1, count // batch)
    epoch, piece = divmod(step, each)
    order = np.random.default_rng([*seed, 7, epoch]).permutation(count)
    return order[piece * batch : (piece + 1) * batch]


def _optimizer(learner: Learner, stage: Stage) -> torch.optim.AdamW:
    """Return AdamW over the stage's parameters; all others are frozen."""
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in learner.named_parameters():
        rate = next((r for prefix, r in stage.rates.items() if name.startswith(prefix)), 0.0)
        parameter.requires_grad_(rate > 0)
        if rate:
            groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    if not groups:
        raise ValueError(
            f"stage {stage.name} trains nothing: no parameter begins with {list(stage.rates)}"
        )
    return torch.optim.AdamW(
        [
            {"params": parameters, "peak": rate, "weight_decay": 0.05 if matrix else 0.0}
            for (rate, matrix), parameters in groups.items()
        ],
        betas=(0.9, 0.98),
        fused=True,
    )


def _set_rates(optimizer: torch.optim.Optimizer, stage: Stage, step: int) -> None:
    warm = min(1.0, (step + 1) / max(1, stage.warmup))
    horizon = stage.horizon or stage.steps
    along = max(0.0, (step - stage.warmup) / max(1, horizon - stage.warmup))
    factor = warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, along))))
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor


def _trained(optimizer: torch.optim.Optimizer) -> list[torch.nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
