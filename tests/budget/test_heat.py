"""Heat maps of models whose truth is known: weights set by hand, and likelihoods measured anew."""

import threading

import numpy as np
import pytest
import torch
from explaining_by_hand import ANSWER, PATCH, PATCHES, SIDE, m3_reading, mqt_reading
from PIL import Image

from budget.explaining.gradients import explain
from budget.explaining.heat import heat_maps, read_answers
from budget.explaining.layers import LAYERS, default_layer, layer_of, patch_features
from budget.models import load_model

QUESTION = "What is it?"
GREY = Image.new("RGB", (PATCH * SIDE, PATCH * SIDE), (120, 120, 120))


def bright_patch(patch):
    """A black picture but for one patch."""
    picture = Image.new("RGB", GREY.size)
    row, column = divmod(patch, SIDE)
    picture.paste((200, 200, 200), (column * PATCH, row * PATCH, *end_of(row, column)))
    return picture


def end_of(row, column):
    return (column + 1) * PATCH, (row + 1) * PATCH


def hooks_of(model):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [len(getattr(module, kind)) for module in model.modules() for kind in kinds]


def lit(heat_map):
    return np.flatnonzero(heat_map.heat).tolist()


@pytest.fixture(scope="module", params=["m3", "mqt"])
def shipped(request):
    return load_model(request.param)


@pytest.fixture(scope="module")
def scene():
    from experiments.scenes.data import iterate_scenes

    (scene,) = iterate_scenes("calibration", 1)
    return Image.fromarray(scene.pixels), scene.questions[0].text


@pytest.mark.parametrize("patch", range(PATCHES))
def test_the_one_patch_that_an_m3_answers_from_is_lit_at_every_scale(patch):
    for each in heat_maps(m3_reading(patch), GREY, QUESTION, (1, 4, 16), answer=ANSWER):
        assert lit(each) == [patch]
        assert each.heat.max() == 1.0
        assert each.peak == each.raw.max() > 0
        assert each.peak_cell == divmod(patch, SIDE)
        assert each.depends
        assert not each.note


@pytest.mark.parametrize("first", range(PATCHES))
def test_the_one_patch_that_the_first_query_reads_is_lit(first):
    order = np.roll(np.arange(PATCHES), -first)
    (each,) = heat_maps(mqt_reading(order), GREY, QUESTION, (1,), answer=ANSWER)
    assert lit(each) == [first]


def test_m_tokens_light_the_patches_of_the_first_m_queries_alike():
    order = np.random.default_rng(0).permutation(PATCHES)
    for each in heat_maps(mqt_reading(order), GREY, QUESTION, (1, 2, 7, 16), answer=ANSWER):
        assert lit(each) == sorted(order[: each.num_visual_tokens])
        np.testing.assert_allclose(each.heat[each.heat > 0], 1.0, rtol=1e-4)


@pytest.mark.parametrize("patch", [0, 6, 15])
def test_a_query_that_sees_nothing_is_not_lit(patch):
    order = [*range(1, PATCHES), 0]
    seen = order.index(patch) + 1
    maps = heat_maps(mqt_reading(order), bright_patch(patch), QUESTION, (seen, 16), answer=ANSWER)
    assert [lit(each) for each in maps] == [[patch], [patch]]
    if seen > 1:
        (blind,) = heat_maps(
            mqt_reading(order), bright_patch(patch), QUESTION, (seen - 1,), answer=ANSWER
        )
        assert (lit(blind), blind.peak, blind.peak_cell) == ([], 0.0, None)
        assert "nothing in the image speaks for" in blind.note


@pytest.mark.parametrize(
    "model", [m3_reading(3, listens=False), mqt_reading(range(16), listens=False)]
)
@pytest.mark.parametrize("method", ["element-wise", "grad-cam"])
def test_an_answer_that_depends_on_no_image_has_no_heat_and_says_so(model, method):
    for each in heat_maps(model, GREY, QUESTION, (1, 16), answer=ANSWER, method=method):
        assert not each.raw.any()
        assert (each.peak, each.depends, each.peak_pixel) == (0.0, False, None)
        assert each.note == "this answer does not depend on the image"


