import math

import pytest
import torch

from budget.resampler import QueryResampler, resize_table, sincos_table


@pytest.fixture
def resampler():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = QueryResampler(num_queries=16, width=32, output_width=24, num_heads=4)
        for norm in (module.ln_q, module.ln_k, module.ln_v):
            torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(module.attn.in_proj_bias)
    return module.eval()


def patches(images=3, tokens=36):
    return torch.randn(images, tokens, 32, generator=torch.Generator().manual_seed(1))


def test_it_is_torch_multi_head_attention_with_positions_as_keys(resampler):
    seen = patches()
    query = resampler.ln_q(resampler.query + resampler.pos_embed)
    key = resampler.ln_k(resize_table(resampler.pos_embed, 6))
    value = resampler.ln_v(seen)
    read, _ = resampler.attn(
        query[:, None].expand(-1, 3, -1), key[:, None].expand(-1, 3, -1), value.transpose(0, 1)
    )
    expected = read.transpose(0, 1) @ resampler.proj
    torch.testing.assert_close(resampler(seen), expected, atol=1e-5, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(resampler(seen), expected, atol=1e-5, rtol=0)


def test_the_fixed_reading_is_the_plain_one(resampler, mqt):
    released = mqt.model.model.model.multi_modal_projector
    for module, seen in ((resampler, patches()), (released, torch.randn(2, 576, 32))):
        with torch.no_grad():
            torch.testing.assert_close(module(seen), module.read_plainly(seen), atol=1e-5, rtol=0)


def test_the_fixed_reading_follows_the_parameters(resampler):
    seen = patches()
    with torch.no_grad():
        before = resampler(seen)
        assert torch.equal(resampler(seen), before)
        for change in (
            lambda: resampler.query.add_(1),
            lambda: setattr(resampler, "proj", torch.nn.Parameter(resampler.proj * 2)),
            lambda: resampler.load_state_dict(
                {k: v / 2 for k, v in resampler.state_dict().items()}
            ),
            lambda: resampler.double(),
        ):
            change()
            seen = seen.to(resampler.query.dtype)
            after = resampler(seen)
            assert not torch.equal(after.float(), before)
            torch.testing.assert_close(after, resampler.read_plainly(seen), atol=1e-5, rtol=0)
            before = after.float()


def test_what_is_written_unseen_is_told(resampler):
    seen = patches()
    with torch.no_grad():
        before = resampler(seen)
        resampler.query.data.add_(1)
        resampler.forget()
        assert not torch.equal(resampler(seen), before)
        again = resampler(seen)
        resampler.query.data.sub_(1)
        resampler.train()
        resampler.eval()
        assert not torch.equal(resampler(seen), again)


def test_parameters_of_inference_mode_are_read_anew():
    with torch.inference_mode():
        module = QueryResampler(num_queries=16, width=32, output_width=24, num_heads=4).eval()
        before = module(patches())
        module.query.add_(1)
        torch.testing.assert_close(module(patches()), module.read_plainly(patches()))
        assert not torch.equal(module(patches()), before)


def test_the_attention_is_computed_once_for_many_images(resampler, monkeypatch):
    calls, weights = [], resampler.attention_weights
    monkeypatch.setattr(resampler, "attention_weights", lambda n: calls.append(n) or weights(n))
    with torch.inference_mode():
        for tokens in (36, 36, 64, 64, 36):
            resampler(patches(tokens=tokens))
    assert calls == [36, 64, 36]
    resampler(patches())
    assert calls == [36, 64, 36, 36]  # with gradients, each call computes it


def test_each_image_is_read_on_its_own(resampler):
    seen = patches()
    alone = torch.cat([resampler(image[None]) for image in seen])
    torch.testing.assert_close(resampler(seen), alone, atol=1e-6, rtol=0)


def test_attention_weights_sum_to_one(resampler):
    weights = resampler.attention_weights(36)
    assert weights.shape == (4, 16, 36)
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 16))


def test_gradients_reach_all_but_the_position_table(resampler):
    resampler(patches()).square().sum().backward()
    without = {name for name, p in resampler.named_parameters() if p.grad is None}
    assert without == {"pos_embed"}


def test_the_table_holds_sines_and_cosines_of_column_then_row():
    table = sincos_table(8, 5).reshape(5, 5, 8)
    row, column = 3, 2
    expected = [
        trig(place * 10000.0 ** (-i / 2))
        for place in (column, row)
        for trig in (math.sin, math.cos)
        for i in range(2)
    ]
    torch.testing.assert_close(table[row, column], torch.tensor(expected))


def test_the_table_is_the_originals_up_to_its_half_precision(mqt):
    stored = mqt.model.model.model.multi_modal_projector.pos_embed
    torch.testing.assert_close(stored.detach(), sincos_table(32, 16), atol=1e-3, rtol=0)


def test_resizing_to_the_same_side_changes_nothing():
    table = sincos_table(8, 4)
    torch.testing.assert_close(resize_table(table, 4), table)
    assert resize_table(table.half(), 6).dtype == torch.float16


@pytest.mark.parametrize(
    ("queries", "heads", "message"), [(15, 4, "square number, got 15"), (16, 5, "divide .* got 5")]
)
def test_impossible_sizes_are_refused(queries, heads, message):
    with pytest.raises(ValueError, match=message):
        QueryResampler(queries, 32, 24, heads)
