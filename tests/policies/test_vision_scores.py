"""The network learns what depends on tokens and words together, and comes back from a state."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from budget.errors import PolicyError
from policies.vision_inputs import MAX_WORDS, VisionInputs, join_inputs, make_inputs
from policies.vision_network import VisionNetwork, VisionNetworkSize, lost_by_pooling
from policies.vision_scores import VisionPredictor, restore
from policies.vision_training import Training, fit_vision_scores, pooled_sides

WIDTH = 8
SMALL = {"channels": 4, "hidden": 16, "heads": 2, "blocks": 1, "dropout": 0.0}


def drawn(n, rng):
    """Samples whose cheap rung is right if the word asked for is that of the tokens."""
    kinds = rng.normal(size=(2, WIDTH))
    shown, asked = rng.integers(0, 2, (2, n))
    tokens = kinds[shown][:, None] + 0.1 * rng.normal(size=(n, 16, WIDTH))
    words = np.stack([kinds[asked], rng.normal(size=(n, WIDTH))], axis=1)
    inputs = VisionInputs(
        tokens.astype(np.float16), words.astype(np.float16), np.full(n, 2, dtype=np.int64)
    )
    return inputs, np.column_stack([shown == asked, np.ones(n)]).astype(float)


@pytest.fixture(scope="module")
def learned():
    inputs, scores = drawn(600, np.random.default_rng(0))
    training = Training(epochs=12, batch_size=50, learning_rate=5e-3)
    return inputs, scores, fit_vision_scores(inputs, scores, training=training, **SMALL)


def test_what_depends_on_tokens_and_words_together_is_learned(learned):
    inputs, scores, predictor = learned
    expected = predictor.predict(inputs)
    assert expected.shape == scores.shape
    assert ((expected[:, 0] > 0.5) == scores[:, 0]).mean() > 0.95
    assert expected[:, 1].min() > 0.9


def test_the_same_seed_gives_the_same_network():
    inputs, scores = drawn(40, np.random.default_rng(1))
    first, second = (
        fit_vision_scores(inputs, scores, training=Training(epochs=2), **SMALL) for _ in range(2)
    )
    np.testing.assert_array_equal(first.predict(inputs), second.predict(inputs))


def test_rows_do_not_depend_on_each_other_nor_on_padding(learned):
    inputs, _, predictor = learned
    longer = replace(inputs, words=np.pad(inputs.words, ((0, 0), (0, 3), (0, 0))))
    np.testing.assert_allclose(predictor.predict(longer), predictor.predict(inputs), atol=1e-5)
    alone = predictor.predict(inputs.rows(slice(3, 4)))
    np.testing.assert_allclose(alone, predictor.predict(inputs)[3:4], atol=1e-5)


def test_a_state_comes_back_as_the_same_predictor(learned):
    inputs, _, predictor = learned
    state = predictor.state()
    again = restore(state)
    np.testing.assert_array_equal(again.predict(inputs), predictor.predict(inputs))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {}}, "not well formed"),
        ({"settings": {"hidden": 15}}, "heads must divide hidden"),
        ({"settings": {"side": 10**9}}, "from 1 to 65536"),
        ({"settings": {"hidden": 32}}, "do not fit"),
        ({"arrays": {}}, "do not fit"),
        ({"texts": {"rung_0": "tree"}}, "do not fit"),
        ({"arrays": {"narrow.bias": np.full(4, np.nan, np.float32)}}, "finite"),
    ],
)
def test_a_state_that_is_not_well_formed_is_refused(learned, change, message):
    state = learned[2].state()
    changed = {
        name: {**getattr(state, name), **value} if value else value
        for name, value in change.items()
    }
    with pytest.raises(PolicyError, match=message):
        restore(replace(state, **changed))


def test_tokens_of_another_model_are_refused(learned):
    inputs, _, predictor = learned
    with pytest.raises(PolicyError, match="sees 16 tokens of width 8, the model has 9 of width 8"):
        predictor.predict(replace(inputs, tokens=inputs.tokens[:, :9]))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.ones((3, 2)), "4 samples need scores"),
        (np.full((4, 2), 1.5), "must lie in"),
        (np.full((4, 2), np.nan), "must lie in"),
    ],
)
def test_bad_scores_are_refused(scores, message):
    inputs, _ = drawn(4, np.random.default_rng(0))
    with pytest.raises(ValueError, match=message):
        fit_vision_scores(inputs, scores)


def test_tokens_must_stand_in_a_square():
    inputs, scores = drawn(4, np.random.default_rng(0))
    with pytest.raises(ValueError, match="square, got 15"):
        fit_vision_scores(replace(inputs, tokens=inputs.tokens[:, :15]), scores)


def test_flops_grow_with_the_question(learned):
    predictor = learned[2]
    short, long = predictor.flops(2), predictor.flops(12)
    assert 0 < short < long
    assert not predictor.network.training


def test_what_pooling_loses_is_the_deviation_inside_a_cell():
    grid = torch.zeros(1, 16, 1)
    grid[0, 0, 0] = 4.0  # the corner of one of four cells of a 2 x 2 pooling
    (lost,) = lost_by_pooling(grid, [2])
    inside = lost[0, :, 0].reshape(4, 4)[:2, :2]
    np.testing.assert_allclose(inside, np.full((2, 2), np.sqrt(16 / 4 - 1)), rtol=1e-6)
    assert lost.sum() == pytest.approx(float(inside.sum()))


@pytest.mark.parametrize(
    ("scales", "tokens", "sides"),
    [((1, 4, 9, 36, 144), 144, (1, 2, 3, 6)), ((2, 4, 8), 144, ()), ((1, 4, 25, 144), 144, ())],
)
def test_pooled_sides(scales, tokens, sides):
    assert pooled_sides(scales, tokens) == sides


def test_inputs_are_padded_cut_and_joined():
    features = [torch.ones(4, 2), torch.stack([torch.ones(4, 2), torch.zeros(4, 2)])]
    words = [torch.ones(1, 2), torch.ones(MAX_WORDS + 5, 2)]
    inputs = make_inputs(features, words)
    assert inputs.tokens.shape == (2, 4, 2)
    assert inputs.tokens.min() == 1
    assert inputs.lengths.tolist() == [1, MAX_WORDS]
    assert inputs.words[0, 1:].max() == 0
    both = join_inputs([make_inputs(features[:1], words[:1]), inputs])
    assert both.words.shape == (3, MAX_WORDS, 2)
    assert len(both) == 3


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="pooled side"):
        VisionNetworkSize(side=4, width=8, rungs=2, pools=(3,))
    network = VisionNetwork(VisionNetworkSize(side=4, width=8, rungs=3, pools=(1, 2), **SMALL))
    found = VisionPredictor(network).predict(drawn(2, np.random.default_rng(0))[0])
    assert found.shape == (2, 3)
    assert 0 < found.min() < found.max() < 1