def test_an_answer_that_is_spoken_against_has_no_heat_but_depends():
    (each,) = heat_maps(m3_reading(5), GREY, QUESTION, (16,), answer="no")
    assert each.raw.min() < 0
    assert (lit(each), each.depends) == ([], True)
    assert "nothing in the image speaks for" in each.note


def test_grad_cam_lights_a_patch_that_the_answer_does_not_rest_on():
    """What speaks for element-wise: one patch's slope is spread over patches like it."""
    model, picture = mqt_reading([5, *range(5), *range(6, 16)]), GREY
    (own,) = heat_maps(model, picture, QUESTION, (1,), answer=ANSWER)
    (cam,) = heat_maps(model, picture, QUESTION, (1,), answer=ANSWER, method="grad-cam")
    assert lit(own) == [5]
    assert lit(cam) == list(range(PATCHES))


def test_the_models_own_answer_is_explained_by_default():
    (each,) = heat_maps(m3_reading(2), GREY, QUESTION, (4,), max_new_tokens=1)
    (given,) = heat_maps(m3_reading(2), GREY, QUESTION, (4,), answer=f" {ANSWER} ")
    assert each.answer == given.answer == ANSWER
    np.testing.assert_array_equal(each.raw, given.raw)


@pytest.mark.parametrize(
    "make", [lambda: m3_reading(9), lambda: mqt_reading([9, *range(9), *range(10, 16)])]
)
def test_bfloat16_lights_the_same_patch(make):
    model = make()
    model.model.to(torch.bfloat16)
    (each,) = heat_maps(model, GREY, QUESTION, (1,), answer=ANSWER)
    assert each.heat.dtype == np.float64
    assert lit(each) == [9]


def test_the_log_probability_is_that_of_the_every_scale_pass(shipped, scene):
    image, question = scene
    maps = heat_maps(shipped, image, question, tuple(shipped.ladder), answer="a red star")
    (rungs,) = shipped.every_scale([image], [question]).likelihoods([["a red star"]])
    expected = [rung.log_likelihoods[0] for rung in rungs]
    np.testing.assert_allclose([each.log_probability for each in maps], expected, rtol=1e-4)


def test_layers_give_the_tokens_that_the_model_encodes(original):
    model, image = original.model, original.images[0]
    features = patch_features(model, image)
    (encoded,) = model.encode([image])
    for name in LAYERS:
        layer = layer_of(model, name)
        with torch.no_grad():
            tokens = layer.leave(layer.enter(features))
        torch.testing.assert_close(tokens, encoded.reshape(tokens.shape), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("rung", [0, 2, -1])
def test_a_cells_value_is_what_shrinking_its_activations_costs(shipped, scene, rung):
    """raw is the slope of the log-probability along one patch's activations."""
    (image, question), m = scene, shipped.ladder[rung]
    name = default_layer(shipped)
    layer = layer_of(shipped, name)
    with torch.no_grad():
        activations = layer.enter(patch_features(shipped, image))
    (each,) = heat_maps(shipped, image, question, (m,), answer="8")
    patch = int(np.abs(each.raw).argmax())
    step, values = 0.02, []
    for factor in (1 - step, 1 + step):
        changed = activations.clone()
        changed[0, patch] *= factor
        with torch.no_grad():
            features = [layer.leave(changed)[0]]
        (found,) = shipped.every_scale([image], [question], features=features).likelihoods([["8"]])
        values.append(found[rung].log_likelihoods[0])
    assert each.raw.flat[patch] == pytest.approx((values[1] - values[0]) / (2 * step), rel=0.03)


def test_a_normalisation_behind_a_layer_leaves_no_slope_along_it(scene):
    """Why element-wise is refused at the vision layer of an MQT model."""
    model, (image, question) = load_model("mqt"), scene
    (vision,) = read_answers(model, image, question, (144,), answer="8", layer="vision")
    slope = (vision.activations * vision.explained.gradients).sum(-1).abs().max()
    assert slope < 1e-6 * (vision.activations.norm() * vision.explained.gradients.norm())
    with pytest.raises(ValueError, match="zero everywhere at layer vision of an MQT"):
        heat_maps(model, image, question, (144,), method="element-wise", layer="vision")


def test_the_model_is_left_as_it_was(shipped, scene):
    image, question = scene
    scales = tuple(shipped.ladder)
    weights = {name: each.clone() for name, each in shipped.model.state_dict().items()}
    flags = [(p.requires_grad, p._version) for p in shipped.model.parameters()]
    before = shipped.answer_every_scale([image], [question])
    hooks = hooks_of(shipped.model)  # transformers' own
    first = heat_maps(shipped, image, question, scales)
    again = heat_maps(shipped, image, question, scales)
    assert [each.answer for each in first] == [answer.text for answer in before[0]]
    assert shipped.answer_every_scale([image], [question]) == before
    assert all(p.grad is None for p in shipped.model.parameters())
    assert [(p.requires_grad, p._version) for p in shipped.model.parameters()] == flags
    assert not any(module.training for module in shipped.model.modules())
    assert hooks_of(shipped.model) == hooks
    for name, each in shipped.model.state_dict().items():
        assert torch.equal(each, weights[name])
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.raw, other.raw)


