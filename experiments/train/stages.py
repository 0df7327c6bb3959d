"""One training stage: what is learned, by which parameters, for how many steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from budget.tokens import pool_tokens
from experiments.train.examples import Pair, TrainingSet, pack
from experiments.train.losses import answer_loss, dense_loss

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])


class Learner(nn.Module):
    """The model, and the heads that only training needs.

    Args:
        vlm: a LLaVA-like transformers model.
        classes: classes of every channel of the patch labels, or one entry a whole-image class.
        width: width of the vision tower.
    """

    def __init__(self, vlm: Any, classes: Sequence[int], width: int) -> None:
        super().__init__()
        self.vlm = vlm
        self.classes = tuple(classes)
        self.heads = nn.Linear(width, sum(classes))

    def patches(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return patch features of the vision tower, shape [b, grid * grid, width]."""
        tower = self.vlm.model.vision_tower
        features: torch.Tensor = tower(pixel_values=pixels).last_hidden_state[:, 1:]
        return features


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step sees.

    Attributes:
        pixels: normalised, shape [b, 3, side, side].
        labels: patch labels, shape [b, channels, patches], or None.
        answers: whole-image answers, shape [b, classes], 0 or 1, or None.
        pairs: tokenised questions of every picture.
        drills: tokenised questions for the first steps; ``pairs`` where the data has none.
        before: ids before the image, shape [p].
        pad: the padding id.
    """

    pixels: torch.Tensor
    labels: torch.Tensor | None
    answers: torch.Tensor | None
    pairs: list[list[Pair]]
    drills: list[list[Pair]]
    before: torch.Tensor
    pad: int


def normalise(pixels: np.ndarray) -> torch.Tensor:
    """Return pixels as the CLIP image processor would give them, shape [b, 3, side, side]."""
    values = torch.from_numpy(np.ascontiguousarray(pixels)).float().div_(255)
    return ((values - MEAN) / STD).permute(0, 3, 1, 2).contiguous()


class Objective(Protocol):
    """Does forward and backward of one step; returns what to log."""

    def __call__(
        self, learner: Learner, batch: Batch, rng: np.random.Generator
    ) -> dict[str, float]:
        """Accumulate the gradients of one step; return what to log."""
        ...


def learn_dense(learner: Learner, batch: Batch, rng: np.random.Generator) -> dict[str, float]:
    """Vision tower from dense labels, or from the answers of the whole picture."""
    patches = learner.patches(batch.pixels)
    if batch.labels is not None:
        logits = learner.heads(patches)
        loss = dense_loss(logits, batch.labels, learner.classes)
    else:
        assert batch.answers is not None
        logits = learner.heads(patches.mean(dim=1))
        loss = F.binary_cross_entropy_with_logits(logits, batch.answers)
    loss.backward()
    return {"loss": float(loss.detach())}


@dataclass(frozen=True, slots=True)
class LearnWords:
    """Visual tokens point at the words for what they show, in the language model's own tables.

    Both the input embeddings and the output head are held against every visual token, as if the
    language model had no layers. Its layers then begin with tokens that they can treat like words:
    what a question names can be found by likeness, what is found can be copied into the answer.

    Attributes:
        tables: per channel of the patch labels, which tokens name a class, shape
            [classes, vocabulary], 0 or 1. None to hold the mean visual token of a picture against
            the first tokens of its answers.
        order: the patch of every visual token; None if they are the patches.
    """

    tables: tuple[torch.Tensor, ...] | None
    order: tuple[int, ...] | None = None

    def __call__(
        self, learner: Learner, batch: Batch, rng: np.random.Generator
    ) -> dict[str, float]:
        """Take one step's gradients."""
        visual = learner.vlm.model.multi_modal_projector(learner.patches(batch.pixels))
        head, language = learner.vlm.lm_head, learner.vlm.model.language_model
        wanted = self._wanted(batch, head.weight.shape[0])
        if self.tables is None or batch.labels is None:
            visual = visual.mean(dim=1)
        named = wanted.sum(dim=-1) > 0
        tokens, share = language.norm(visual[named]), F.normalize(wanted[named], p=1, dim=-1)
        embeddings = F.normalize(language.get_input_embeddings().weight, dim=-1)
        # Soft targets have an entropy of their own: the divergence is zero when all is learned.
        losses = [
            F.kl_div(F.log_softmax(logits, dim=-1), share, reduction="batchmean")
            for logits in (head(tokens), F.linear(tokens, embeddings))
        ]
        total = torch.stack(losses).sum()
        total.backward()
        return {"loss": float(total.detach())}

    def _wanted(self, batch: Batch, vocabulary: int) -> torch.Tensor:
        """Return which words name what a token shows, shape [b, vocabulary] or [b, m, ...]."""
        if self.tables is not None and batch.labels is not None:
            shown = batch.labels if self.order is None else batch.labels[..., list(self.order)]
            wanted = torch.zeros(*shown[:, 0].shape, vocabulary)
            for table, labels in zip(self.tables, shown.unbind(dim=1), strict=True):
                if table.any():
                    wanted += table[labels.clamp(min=0)]
            return wanted
        wanted = torch.zeros(len(batch.pairs), vocabulary)
        for row, pairs in enumerate(batch.pairs):
            wanted[row, [pair.ids[pair.answer] for pair in pairs]] = 1
        return wanted


