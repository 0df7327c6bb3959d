import json

import numpy as np
import pytest
from toy_times import call_cost, times_content, toy_times

from budget.errors import DataError
from budget.time_model import read_times, write_times

EVEN = call_cost(fixed=9.0, row=0.5, token=0.1, pair=0.001)
PADDED = call_cost(fixed=10.0, row=0.5, token=0.1, pair=0.002)
STEP = call_cost(fixed=6.0, row=0.2, token=0.003)


@pytest.fixture
def times():
    return toy_times(EVEN, PADDED, STEP)


def test_what_is_written_is_what_is_read(tmp_path, times):
    write_times(tmp_path / "deep" / "times.json", times)
    assert read_times(tmp_path / "deep" / "times.json") == times


def test_a_batch_is_its_prefill_and_every_step_at_its_own_length(times):
    prefill = 9.0 + 0.5 * 4 + 0.1 * 4 * 30 + 0.001 * 4 * 30**2
    steps = [6.0 + 0.2 * 4 + 0.003 * 4 * (30 + s) for s in (1, 2, 3)]
    assert times.batch_ms(4, 30, False, 4) == pytest.approx(prefill + sum(steps))
    assert times.batch_ms(4, 30, False, 1) == pytest.approx(prefill)
    assert times.batch_ms(4, 30, False) == times.batch_ms(4, 30, False, 2)  # what is expected


def test_padding_has_a_price_of_its_own(times):
    dearer = 1.0 + 0.001 * 4 * 30**2
    assert times.batch_ms(4, 30, True) - times.batch_ms(4, 30, False) == pytest.approx(dearer)


def test_arrays_are_taken_element_by_element(times):
    rows, length = np.array([1, 2, 8]), np.array([[10], [50]])
    padded = np.array([[False, True, True], [False, False, True]])
    found = times.batch_ms(rows, length, padded)
    assert found.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            alone = times.batch_ms(int(rows[j]), int(length[i, 0]), bool(padded[i, j]))
            assert found[i, j] == pytest.approx(float(alone))


def test_more_rows_and_longer_prompts_never_take_less(times):
    found = times.batch_ms(np.arange(1, 40)[:, None], np.arange(1, 400, 7), True)
    assert (np.diff(found, axis=0) > 0).all()
    assert (np.diff(found, axis=1) > 0).all()


def test_images_are_encoded_in_batches(times):
    assert times.encode_ms(0) == 0.0
    assert times.encode_ms(32) == pytest.approx(4.0 + 7.0 * 32)
    assert times.encode_ms(33) == pytest.approx(2 * 4.0 + 7.0 * 33)


def test_a_sample_has_its_share_of_a_full_batch(times):
    (short, long) = times.sample_ms(8, [20, 160], new_tokens=np.array([2, 3]))
    images = (4.0 + 7.0 * 8) / 8
    assert short == pytest.approx(float(times.batch_ms(8, 20, False, 2)) / 8 + images + 0.1)
    assert long == pytest.approx(float(times.batch_ms(8, 160, False, 3)) / 8 + images + 0.1)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"kind": "cost-calibration"}, "kind: Input should be 'time-model'"),
        ({"new_tokens": 0}, "new_tokens: Input should be greater than or equal to 1"),
        ({"text_ms": -1.0}, "text_ms: Input should be greater than or equal to 0"),
        ({"even": {"prefill": call_cost(token=-1.0), "step": STEP}}, "even.prefill.token"),
        ({"speed": 1}, "speed: Extra inputs are not permitted"),
    ],
)
def test_a_file_that_is_not_well_formed_is_refused(tmp_path, changes, line):
    path = tmp_path / "times.json"
    path.write_text(json.dumps(times_content(EVEN, PADDED, STEP) | changes))
    with pytest.raises(DataError, match=r"times\.json") as found:
        read_times(path)
    assert line in str(found.value)


def test_no_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match="no time model can be read at"):
        read_times(tmp_path / "none.json")
