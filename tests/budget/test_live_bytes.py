import torch

from budget.live_bytes import LiveBytes


def test_what_is_freed_is_no_longer_alive():
    with LiveBytes() as memory:
        first = torch.zeros(100)
        assert memory.live == 400
        second = first + 1
        del first
        assert (memory.live, memory.peak) == (400, 800)
        del second
    assert (memory.live, memory.peak) == (0, 800)


def test_what_was_there_before_does_not_count():
    weights = torch.zeros(1000)
    with LiveBytes() as memory:
        view = weights.view(10, 100)[2]
        weights += 1
        assert memory.peak == 0
        copied = view.clone()
    assert memory.live == copied.numel() * 4


def test_views_share_one_storage():
    with torch.inference_mode(), LiveBytes() as memory:
        whole = torch.zeros(100)
        part = whole[:10]
        del whole
        assert memory.live == 400  # the part keeps it alive
        del part
        assert memory.live == 0


def test_it_counts_again_from_zero():
    with LiveBytes():
        kept = torch.zeros(10)
    with LiveBytes() as memory:
        kept = kept * 2
    assert (memory.live, memory.peak) == (40, 40)
