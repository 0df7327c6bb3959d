"""Activations over an image's patch grid, and the visual tokens that a model makes of them.

Two layers can be explained. ``vision``: what the vision tower gives the projector of an M3, or the
resampler of an MQT model. ``connector``: what an M3 model's projector made of each patch, before
patches are averaged; of an MQT model the patches behind the resampler's LayerNorm, which its
queries read.

By default it is what the connector's first matrix reads: ``vision`` of an M3, ``connector`` of an
MQT model. The other one of each has a normalisation behind it (the LayerNorm, or the first RMSNorm
of the language model), which does not tell a vector from its multiple: there gradients have no part
along the activations, or less of it than the answer rests on.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from PIL import Image

from budget.images import to_pixels
from budget.llava import LlavaRunner
from budget.m3 import M3Model
from budget.mqt_model import MqtModel
from budget.pictures import as_shown
from budget.tiles import cut_tiles

VISION, CONNECTOR = "vision", "connector"
LAYERS = (VISION, CONNECTOR)
TensorMap = Callable[[torch.Tensor], torch.Tensor]


class Layer(NamedTuple):
    """A place in a model at which there are activations per patch.

    Attributes:
        enter: from the vision tower's features [grids, n, d] to the activations [grids, n, e].
        leave: from the activations to what ``reduce`` makes any number of visual tokens of.
    """

    enter: TensorMap
    leave: TensorMap


def layer_of(runner: LlavaRunner, name: str) -> Layer:
    """Return a layer of a model by its name.

    Raises:
        ValueError: if there is no such layer, or the model is neither M3 nor MQT.
    """
    if name not in LAYERS:
        raise ValueError(f"the layer must be one of {', '.join(LAYERS)}, got {name!r}")
    refuse_others(runner)
    connector = runner.model.model.multi_modal_projector
    if name == VISION:
        return Layer(_same, connector)
    if isinstance(runner, MqtModel):
        return Layer(connector.ln_v, connector.read_normal)
    return Layer(connector, _same)


def default_layer(runner: LlavaRunner) -> str:
    """Return the layer whose activations a matrix reads, with no normalisation between."""
    return CONNECTOR if runner.nested else VISION


def refuse_others(model: object) -> None:
    """Refuse what is neither M3 nor MQT, whose features are not known to lie on a grid.

    Raises:
        ValueError: with what it is.
    """
    if not isinstance(model, M3Model | MqtModel):
        name = getattr(model, "name", type(model).__name__)
        raise ValueError(f"heat maps take an M3 or MQT model, {name} is {type(model).__name__}")


@torch.no_grad()
def patch_features(runner: LlavaRunner, image: Image.Image) -> torch.Tensor:
    """Return what the vision tower gives for an image's grids, shape [grids, n, d].

    As transformers' ``LlavaModel.get_image_features`` chooses it, before the projector.
    """
    shown = as_shown(image)
    squares = cut_tiles(shown, runner.pinpoints, runner.side) if runner.pinpoints else [shown]
    pixels = to_pixels(squares, runner.image_processor, pad=runner.aspect == "pad")
    pixels = pixels.to(runner.device, runner.model.dtype)
    tower, config = runner.model.model.vision_tower, runner.model.config
    states = tower(pixels, output_hidden_states=True, return_dict=True).hidden_states
    wanted = config.vision_feature_layer
    chosen = [states[i] for i in ([wanted] if isinstance(wanted, int) else wanted)]
    if config.vision_feature_select_strategy == "default":
        chosen = [each[:, 1:] for each in chosen]  # without the token of the class
    return torch.cat(chosen, dim=-1)


def _same(features: torch.Tensor) -> torch.Tensor:
    return features
