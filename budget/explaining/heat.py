"""Heat maps of an answer: what of the image speaks for it, at each number of visual tokens.

    maps = heat_maps(load_model("m3"), image, "What is on the red plate?", (1, 9, 144))

What is explained is the log-probability of the whole answer, the sum over its tokens, as the real
model gives it with m visual tokens: its gradient runs through the language model and through the
pooling of an M3, or the queries of an MQT model, back to the grid of patches.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from PIL import Image

from budget.chat import Question
from budget.explaining.gradients import Explained, explain
from budget.explaining.grids import Places, lay_together, places_of, square
from budget.explaining.layers import (
    CONNECTOR,
    VISION,
    default_layer,
    layer_of,
    patch_features,
    refuse_others,
)
from budget.explaining.maps import HeatMap, normalised
from budget.explaining.methods import ELEMENT_WISE, GRAD_CAM, method_of
from budget.llava import LlavaRunner
from budget.pictures import as_shown


class Said(NamedTuple):
    """An answer to explain.

    Attributes:
        text: as it is shown.
        ids: of its tokens, without a stop token unless it is the only one.
    """

    text: str
    ids: tuple[int, ...]


class Reading(NamedTuple):
    """One answer with the activations that it rests on, and its gradients; no method's yet.

    Attributes:
        num_visual_tokens: m, of each grid.
        answer: the text.
        activations: shape [grids, n, d], float64 on the CPU.
        explained: log-probability, and its gradients of the shape of ``activations``.
        places: where the grids lie.
        layer: whose activations.
    """

    num_visual_tokens: int
    answer: str
    activations: torch.Tensor
    explained: Explained
    places: Places
    layer: str


def heat_maps(
    model: LlavaRunner,
    image: Image.Image,
    question: Question,
    scales: Sequence[int],
    *,
    answer: str | None = None,
    method: str = ELEMENT_WISE,
    layer: str | None = None,
    max_new_tokens: int = 16,
) -> tuple[HeatMap, ...]:
    """Return what of an image speaks for an answer, at each number of visual tokens.

    The model is only read; other threads may use it meanwhile.

    Args:
        model: an M3 or MQT model.
        image: of any size and mode.
        question: about it.
        scales: numbers of visual tokens, for each grid that the image is seen in.
        answer: the answer to explain at every scale; by default what the model itself answers at
            each, greedily.
        method: "element-wise" or "grad-cam", see ``budget.explaining.methods``. On the testbed the
            peaks of the first fall on the asked thing more often (``budget scenes pointing``).
        layer: "vision" or "connector"; by default the one that ``budget.explaining.layers`` says.
        max_new_tokens: of the model's own answers.

    Raises:
        ValueError: if a number of visual tokens cannot be met exactly, there are none, there is no
            such method or layer, the two do not go together, the answer has no text, or the model
            is of another family.
        DataError: if the image cannot be shown.
    """
    method_of(method)
    refuse_others(model)
    layer = layer or default_layer(model)
    if says_nothing(model, method, layer):
        raise ValueError(
            f"{ELEMENT_WISE} is zero everywhere at layer {VISION} of an MQT model, whose LayerNorm "
            f"does not tell a patch from its multiple; take layer {CONNECTOR}, or {GRAD_CAM}"
        )
    readings = read_answers(
        model, image, question, scales, answer=answer, layer=layer, max_new_tokens=max_new_tokens
    )
    return tuple(map_of(each, method) for each in readings)


def read_answers(
    model: LlavaRunner,
    image: Image.Image,
    question: Question,
    scales: Sequence[int],
    *,
    answer: str | None = None,
    layer: str | None = None,
    max_new_tokens: int = 16,
) -> Iterator[Reading]:
    """Yield what every map is made of; args and errors are those of :func:`heat_maps`."""
    layer = layer or default_layer(model)
    place = layer_of(model, layer)
    if not scales:
        raise ValueError("at least one number of visual tokens is needed, got none")
    # Refuses what cannot be asked before anything runs.
    (*_, sample) = model.samples(
        [image] * len(scales), [question] * len(scales), list(scales), None
    )
    places = places_of(model, as_shown(image))
    with torch.no_grad():
        activations = place.enter(patch_features(model, image))
    known = activations.cpu().double()
    said = _answers(model, image, question, scales, answer, max_new_tokens)
    for m, each in zip(scales, said, strict=True):
        found = explain(model, place, activations, sample.prompt, each.ids, m)
        yield Reading(m, each.text, known, found, places, layer)


def says_nothing(model: LlavaRunner, method: str, layer: str) -> bool:
    """Return whether a method's map is zero at a layer whatever the answer, but for rounding.

    A function that does not change when its argument is multiplied, as a LayerNorm and all behind
    it, has no slope along that argument (Euler); so gradient times activation is zero before it.
    """
    return model.nested and (method, layer) == (ELEMENT_WISE, VISION)


def map_of(reading: Reading, method: str) -> HeatMap:
    """Return the map that a method makes of a reading.

    Raises:
        ValueError: if there is no such method.
    """
    found = reading.explained
    values = method_of(method)(reading.activations, found.gradients)
    raw, box = lay_together([square(each) for each in values], reading.places)
    heat, peak = normalised(raw)
    return HeatMap(
        reading.num_visual_tokens,
        reading.answer,
        heat,
        peak,
        raw,
        found.log_probability,
        bool(found.gradients.any()),
        box,
        method,
        reading.layer,
    )


def _answers(
    model: LlavaRunner,
    image: Image.Image,
    question: Question,
    scales: Sequence[int],
    given: str | None,
    max_new_tokens: int,
) -> list[Said]:
    """Return the answer to explain at each scale."""
    if given is not None:
        ids = tuple(model.prompt.answer_ids(question, given, 1))
        return [Said(given.strip(), ids)] * len(scales)
    (features,) = model.encode([image])
    own = model.answer(
        [image] * len(scales),
        [question] * len(scales),
        num_visual_tokens=list(scales),
        max_new_tokens=max_new_tokens,
        features=[features] * len(scales),
    )
    stop = set(model.stop_ids)
    return [
        Said(each.text, tuple(i for i in each.token_ids if i not in stop) or each.token_ids)
        for each in own
    ]
