"""Heat maps of an answer: what of the image speaks for it, at each number of visual tokens.

    maps = heat_maps(load_model("m3"), image, "What is on the red plate?", (1, 9, 144))

What is explained is the log-probability of the whole answer, the sum over its tokens, as the real
model gives it with m visual tokens: its gradient runs through the language model and through the
pooling of an M3, or the queries of an MQT model, back to the grid of patches.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from PIL import Image

from budget.chat import Question
from budget.explaining.gradients import explain
from budget.explaining.grids import lay_together, places_of, square
from budget.explaining.layers import CONNECTOR, layer_of, patch_features, refuse_others
from budget.explaining.maps import HeatMap, normalised
from budget.explaining.methods import ELEMENT_WISE, method_of
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


def heat_maps(
    model: LlavaRunner,
    image: Image.Image,
    question: Question,
    scales: Sequence[int],
    *,
    answer: str | None = None,
    method: str = ELEMENT_WISE,
    layer: str = CONNECTOR,
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
            peaks of the first fall on the asked thing two to five times as often.
        layer: "connector" or "vision", see ``budget.explaining.layers``.
        max_new_tokens: of the model's own answers.

    Raises:
        ValueError: if a number of visual tokens cannot be met exactly, there are none, there is no
            such method or layer, the answer has no text, or the model is of another family.
        DataError: if the image cannot be shown.
    """
    refuse_others(model)
    measure, place = method_of(method), layer_of(model, layer)
    if not scales:
        raise ValueError("at least one number of visual tokens is needed, got none")
    model.samples([image] * len(scales), [question] * len(scales), list(scales), None)
    prompt = model.prompt.ids(question, 1)
    features = patch_features(model, image)
    with torch.no_grad():
        activations = place.enter(features)
    known = activations.detach().cpu().double()
    maps, lie = [], places_of(model, as_shown(image))
    for m, said in zip(
        scales, _answers(model, image, question, scales, answer, max_new_tokens), strict=True
    ):
        found = explain(model, place, activations, prompt, said.ids, m)
        values = measure(known, found.gradients)
        raw, box = lay_together([square(each) for each in values], lie)
        heat, peak = normalised(raw)
        depends = bool(found.gradients.any())
        maps.append(
            HeatMap(
                m, said.text, heat, peak, raw, found.log_probability, depends, box, method, layer
            )
        )
    return tuple(maps)


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
