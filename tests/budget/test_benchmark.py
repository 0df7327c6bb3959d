"""The benchmark on tiny models: what it counts is known, times are only held to be sane."""

import pytest
import torch

from budget.benchmark import Benchmark, Load, calibrate, describe_machine
from budget.config_files import read_sizes
from budget.models import load_model
from budget.random_weights import random_model

LOAD = Load(batch_size=1, grids=1, text_tokens=20, new_tokens=3)


def peak(model, m, **more):
    return Benchmark(model.model, model.shape, LOAD._replace(**more)).peak_bytes(m)


def test_a_calibration_says_what_was_run(original):
    model, scales = original.model, original.model.ladder[:3]
    seen = []
    found = calibrate(
        model.model,
        model.shape,
        LOAD,
        [model.ladder[rung] for rung in range(3)],
        name="tiny",
        repeats=2,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert tuple(found.ladder) == tuple(scales)
    assert (found.model, found.dtype, found.repeats) == ("tiny", "float32", 2)
    assert (found.text_tokens, found.new_tokens) == (20, 3)
    assert seen == [(i, 9) for i in range(1, 10)]  # a round that is thrown away, and two
    for rung in found.rungs:
        assert rung.flops == model.cost(rung.num_visual_tokens, 20, 3).flops
        # The best of each, as on a busy machine a median of two may be anything.
        assert 0 < rung.prefill_ms.low < rung.total_ms.high
        assert rung.total_ms.low <= rung.total_ms.median <= rung.total_ms.high


def test_the_largest_scale_takes_longer_and_holds_more(m3):
    """Reading 596 positions instead of 21 is slower on any machine."""
    found = calibrate(m3.model.model, m3.model.shape, LOAD, (1, 576), name="m3", repeats=3)
    small, large = found.rungs
    assert large.prefill_ms.median > small.prefill_ms.median
    assert large.peak_bytes > small.peak_bytes


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_peak_memory_is_what_the_cost_model_says(name):
    """Within 15 %: activations while the prompt is read, and the cache of the prompt."""
    model = load_model(name)
    m = model.ladder[len(model.ladder) - 1]
    cost = model.cost(m, LOAD.text_tokens, 1)
    assert peak(model, m) == pytest.approx(cost.activation_bytes + cost.kv_bytes, rel=0.15)


def test_memory_grows_with_the_batch_and_the_tiles(m3):
    one = peak(m3.model, 144)
    assert peak(m3.model, 144, batch_size=3) == pytest.approx(3 * one, rel=0.1)
    assert peak(m3.model, 144, grids=5) > 2 * one


def test_the_same_seed_measures_the_same_work(m3):
    make = [Benchmark(m3.model.model, m3.model.shape, LOAD, seed=s) for s in (1, 1, 2)]
    pixels = [each._pixels for each in make]
    assert torch.equal(pixels[0], pixels[1])
    assert not torch.equal(pixels[0], pixels[2])


@pytest.mark.parametrize("more", [{"new_tokens": 1}, {"grids": 0}, {"batch_size": 0}])
def test_a_load_that_cannot_be_timed_is_refused(m3, more):
    with pytest.raises(ValueError, match="at least 2 new tokens, 1 grid and a batch of 1"):
        Benchmark(m3.model.model, m3.model.shape, LOAD._replace(**more))


def test_the_machine_is_described():
    machine = describe_machine(torch.device("cpu"))
    assert (machine.device, machine.torch) == ("cpu", torch.__version__)
    assert machine.threads == torch.get_num_threads()
    assert machine.device_name


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_random_weights_have_the_models_shape(name):
    sizes, shipped = read_sizes(name), load_model(name).model
    model = random_model(sizes.config, device="cpu", dtype=torch.bfloat16)
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (model, shipped)]
    assert shapes[0] == shapes[1]
    assert model.dtype == torch.bfloat16
    assert not any(p.is_meta for p in [*model.parameters(), *model.buffers()])
    found = calibrate(model, sizes.shape, LOAD, (4, 36), name=name, repeats=1, random_weights=True)
    assert (found.random_weights, found.dtype) == (True, "bfloat16")


def test_random_weights_are_usable_numbers():
    """Tables of positions are no parameters: they must be filled, not left as memory was."""
    sizes = read_sizes("m3")
    state = torch.random.get_rng_state()
    first, second = (
        random_model(sizes.config, device="cpu", dtype=torch.float32, seed=7) for _ in range(2)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    shipped = dict(load_model("m3").model.named_buffers())
    for name, buffer in first.named_buffers():
        if "inv_freq" in name:  # another base than the shipped model's, which no size depends on
            assert buffer[0] == 1
            assert (buffer.diff() < 0).all()
        else:
            assert torch.equal(buffer, shipped[name])
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.isfinite(one).all()
        assert torch.equal(one, other)


@pytest.mark.gpu
def test_a_benchmark_on_cuda():
    sizes = read_sizes("m3")
    model = random_model(sizes.config, device="cuda", dtype=torch.bfloat16)
    found = calibrate(model, sizes.shape, LOAD, (1, 144), name="m3", repeats=3)
    assert found.machine.device.startswith("cuda")
    assert 0 < found.rungs[0].peak_bytes < found.rungs[1].peak_bytes