@dataclass(frozen=True, slots=True)
class LearnAnswers:
    """Answers behind M3's pooled tokens: the mean of the losses over ``scales``.

    With all scales this is M3's objective (arXiv 2405.17430, section 3); with the full one alone
    it is LLaVA's. To find a thing among 36 tokens is learned sooner than among 144, and cheaper:
    ``drawn`` takes a few of the scales a step, anew each time.

    The vision tower goes on learning its dense labels beside, where the data has them: they keep it
    in place while the answers pull at it.

    Attributes:
        scales: visual tokens of every term of the mean.
        questions: questions a picture.
        drawn: scales a step; None for all.
        drills: learn from the drills instead of the questions.
    """

    scales: tuple[int, ...]
    questions: int
    drawn: int | None = None
    drills: bool = False

    def __call__(
        self, learner: Learner, batch: Batch, rng: np.random.Generator
    ) -> dict[str, float]:
        """Take one step's gradients, one scale at a time over one encoding of the pictures."""
        pairs = batch.drills if self.drills else batch.pairs
        packed = pack(pairs, self.questions, batch.pad)
        patches = learner.patches(batch.pixels)
        projected = learner.vlm.model.multi_modal_projector(patches)
        leaf = projected.detach().requires_grad_()
        logged: dict[str, float] = {}
        scales = self.scales
        if self.drawn is not None:
            scales = tuple(int(m) for m in rng.choice(scales, self.drawn, replace=False))
        for scale in scales:
            visual = pool_tokens(leaf, scale)
            loss, right = answer_loss(learner.vlm, visual, batch.before, packed)
            (loss / len(scales)).backward()
            logged[f"loss_{scale}"] = float(loss.detach())
            logged[f"right_{scale}"] = float(right)
        if batch.labels is not None and patches.requires_grad:
            dense = dense_loss(learner.heads(patches), batch.labels, learner.classes)
            torch.autograd.backward([projected, dense], [leaf.grad, None])
            logged["dense"] = float(dense.detach())
        elif projected.requires_grad:
            projected.backward(leaf.grad)
        return logged


@dataclass(frozen=True, slots=True)
class LearnPrefixes:
    """Answers behind the first m of MQT's queries (arXiv 2405.19315, section 3).

    Attributes:
        choices: token counts that one m a step is drawn from, uniformly.
        questions: questions a picture.
    """

    choices: tuple[int, ...]
    questions: int

    def __call__(
        self, learner: Learner, batch: Batch, rng: np.random.Generator
    ) -> dict[str, float]:
        """Take one step's gradients at one m."""
        packed = pack(batch.pairs, self.questions, batch.pad)
        count = int(rng.choice(self.choices))
        patches = learner.patches(batch.pixels)
        visual = learner.vlm.model.multi_modal_projector(patches)
        loss, right = answer_loss(learner.vlm, visual[:, :count], batch.before, packed)
        total = loss
        if batch.labels is not None and patches.requires_grad:
            total = loss + dense_loss(learner.heads(patches), batch.labels, learner.classes)
        total.backward()
        return {"loss": float(loss.detach()), "right": float(right), "m": count}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a recipe.

    Attributes:
        name: for the log.
        objective: what is learned.
        steps: optimizer steps.
        batch: pictures a step.
        rates: peak learning rate by parameter name prefix; other parameters are frozen.
        warmup: steps of linear warm-up; a cosine to a twentieth follows.
        horizon: steps over which the cosine falls; ``steps`` if None. A stage whose steps end
            before it hands over a model that is still warm.
    """

    name: str
    objective: Objective
    steps: int
    batch: int
    rates: dict[str, float]
    warmup: int = 100
    horizon: int | None = None


def make_batch(
    data: TrainingSet,
    pairs: list[list[Pair]],
    drills: list[list[Pair]] | None,
    answers: np.ndarray | None,
    picked: np.ndarray,
    before: torch.Tensor,
    pad: int,
) -> Batch:
    """Gather the pictures ``picked`` into a batch."""
    labels = None
    if data.patch_labels is not None:
        labels = torch.from_numpy(data.patch_labels[picked].astype(np.int64)).flatten(2)
    return Batch(
        pixels=normalise(data.pixels[picked]),
        labels=labels,
        answers=None if answers is None else torch.from_numpy(answers[picked]),
        pairs=[pairs[i] for i in picked],
        drills=[(drills or pairs)[i] for i in picked],
        before=before,
        pad=pad,
    )
