"""MQT's starting values: every prefix of the queries covers the picture, each query its place."""

import numpy as np
import pytest
import torch

from budget.resampler import QueryResampler
from experiments.train.spread import farthest_order, spread_queries


@pytest.mark.parametrize("side", [2, 6, 12])
def test_order_visits_every_cell_once(side):
    assert sorted(farthest_order(side)) == list(range(side * side))


def test_prefixes_cover_the_grid_ever_more_finely():
    rows, columns = np.divmod(np.arange(144), 12)
    order = farthest_order(12)

    def farthest_cell(count):
        apart = np.hypot(
            rows[:, None] - rows[order[:count]], columns[:, None] - columns[order[:count]]
        )
        return apart.min(axis=1).max()

    radii = [farthest_cell(count) for count in (1, 4, 9, 36, 72)]
    assert radii == sorted(radii, reverse=True)
    assert radii[-1] <= np.sqrt(2)


def test_queries_look_around_their_own_place():
    resampler = QueryResampler(144, 128, 192, 4)
    spread_queries(resampler, torch.Generator().manual_seed(0))
    weights = resampler.attention_weights(144).mean(dim=0).detach().numpy()
    rows, columns = np.divmod(np.arange(144), 12)
    order = farthest_order(12)
    apart = np.hypot(rows[order][:, None] - rows[None], columns[order][:, None] - columns[None])
    assert (weights * apart).sum(axis=1).mean() < 2  # a uniform look is 6 cells away on average
    assert weights[np.arange(144), order].mean() > 0.25
