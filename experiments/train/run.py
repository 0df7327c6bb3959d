"""Run a recipe from data to a folder that ``budget.load_model`` reads."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from budget.errors import DataError, ModelError
from experiments.train.build import Shape
from experiments.train.checkpoint import fits
from experiments.train.examples import TrainingSet
from experiments.train.loop import Report
from experiments.train.recipes import Steps

RECIPES = ("m3", "mqt")
# Answers of a whole picture that the first stage learns where the data has no patch labels.
MAX_ANSWER_CLASSES = 256
FIRST_STAGES = Path("training", "after-answers", "model.safetensors")


class Trained(NamedTuple):
    """What a run leaves behind.

    Attributes:
        folder: the model.
        parameters: number of parameters.
        pictures: pictures trained on.
        questions: questions trained on.
    """

    folder: Path
    parameters: int
    pictures: int
    questions: int


def run_recipe(
    recipe: str,
    data: TrainingSet,
    out: Path,
    *,
    shape: Shape,
    steps: Steps,
    questions: int,
    seed: int,
    report: Report,
    init: Path | None = None,
    weights: Path | str | None = None,
    first_stage: str | None = None,
    save_every_seconds: float = 120.0,
) -> Trained:
    """Train a model, or go on where a killed run stopped.

    Args:
        recipe: ``m3`` or ``mqt``.
        data: what to train on.
        out: folder for the model; state and log go to ``out/training``.
        shape: sizes of the model.
        steps: optimizer steps of every stage.
        questions: questions packed behind one picture.
        seed: of all randomness.
        report: called after every step.
        init: output folder of an earlier run on the same data whose stages up to *answers* (vision
            tower and language model) are taken over, as MQT takes over CLIP and Vicuna.
        weights: a finished model of the same recipe to go on from, e.g. the shipped one.
        first_stage: name of the stage to begin with; by default the first, or behind those of
            ``init``.
        save_every_seconds: seconds between checkpoints.

    Raises:
        DataError: if there is less data than one batch.
        ModelError: if the recipe or the stage is unknown, ``init`` has no such stages, or
            ``weights`` has other sizes.
    """
    import torch
    from safetensors.torch import load_file

    from budget.prompt import Prompt
    from experiments.train.build import build_m3, build_mqt, save_model
    from experiments.train.examples import tokenise, word_tables
    from experiments.train.loop import train
    from experiments.train.recipes import m3_stages, mqt_stages

    if recipe not in RECIPES:
        raise ModelError(f"no recipe {recipe!r}; there are {', '.join(RECIPES)}")
    if init is not None and not (init / FIRST_STAGES).exists():
        raise ModelError(f"{init} holds no finished first stages ({FIRST_STAGES} is missing)")
    training = out / "training"
    tokenizer = _tokenizer(training, data, shape, init, weights)
    answers, classes = _dense_targets(data, shape)
    tables = None
    if data.class_words is not None and data.patch_labels is not None:
        tables = word_tables(data.class_words, classes, tokenizer)
    tuned = init is not None
    if recipe == "m3":
        model = build_m3(shape, tokenizer, seed)
        stages = m3_stages(shape, steps, questions, tables)
        begin = "nested" if tuned else None
    else:
        model = build_mqt(shape, tokenizer, seed)
        stages = mqt_stages(shape, steps, questions, tables, tuned=tuned)
        begin = None
    smallest = max(stage.batch for stage in stages)
    if len(data.pixels) < smallest:
        raise DataError(f"training needs at least {smallest} pictures, got {len(data.pixels)}")
    learner = _learner(model, classes, shape, seed)
    if init is not None:
        _take_over(learner, load_file(init / FIRST_STAGES), recipe)
    if weights is not None:
        _go_on_from(model, weights)
    prompt = Prompt(tokenizer)
    train(
        learner,
        stages,
        data,
        tokenise(data.texts, prompt),
        None if data.drills is None else tokenise(data.drills, prompt),
        answers,
        torch.tensor(prompt.ids("?").before),
        tokenizer.pad_token_id,
        folder=training,
        seed=seed,
        report=report,
        save_every_seconds=save_every_seconds,
        first_stage=_first(stages, first_stage or begin),
    )
    # Half precision halves the file; the state to go on from keeps float32.
    save_model(model.half(), tokenizer, shape.image_size, str(out))
    return Trained(
        out,
        sum(parameter.numel() for parameter in model.parameters()),
        len(data.pixels),
        sum(len(texts) for texts in data.texts),
    )


def _first(stages: list[Any], name: str | None) -> int:
    names = [stage.name for stage in stages]
    if name is None:
        return 0
    if name not in names:
        raise ModelError(f"no stage {name!r}; this recipe has {', '.join(names)}")
    return names.index(name)


def _go_on_from(model: Any, weights: Path | str) -> None:
    """Copy the parameters of a finished model."""
    from budget.matryoshka import load_matryoshka

    source = load_matryoshka(weights, "budget train")
    theirs = source.model.state_dict()
    if not fits(theirs, model):
        raise ModelError(f"{weights} is of another recipe or has other sizes than this run")
    model.load_state_dict(theirs)


def _tokenizer(
    training: Path,
    data: TrainingSet,
    shape: Shape,
    init: Path | None,
    weights: Path | str | None,
) -> Any:
    """Return the tokenizer of this run: an earlier one's, or a new one, kept beside the state."""
    from transformers import AutoTokenizer

    from experiments.train.build import merge_texts, train_tokenizer

    kept = training / "tokenizer"
    if not kept.exists():
        if weights is not None:
            from budget.matryoshka import load_matryoshka

            tokenizer = load_matryoshka(weights, "budget train").tokenizer
        elif init is not None:
            tokenizer = AutoTokenizer.from_pretrained(init / "training" / "tokenizer")
        else:
            tokenizer = train_tokenizer(
                merge_texts(data.texts + (data.drills or [])), shape.vocabulary
            )
        tokenizer.save_pretrained(kept)
        (training / "shape.json").write_text(json.dumps(shape._asdict()))
    return AutoTokenizer.from_pretrained(kept)