def test_maps_and_answers_on_several_threads_are_those_of_one(shipped, scene):
    image, question = scene
    scales = tuple(shipped.ladder)[-2:]
    expected = heat_maps(shipped, image, question, scales)
    answers = shipped.answer_every_scale([image], [question])
    found = {}

    def run(i):
        if i % 2:
            found[i] = shipped.answer_every_scale([image], [question]) == answers
        else:
            maps = heat_maps(shipped, image, question, scales)
            pairs = zip(maps, expected, strict=True)
            found[i] = all(np.allclose(a.raw, b.raw, rtol=1e-4, atol=1e-9) for a, b in pairs)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(4), True)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_where_the_caller_asked_for_no_gradients(mode):
    model = mqt_reading(range(PATCHES))
    with mode():
        (each,) = heat_maps(model, GREY, QUESTION, (1,), answer=ANSWER)
        assert not torch.is_grad_enabled()
    assert lit(each) == [0]


def test_a_sure_answers_small_slope_is_kept_in_half_precision():
    """In float16 a slope of 1e-9 would be zero, and the map said not to depend on the image."""
    model = m3_reading(4)
    with torch.no_grad():
        model.model.lm_head.weight.mul_(7.0)  # the answer is as good as certain
    prompt = model.prompt.ids(QUESTION, 1)
    ids = model.prompt.answer_ids(QUESTION, ANSWER, 1)
    layer, features = layer_of(model, "vision"), patch_features(model, GREY)
    exact = explain(model, layer, features, prompt, ids, 4)
    model.model.to(torch.float16)
    half = explain(model, layer, patch_features(model, GREY), prompt, ids, 4)
    assert 0 < exact.gradients.abs().max() < 1e-8
    assert half.gradients.abs().max() == pytest.approx(float(exact.gradients.abs().max()), rel=0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scales": (2,)}, "must be one of 1, 4, 16, got 2"),
        ({"scales": ()}, "at least one number"),
        ({"method": "saliency"}, "element-wise, got 'saliency'"),
        ({"layer": "deepest"}, "vision, connector, got 'deepest'"),
        ({"answer": " "}, "an answer needs some text"),
    ],
)
def test_what_cannot_be_explained_is_refused(settings, message):
    given = {"scales": (1,), "answer": ANSWER} | settings
    with pytest.raises(ValueError, match=message):
        heat_maps(m3_reading(0), GREY, QUESTION, given.pop("scales"), **given)


def test_scales_of_an_mqt_are_any_up_to_its_queries():
    model = mqt_reading(range(PATCHES))
    found = heat_maps(model, GREY, QUESTION, (3, 13), answer=ANSWER)
    assert [each.num_visual_tokens for each in found] == [3, 13]
    with pytest.raises(ValueError, match="integer from 1 to 16, got 17"):
        heat_maps(model, GREY, QUESTION, (17,), answer=ANSWER)


def test_other_families_are_refused():
    class Other:
        name = "other"

    with pytest.raises(ValueError, match="take an M3 or MQT model, other is Other"):
        heat_maps(Other(), GREY, QUESTION, (1,))
