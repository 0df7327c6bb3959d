import pytest

from budget.errors import DataError
from oracle.curves import read_curves, read_metadata
from oracle.run_folder.parts import part_files, write_part
from oracle.run_folder.reading import read_errors
from oracle.run_folder.runner import sweep_to
from oracle.run_folder.tally import TooManyErrors
from oracle.sweeping import sweep


@pytest.fixture(params=["run", "run.parquet"])
def out(request, tmp_path):
    return tmp_path / request.param


def fails_on(*values):
    return lambda seen: ValueError("no") if set(seen) & set(values) else None


def names(failures):
    return [failure.sample_id for failure in failures]


def test_zero_stops_at_the_first_error_and_keeps_what_was_measured(toys, sick, tmp_path):
    out, model = tmp_path / "run", sick(fails_on(3, 7))
    with pytest.raises(TooManyErrors, match=r"stopped: 1 of 10 samples failed, first 'v3': Va"):
        sweep_to(out, model, toys.reader_dataset(range(10)), batch_size=2, max_errors=0)
    assert names(read_errors(out)) == ["v3"]
    assert 7 not in {value for seen in model.tried for value in seen}


def test_a_run_that_was_given_up_goes_on_with_a_larger_limit(toys, sick, assert_same, tmp_path):
    out, data = tmp_path / "run", toys.reader_dataset(range(10))
    sizes = {"batch_size": 2, "chunk_size": 2}
    with pytest.raises(TooManyErrors, match="larger --max-errors"):
        sweep_to(out, sick(fails_on(3, 7)), data, max_errors=0, **sizes)
    again = sick(fails_on(3, 7))
    with pytest.raises(TooManyErrors, match="1 of 10"):  # and says the same if nothing changed
        sweep_to(out, again, data, max_errors=0, **sizes)
    assert again.tried == []
    run = sweep_to(out, sick(fails_on(3, 7)), data, max_errors=2, **sizes)
    assert names(run.failures) == ["v3", "v7"]
    good = toys.reader_dataset([v for v in range(10) if v not in (3, 7)])
    assert_same(out, sweep(toys.ReaderVLM(), good))


def test_the_default_allows_a_twentieth_and_at_least_ten(toys, sick, tmp_path):
    bad = range(10, 20)
    run = sweep_to(tmp_path / "a", sick(fails_on(*bad)), toys.reader_dataset(range(30)))
    assert len(run.failures) == 10
    with pytest.raises(TooManyErrors, match="11 of 30"):
        sweep_to(
            tmp_path / "b", sick(fails_on(*bad, 20)), toys.reader_dataset(range(30)), batch_size=1
        )


def test_a_run_that_fails_from_the_start_is_given_up_after_ten(toys, sick, tmp_path):
    model = sick(lambda seen: ValueError("this model takes no images"))
    data = toys.reader_dataset([v % 256 for v in range(256)])
    with pytest.raises(TooManyErrors, match=r"10 of 256 .*this model takes no images") as caught:
        sweep_to(tmp_path / "run", model, data, batch_size=4)
    assert "\n" not in str(caught.value)
    assert len(model.tried) < 30


def test_a_run_none_of_whose_few_samples_can_be_measured_has_no_curves(toys, sick, out):
    model = sick(lambda seen: ValueError("no"))
    with pytest.raises(DataError, match="all 3 samples failed, first 'v0': ValueError: no"):
        sweep_to(out, model, toys.reader_dataset([0, 5, 10]))


def test_what_failed_is_left_alone_until_it_is_asked_for(toys, sick, assert_same, out):
    data = toys.reader_dataset(range(10))
    sizes = {"batch_size": 2, "chunk_size": 2}
    sweep_to(out, sick(fails_on(3, 7)), data, **sizes)
    model = sick(fails_on())
    assert names(sweep_to(out, model, data, **sizes).failures) == ["v3", "v7"]
    assert model.tried == []
    model = sick(fails_on(7))
    assert names(sweep_to(out, model, data, retry_errors=True, **sizes).failures) == ["v7"]
    assert {value for seen in model.tried for value in seen} == {3, 7}
    assert read_metadata(out)["errors"] == 1
    assert sweep_to(out, sick(fails_on()), data, retry_errors=True, **sizes).failures == []
    assert_same(out, sweep(toys.ReaderVLM(), data))  # in the dataset's order, as if never failed


def test_an_older_failure_is_not_counted_beside_a_newer_one(toys, sick, tmp_path):
    out, data = tmp_path / "run", toys.reader_dataset(range(10))
    sweep_to(out, sick(fails_on(3)), data)
    late = sick(lambda seen: KeyError("later") if 3 in seen else None)
    run = sweep_to(out, late, data, retry_errors=True)
    assert [failure.error for failure in run.failures] == ["KeyError: 'later'"]
    assert read_metadata(out)["errors"] == 1


def test_failures_count_once_their_part_is_there(toys, sick, tmp_path):
    """A kill between the two files of a part leaves samples that are simply run again."""
    out, data = tmp_path / "run", toys.reader_dataset(range(4))
    sweep_to(out, sick(fails_on(3)), data, batch_size=2, chunk_size=2)
    part_files(out)[-1].unlink()
    assert read_errors(out) == []
    assert sweep_to(out, sick(fails_on()), data, batch_size=2, chunk_size=2).failures == []
    assert len(read_curves(out)) == 4


def test_a_part_whose_samples_all_failed_is_a_part(toys, sick, tmp_path):
    out, data = tmp_path / "run", toys.reader_dataset(range(6))
    run = sweep_to(out, sick(fails_on(0, 1)), data, batch_size=2, chunk_size=2)
    assert names(run.failures) == ["v0", "v1"]
    assert len(part_files(out)) == 3
    assert read_curves(out).sample_ids.tolist() == ["v2", "v3", "v4", "v5"]


def test_errors_of_what_is_no_run_are_refused(tmp_path):
    with pytest.raises(DataError, match="no run of the oracle"):
        read_errors(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        read_errors(tmp_path / "absent.parquet")


def test_a_torn_write_leaves_neither_part_nor_rest(tmp_path):
    def torn(file):
        file.write(b"PAR1")
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        write_part(tmp_path, torn, [])
    assert list(tmp_path.iterdir()) == []
