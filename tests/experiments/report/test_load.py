"""Runs as a report takes them: data joined by id, groups, and what policies make of them."""

import numpy as np
import pytest

from budget.errors import DataError
from experiments.report.groups import GroupChoice, parse_groups
from experiments.report.load import Asked, load_runs
from experiments.report.places import find_places
from oracle.curves import read_curves, read_metadata, write_curves
from policies.cli import get_readers
from policies.policy_files import load_policy


def load(place, name="test.parquet", *, data="test-data.parquet", fit=(), **asked):
    places = find_places(
        [f"{place}/{name}"],
        data=[f"{place}/{data}"] if data else [],
        split=(),
        fit=[place / each for each in fit],
        fit_split="fit",
    )
    return load_runs(get_readers(), places, Asked(**asked))[0]


def test_questions_images_and_answers_come_in_the_order_of_the_curves(place, tmp_path):
    curves = read_curves(place / "test.parquet")
    shuffled = curves.select(curves.sample_ids[::-1])
    write_curves(tmp_path / "r.parquet", shuffled, read_metadata(place / "test.parquet"))
    (tmp_path / "test-data.parquet").symlink_to(place / "test-data.parquet")
    one, other = load(place), load(tmp_path, "r.parquet")
    assert other.samples.questions == one.samples.questions[::-1]
    assert other.samples.references == one.samples.references[::-1]
    first, last = (np.asarray(run.samples.images(i)[0]) for run, i in ((one, 0), (other, 59)))
    assert (first == last).all()


def test_data_of_the_run_are_known_by_their_hash_and_others_too(place):
    # The run was made of 6,000 samples; these are the first 60 of them.
    run = load(place)
    assert run.about["data_same"] is False
    assert run.about["data_given"] != run.about["data"]
    assert run.about["dataset"] == f"{place}/test-data.parquet"


def test_without_data_there_are_no_samples_and_the_groups_are_the_runs(place):
    run = load(place, data=None)
    assert run.samples is None
    assert run.grouped_by == "the run's own column 'group'"
    assert (run.curves.groups == read_curves(place / "test.parquet").groups).all()


def test_clusters_group_the_run_by_its_questions(place):
    run = load(place, groups=parse_groups("clusters:3"))
    assert len(set(run.curves.groups.tolist())) == 3
    assert run.grouped_by.startswith("3 clusters of questions by their words")


def test_groups_of_a_column_hold_for_the_fit_curves_too(place, tmp_path):
    for name in ("test", "calibration"):
        (tmp_path / f"{name}.parquet").symlink_to(place / f"{name}.parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    both = [pq.read_table(place / f"{name}-data.parquet") for name in ("test", "calibration")]
    pq.write_table(pa.concat_tables(both), tmp_path / "test-data.parquet")
    choice = GroupChoice(column="density")
    run = load(tmp_path, fit=["calibration.parquet"], groups=choice)
    wanted = dict(zip(both[1]["id"].to_pylist(), both[1]["density"].to_pylist(), strict=True))
    assert run.fit.groups.tolist() == [str(wanted[name]) for name in run.fit.sample_ids.tolist()]


def test_policies_say_what_they_would_say_of_the_samples(place, tmp_path):
    run = load(place, policies=("m3",), features_cache=tmp_path)
    (judged,) = run.policies
    policy = load_policy("experiments/scenes/weights/m3/policy")
    images = [run.samples.images(row)[0] for row in range(5)]
    said = policy.choose(images, run.samples.questions[:5]).scores
    np.testing.assert_allclose(judged.expected[:5], said, atol=1e-9)
    assert judged.price == policy.prices["no-loss"]
    assert judged.features.shape[0] == 60
    assert list(tmp_path.glob("features-*.npz"))


def test_whether_samples_were_held_out_is_said_only_with_fit_curves(place):
    (judged,) = load(place, policies=("m3",)).policies
    assert judged.held_out is None
    (judged,) = load(place, policies=("m3",), fit=["calibration.parquet"]).policies
    assert judged.held_out is True


def test_all_runs_are_checked_before_any_data_are_read(place):
    places = find_places(
        [f"{place}/test.parquet", f"{place}/none.parquet"],
        data=["no such data"],
        split=(),
        fit=(),
        fit_split="fit",
    )
    with pytest.raises(DataError, match=r"none\.parquet"):
        load_runs(get_readers(), places, Asked(groups=parse_groups("clusters")))
