import numpy as np
import pytest

from policies.pooling import COARSER, block_sums, cells_of, coarser_sums


@pytest.mark.parametrize("side", COARSER)
def test_cells_are_sums_of_blocks(side):
    grids = np.random.default_rng(0).integers(0, 4080, (2, 3, 24, 24)).astype(np.float32)
    step = 24 // side
    expected = grids.reshape(2, 3, side, step, side, step).sum(axis=(3, 5))
    assert (cells_of(coarser_sums(grids), side) == expected.reshape(2, 3, -1)).all()


def test_sums_of_bytes_do_not_wrap_around():
    full = np.full((1, 96, 96), 255, dtype=np.uint8)
    assert (block_sums(full, 4, np.uint16) == 16 * 255).all()
