"""Greedy decoding against transformers' own generate, on a tiny Llama."""

import math

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from budget.generation import doubt, generate_greedily, pad_left


@pytest.fixture(scope="module")
def llama():
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=None,
        initializer_range=0.3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def prompts():
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(3, 40, (n,), generator=generator) for n in (3, 9, 5, 3, 12, 7)]


def run(llama, prompts, stop_ids=(), max_new_tokens=6):
    embeds = [llama.get_input_embeddings()(ids) for ids in prompts]
    return generate_greedily(
        llama.model, llama.lm_head, embeds, max_new_tokens=max_new_tokens, stop_ids=stop_ids
    )


def test_a_ragged_batch_decodes_as_transformers_does_alone(llama, prompts):
    for ids, result in zip(prompts, run(llama, prompts), strict=True):
        expected = llama.generate(
            ids[None], attention_mask=torch.ones(1, len(ids)), max_new_tokens=6, do_sample=False
        )
        assert list(result.token_ids) == expected[0, len(ids) :].tolist()


def test_rows_that_stop_do_not_disturb_the_others(llama, prompts):
    free = run(llama, prompts)
    stop = free[0].token_ids[1]
    for whole, stopped in zip(free, run(llama, prompts, stop_ids=(stop,)), strict=True):
        ids = whole.token_ids
        cut = ids[: ids.index(stop) + 1] if stop in ids else ids
        assert stopped.token_ids == cut


def test_confidence_does_not_depend_on_the_batch(llama, prompts):
    together = run(llama, prompts)
    for ids, result in zip(prompts, together, strict=True):
        (alone,) = run(llama, [ids])
        assert alone.confidence == pytest.approx(result.confidence, abs=1e-5)
        assert result.confidence <= 0


def test_equal_lengths_need_no_mask():
    padded = pad_left([torch.zeros(4, 2), torch.ones(4, 2)])
    assert padded.mask is None
    assert padded.positions.tolist() == [[0, 1, 2, 3]] * 2


def test_padding_is_on_the_left():
    padded = pad_left([torch.ones(1, 2), torch.ones(3, 2)])
    assert padded.mask.tolist() == [[0, 0, 1], [1, 1, 1]]
    assert padded.positions.tolist() == [[0, 0, 0], [0, 1, 2]]
    assert padded.embeds[0].tolist() == [[0, 0], [0, 0], [1, 1]]


def test_doubt_is_margin_and_entropy_of_the_next_token():
    probs = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.5, 0.0]])
    margins, entropies = doubt(probs.log())
    assert margins == pytest.approx([0.5, 0.0], abs=1e-6)
    expected = -sum(p * math.log(p) for p in (0.7, 0.2, 0.1))
    assert entropies == pytest.approx([expected, math.log(2)], abs=1e-6)