def _dense_targets(data: TrainingSet, shape: Shape) -> tuple[np.ndarray | None, tuple[int, ...]]:
    """Return whole-image answers where there are no patch labels, and the classes to learn."""
    if data.patch_labels is not None:
        grid = data.patch_labels.shape[-2:]
        if grid != (shape.grid, shape.grid):
            raise DataError(f"patch_labels must be {shape.grid} x {shape.grid}, got {grid}")
        highest = data.patch_labels.max(axis=(0, 2, 3))
        return None, tuple(max(int(top), 0) + 1 for top in highest)
    words = [answer for texts in data.texts for _, answer in texts]
    names, counts = np.unique(words, return_counts=True)
    kept = names[np.argsort(-counts, kind="stable")][:MAX_ANSWER_CLASSES]
    column = {name: index for index, name in enumerate(kept)}
    answers = np.zeros((len(data.texts), len(kept)), np.float32)
    for row, texts in enumerate(data.texts):
        for _, answer in texts:
            if answer in column:
                answers[row, column[answer]] = 1
    return answers, (len(kept),)


def _learner(model: Any, classes: tuple[int, ...], shape: Shape, seed: int) -> Any:
    import torch

    from experiments.train.stages import Learner

    with torch.random.fork_rng():
        torch.manual_seed(seed + 1)
        return Learner(model, classes, shape.vision_width)


def _take_over(learner: Any, weights: dict[str, Any], recipe: str) -> None:
    """Load an earlier run's first stages; MQT keeps its own resampler."""
    if recipe == "mqt":
        weights = {k: v for k, v in weights.items() if "multi_modal_projector" not in k}
    missing, unexpected = learner.load_state_dict(weights, strict=False)
    missing = [name for name in missing if "multi_modal_projector" not in name]
    if missing or unexpected:
        raise ModelError(f"the first stages do not fit: {(missing + unexpected)[:3]} ...")
