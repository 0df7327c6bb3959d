"""What queries attend to is what the resampler reads, and the same for every image."""

import numpy as np
import pytest
import torch
from explaining_by_hand import PATCHES, SIDE, m3_reading, mqt_reading

from budget.explaining.queries import query_attention
from budget.models import load_model
from budget.resampler import resize_table


@pytest.fixture(scope="module")
def model():
    return load_model("mqt")


def torch_reading(resampler, patches):
    """What torch's own attention gives for patches [n, width], and its weights [heads, M, n]."""
    positions = resize_table(resampler.pos_embed, 12)
    with torch.no_grad():
        return resampler.attn(
            resampler.ln_q(resampler.query + resampler.pos_embed)[:, None],
            resampler.ln_k(positions)[:, None],
            resampler.ln_v(patches)[:, None],
            average_attn_weights=False,
        )


def test_it_is_the_weights_of_the_layer_itself_whatever_the_image(model):
    attention = query_attention(model)
    resampler = model.model.model.multi_modal_projector
    assert attention.shape == (144, 12, 12)
    np.testing.assert_allclose(attention.sum(axis=(1, 2)), 1.0, rtol=1e-5)
    draw = torch.Generator().manual_seed(0)
    for scale in (0.0, 1.0, 100.0):
        patches = scale * torch.randn(144, 128, generator=draw)
        read, weights = torch_reading(resampler, patches)
        mean = weights[0].mean(0).reshape(144, 12, 12)
        np.testing.assert_allclose(attention, mean.double().numpy(), atol=1e-5)
        with torch.no_grad():
            torch.testing.assert_close(
                resampler(patches[None])[0], read[:, 0] @ resampler.proj, atol=1e-3, rtol=1e-3
            )


def test_a_token_changes_with_the_patches_its_query_attends_to(model):
    attention = query_attention(model).reshape(144, 144)
    resampler = model.model.model.multi_modal_projector
    patches = torch.randn(144, 128, generator=torch.Generator().manual_seed(1))
    query = 7
    most, least = int(attention[query].argmax()), int(attention[query].argmin())
    with torch.no_grad():
        before = resampler(patches[None])[0, query]
        change = {}
        for patch in (most, least):
            other = patches.clone()
            other[patch] = -other[patch]
            change[patch] = float((resampler(other[None])[0, query] - before).norm())
    assert change[most] > 100 * change[least]


def test_queries_made_by_hand_attend_to_their_patch_alone():
    order = np.random.default_rng(0).permutation(PATCHES)
    attention = query_attention(mqt_reading(order))
    expected = np.eye(PATCHES)[order].reshape(PATCHES, SIDE, SIDE)
    np.testing.assert_array_equal(attention, expected)


def test_an_m3_has_no_queries():
    with pytest.raises(ValueError, match="only an MQT model has queries, made by hand is M3Model"):
        query_attention(m3_reading(0))
