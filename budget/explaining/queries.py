"""What each query of an MQT model attends to: the same patches of every image."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from budget.llava import LlavaRunner
from budget.mqt_model import MqtModel


@torch.no_grad()
def query_attention(model: LlavaRunner) -> NDArray[np.float64]:
    """Return how much each query reads of each patch, the mean over the resampler's heads.

    It is the same for every image: the keys are the position table alone. Visual token i, from
    the first one, is what query i reads.

    Args:
        model: an MQT model.

    Returns:
        Shape [queries, rows, columns]; each query's sum is 1.

    Raises:
        ValueError: if the model is of another family.
    """
    if not isinstance(model, MqtModel):
        raise ValueError(f"only an MQT model has queries, {model.name} is {type(model).__name__}")
    patches = model.shape.grid_tokens
    weights = model.model.model.multi_modal_projector.attention_weights(patches)
    mean = weights.double().mean(dim=0)
    side = math.isqrt(patches)
    attention: NDArray[np.float64] = mean.reshape(-1, side, side).cpu().numpy()
    return attention
