"""The shipped curves are those of the shipped weights, and their splits share no sample."""

from itertools import combinations

import numpy as np
import pytest

from budget.shipped import shipped_folder
from experiments.scenes.curves import shipped_curves
from oracle.curves import read_curves, read_metadata
from oracle.run_folder.manifest import weights_hash

SPLITS = ("fit", "fit-large", "calibration", "test")


@pytest.fixture(scope="module")
def curves():
    return {split: read_curves(shipped_curves("m3", split)) for split in SPLITS}


@pytest.mark.parametrize("split", SPLITS)
def test_they_were_measured_with_the_shipped_weights(split):
    about = read_metadata(shipped_curves("m3", split))
    assert about["weights"] == weights_hash(shipped_folder("m3"))


def test_no_sample_is_in_two_splits(curves):
    for one, other in combinations(SPLITS, 2):
        assert not np.intersect1d(curves[one].sample_ids, curves[other].sample_ids).size


def test_the_large_one_knows_scores_alone(curves):
    assert len(curves["fit-large"]) == 30_000
    assert np.isnan(curves["fit-large"].confidence).all()
    means = [curves[split].scores.mean(axis=0) for split in ("fit", "fit-large")]
    np.testing.assert_allclose(*means, atol=0.015)


def test_there_are_enough_to_measure_on(curves):
    assert len(curves["test"]) >= 5000
    full = curves["test"].scores[:, -1].mean()
    assert 0.88 <= full < 1
    assert (np.diff(curves["test"].scores.mean(axis=0)) > 0.03).all()


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="'train'; there are fit, fit-large, calibration, test"):
        shipped_curves("m3", "train")
