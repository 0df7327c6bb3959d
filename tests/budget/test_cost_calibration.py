import json

import pytest

from budget.cost_calibration import CostCalibration, read_calibration, write_calibration
from budget.errors import DataError


def spread(median):
    return {"median": median, "low": median - 0.1, "high": median + 0.1}


def content(**changes):
    rungs = [
        {
            "num_visual_tokens": m,
            "prefill_ms": spread(prefill),
            "decode_ms": spread(2.0),
            "total_ms": spread(prefill + 17.0),
            "peak_bytes": 1000 * m,
            "flops": 1e6 * m,
        }
        for m, prefill in ((1, 5.0), (4, 6.0), (16, 30.0))
    ]
    return {
        "format_version": 1,
        "kind": "cost-calibration",
        "model": "toy",
        "random_weights": False,
        "compiled": False,
        "created": "2026-11-21T12:00:00+00:00",
        "machine": {
            "platform": "Linux x86_64",
            "processor": "a processor, 2 cores",
            "device": "cpu",
            "device_name": "a processor",
            "threads": 2,
            "torch": "2.13.0",
        },
        "dtype": "float32",
        "batch_size": 1,
        "grids": 1,
        "text_tokens": 55,
        "new_tokens": 8,
        "repeats": 10,
        "vision_ms": spread(3.0),
        "rungs": rungs,
        **changes,
    }


def test_what_is_written_is_what_is_read(tmp_path):
    calibration = CostCalibration.model_validate(content())
    write_calibration(tmp_path / "deep" / "file.json", calibration)
    assert read_calibration(tmp_path / "deep" / "file.json") == calibration


def test_a_sample_costs_the_sum_of_its_parts():
    calibration = CostCalibration.model_validate(content())
    assert tuple(calibration.ladder) == (1, 4, 16)
    assert calibration.sample_ms() == [22.0, 23.0, 47.0]  # 3 + prefill + 7 x 2
    assert calibration.sample_ms(new_tokens=1) == [8.0, 9.0, 33.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format_version"),
        ({"kind": "policy"}, "kind"),
        ({"more": 1}, "more"),
        ({"repeats": "10"}, "repeats"),
        ({"grids": 0}, "grids"),
        ({"rungs": []}, "rungs"),
        ({"rungs": content()["rungs"][::-1]}, "strictly increasing"),
        ({"vision_ms": {"median": float("nan"), "low": 0.0, "high": 0.0}}, "vision_ms.median"),
        ({"machine": {"device": "cpu"}}, "machine.platform"),
    ],
)
def test_a_file_that_is_not_well_formed_is_one_line(tmp_path, changes, message):
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(content(**changes)))
    with pytest.raises(DataError) as refused:
        read_calibration(path)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(DataError, match="no calibration can be read at"):
        read_calibration(tmp_path / "absent.json")
    (tmp_path / "text.json").write_text("fast")
    with pytest.raises(DataError, match="the file: Invalid JSON"):
        read_calibration(tmp_path / "text.json")
    (tmp_path / "huge.json").write_bytes(b" " * 4_000_001)
    with pytest.raises(DataError, match="larger than 4000000 bytes"):
        read_calibration(tmp_path / "huge.json")
