"""The gradient of an answer's log-probability by activations, through the model as it answers."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from budget.explaining.layers import Layer
from budget.llava import LlavaRunner
from budget.prompt import PromptIds


class Explained(NamedTuple):
    """One answer, as far as it depends on activations.

    Attributes:
        log_probability: of the whole answer, the sum over its tokens, in nats.
        gradients: of that by the activations, their shape, float64 on the CPU.
    """

    log_probability: float
    gradients: torch.Tensor


def explain(
    runner: LlavaRunner,
    layer: Layer,
    activations: torch.Tensor,
    prompt: PromptIds,
    answer: Sequence[int],
    num_visual_tokens: int,
) -> Explained:
    """Return how an answer's log-probability changes with activations.

    The model reads prompt and answer at once (teacher forcing). Nothing is left at the model: no
    gradient of a parameter is taken, nor is any setting of it changed, so that other threads may
    use it meanwhile.

    Args:
        runner: the model.
        layer: where the activations are.
        activations: of one image, shape [grids, n, d].
        prompt: ids around the image.
        answer: ids of the answer, one at least.
        num_visual_tokens: m, for each grid.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf = activations.detach().clone().requires_grad_()
        visual = runner.reduce(layer.leave(leaf), num_visual_tokens).flatten(0, 1)
        logits = _answer_logits(runner, visual, prompt, answer)
        log_probability, slope = _by_logits(logits, answer)
        # In float16 the slope of a sure answer would be too small a number: it is brought to 1.
        size = float(slope.abs().max()) or 1.0
        (gradients,) = torch.autograd.grad(logits, leaf, (slope / size).to(logits))
    return Explained(log_probability, gradients.cpu().double() * size)


def _answer_logits(
    runner: LlavaRunner, visual: torch.Tensor, prompt: PromptIds, answer: Sequence[int]
) -> torch.Tensor:
    """Return the logits that every token of an answer is taken from, shape [tokens, vocabulary]."""
    with torch.no_grad():
        texts = [prompt.before, prompt.after, list(answer[:-1])]
        before, after, said = (each.clone() for each in runner.embed_texts(texts))
    embeds = torch.cat([before, visual.to(before), after, said])
    states = runner.model.model.language_model(
        inputs_embeds=embeds[None], use_cache=False
    ).last_hidden_state[0]
    logits: torch.Tensor = runner.model.lm_head(states[-len(answer) :])
    return logits


def _by_logits(logits: torch.Tensor, answer: Sequence[int]) -> tuple[float, torch.Tensor]:
    """Return the answer's log-probability and its gradient by the logits, in float64."""
    ids = torch.tensor(list(answer))[:, None]
    log_probs = logits.detach().cpu().double().log_softmax(dim=-1)
    slope = -log_probs.exp()
    # 1 - p as the sum of all others, which is exact where p is nearly 1.
    others = slope.scatter(1, ids, 0.0).sum(dim=1, keepdim=True)
    return float(log_probs.gather(1, ids).sum()), slope.scatter(1, ids, -others)
