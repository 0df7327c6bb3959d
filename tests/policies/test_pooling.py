import numpy as np
import pytest

from policies.pooling import COARSER, cells_of, coarser_sums, quarter_sums


@pytest.mark.parametrize("side", COARSER)
def test_cells_are_sums_of_blocks(side):
    grids = np.random.default_rng(0).integers(0, 4080, (2, 3, 24, 24)).astype(np.float32)
    step = 24 // side
    expected = grids.reshape(2, 3, side, step, side, step).sum(axis=(3, 5))
    assert (cells_of(coarser_sums(grids), side) == expected.reshape(2, 3, -1)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_quarters_are_sums_of_blocks_without_overflow(dtype):
    most = np.iinfo(dtype).max
    grids = np.random.default_rng(0).integers(0, most + 1, (2, 5, 8, 12)).astype(dtype)
    grids[1, 2] = most
    expected = grids.astype(np.int64).reshape(2, 5, 4, 2, 6, 2).sum(axis=(3, 5))
    assert (quarter_sums(grids) == expected).all()
