import dataclasses

import numpy as np
import pytest
import torch

from oracle.curves import read_curves
from oracle.data import load_dataset_columns, table_of
from oracle.question_table import QuestionTable
from oracle.run_folder.out_of_memory import is_out_of_memory
from oracle.run_folder.reading import read_errors
from oracle.run_folder.runner import sweep_to
from oracle.sweeping import sweep

VALUES = list(range(0, 80, 5))  # 16 samples


def red(values, error):
    """Fails on every batch in which one of these values is."""
    return lambda seen: error if set(seen) & set(values) else None


def larger_than(size, error):
    return lambda seen: error if len(seen) > size else None


def sizes_tried(model):
    return [len(seen) for seen in model.tried]


@pytest.mark.parametrize("name", ["run", "run.parquet"])
def test_a_bad_sample_costs_itself_alone(toys, sick, assert_same, tmp_path, name):
    model = sick(red([35, 70], ValueError("prompt of 5000 tokens\nis too long")))
    run = sweep_to(tmp_path / name, model, toys.reader_dataset(VALUES), batch_size=16)
    assert [tuple(failure) for failure in run.failures] == [
        (7, "v35", "ValueError: prompt of 5000 tokens is too long"),
        (14, "v70", "ValueError: prompt of 5000 tokens is too long"),
    ]
    assert read_errors(tmp_path / name) == run.failures
    good = [value for value in VALUES if value not in (35, 70)]
    assert_same(tmp_path / name, sweep(toys.ReaderVLM(), toys.reader_dataset(good)))


def test_a_batch_is_halved_until_the_culprit_is_alone(toys, sick, tmp_path):
    model = sick(red([75], ValueError("no")))
    sweep_to(tmp_path / "run", model, toys.reader_dataset(VALUES), batch_size=16)
    warm_up = 1
    assert sizes_tried(model) == [warm_up, 16, 8, 8, 4, 4, 2, 2, 1, 1]


def test_a_first_sample_that_cannot_be_the_warm_up_does_no_harm(toys, sick, tmp_path):
    model = sick(red([0], ValueError("no")))
    run = sweep_to(tmp_path / "run", model, toys.reader_dataset(VALUES), batch_size=16)
    assert [failure.sample_id for failure in run.failures] == ["v0"]


def test_an_image_that_cannot_be_decoded_costs_its_own_sample(toys, tmp_path):
    def torn(row):
        return {"image": {"bytes": b"torn", "path": None}} if row["id"] == "v10" else row

    data = toys.reader_dataset([0, 5, 10, 15]).cast_column("image", toys.Image(decode=False))
    data.map(torn).cast_column("image", toys.Image()).to_parquet(tmp_path / "data.parquet")
    dataset = load_dataset_columns(str(tmp_path / "data.parquet"))
    run = sweep_to(tmp_path / "run", toys.ReaderVLM(), dataset)
    assert [(failure.row, failure.sample_id) for failure in run.failures] == [(2, "v10")]
    assert "data.parquet, row 2 (id 'v10')" in run.failures[0].error
    assert read_curves(tmp_path / "run").sample_ids.tolist() == ["v0", "v5", "v15"]


@pytest.mark.parametrize("confidence", [np.nan, -np.inf])
def test_an_answer_without_a_finite_confidence_is_an_error(toys, tmp_path, confidence):
    class Overflows(toys.ReaderVLM):
        def answer(self, *args, **kwargs):
            answers = super().answer(*args, **kwargs)
            return [
                dataclasses.replace(a, confidence=confidence) if a.text == "5" else a
                for a in answers
            ]

    run = sweep_to(tmp_path / "run", Overflows(), toys.reader_dataset([0, 5, 10]))
    said = f"ValueError: confidence of an answer must be finite, got {confidence}"
    assert [tuple(failure) for failure in run.failures] == [(1, "v5", said)]


def test_a_scorer_that_fails_does_not_run_the_model_again(toys, tmp_path):
    data = toys.reader_dataset([5, 50]).remove_columns("answers")
    data = data.add_column("answers", [["A"], ["A"]])
    data = data.add_column("options", [["5", "50"], ["50"] * 27])
    model = toys.ReaderVLM()
    run = sweep_to(tmp_path / "run", model, data, scorer="choice")
    assert [failure.sample_id for failure in run.failures] == ["v50"]
    assert "at most 26 texts" in run.failures[0].error
    assert len(model.calls) == 1 + 3


OUT_OF_MEMORY = [
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    MemoryError(),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate "
        "memory: you tried to allocate 9 bytes. Error code 12 (Cannot allocate memory)"
    ),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_batches_that_do_not_fit_are_halved_and_stay_halved(toys, sick, tmp_path, error):
    model, lines = sick(larger_than(5, error)), []
    data = toys.reader_dataset(range(48))
    run = sweep_to(tmp_path / "run", model, data, batch_size=16, notify=lines.append)
    assert run.failures == []
    warm_up = 1
    assert sizes_tried(model)[warm_up:] == [16, 8] + [4] * 12
    assert lines == ["memory ran out with 16 samples at once; going on with 4"]
    assert read_curves(tmp_path / "run").sample_ids.tolist() == data["id"][:]


def test_a_sample_that_does_not_fit_alone_does_not_keep_batches_small(toys, sick, tmp_path):
    model, lines = sick(red([0], MemoryError("huge"))), []
    data = toys.reader_dataset(range(32))
    run = sweep_to(tmp_path / "run", model, data, batch_size=16, notify=lines.append)
    assert [tuple(failure) for failure in run.failures] == [(0, "v0", "MemoryError: huge")]
    assert sizes_tried(model)[-1] == 16
    assert lines == []


def test_what_torch_itself_says_when_memory_runs_out_is_understood():
    with pytest.raises(RuntimeError) as caught:  # its text is what is tested
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_what_memory_is_to_blame_for_is_seen_through_what_was_raised_from_it():
    outer = ValueError("cannot encode")
    outer.__cause__ = MemoryError()
    assert is_out_of_memory(outer)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.gpu
def test_a_real_device_that_is_full_only_makes_batches_smaller(toys, tmp_path):
    class Hungry(toys.ReaderVLM):
        def encode(self, images):
            fifth = torch.cuda.mem_get_info()[1] // 5  # of the device's memory, for each image
            torch.empty(len(images), fifth, device="cuda", dtype=torch.uint8)
            return super().encode(images)

    lines, data = [], toys.reader_dataset(range(16))
    run = sweep_to(tmp_path / "run", Hungry(), data, batch_size=8, notify=lines.append)
    assert run.failures == []
    assert lines == ["memory ran out with 8 samples at once; going on with 4"]


def test_the_whole_dataset_is_never_held(toys, tmp_path, monkeypatch):
    """Images are decoded one by one, as they are needed."""
    read, seen = QuestionTable._read, []

    def watched(self, numbers):
        if "image" in self.column_names:
            seen.append(list(numbers))
        return read(self, numbers)

    monkeypatch.setattr(QuestionTable, "_read", watched)
    data = table_of(toys.reader_dataset(range(12)))
    sweep_to(tmp_path / "run", toys.ReaderVLM(), data, batch_size=4)
    assert seen == [[row] for row in range(12)]
