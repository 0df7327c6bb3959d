"""Folds keep pictures whole, are about equal, and measure what they hold out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.errors import DataError
from budget.stable import stable_scores
from policies.folds import CrossValidation, picture_groups, split_folds
from policies.image_features import IMAGE_NAMES

COSTS = np.array([1.0, 4.0, 16.0])


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 40), min_size=30, max_size=120),
    st.integers(2, 5),
    st.integers(0, 5),
)
def test_folds_are_whole_groups_of_about_equal_size(groups, num_folds, seed):
    groups = np.array(groups)
    sizes = np.bincount(groups)
    if sizes.max() > len(groups) / num_folds:  # groups that mean nothing are not kept
        sizes = np.ones(len(groups))
    elif (sizes > 0).sum() < num_folds:
        return
    folds = split_folds(groups, num_folds, seed)
    held = np.bincount(folds, minlength=num_folds)
    assert held.max() - held.min() <= sizes.max()
    assert (held > 0).all()
    if sizes.max() > 1:
        assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
    assert (folds == split_folds(groups, num_folds, seed)).all()


def test_other_seeds_are_other_folds():
    groups = np.arange(200)
    agree = (split_folds(groups, 5, 0) == split_folds(groups, 5, 1)).mean()
    assert 0.05 < agree < 0.4


def test_without_pictures_samples_are_drawn_one_by_one():
    held = np.bincount(split_folds(np.zeros(50, dtype=int), 5, 0))
    assert held.tolist() == [10] * 5


@pytest.mark.parametrize(("n", "num_folds"), [(3, 4), (0, 2)])
def test_too_few_samples_are_refused(n, num_folds):
    with pytest.raises(DataError, match=f"{num_folds} folds need as many samples, got {n}"):
        split_folds(np.arange(n), num_folds, 0)
    with pytest.raises(ValueError, match="num_folds must be at least 2, got 1"):
        split_folds(np.arange(n), 1, 0)


def test_pictures_are_told_by_their_features_and_not_by_the_question():
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(4, len(IMAGE_NAMES)))
    of = np.array([2, 0, 1, 2, 3, 0])
    features = np.hstack([pictures[of], rng.normal(size=(6, 9))])
    groups = picture_groups(features)
    assert ((groups[:, None] == groups) == (of[:, None] == of)).all()


class Told:
    """Predicts what its columns say, and remembers what it was fitted on."""

    def fit(self, X, y):
        self.seen = X[:, 3]
        return self

    def predict(self, X):
        assert not np.isin(X[:, 3], self.seen).any()
        return X[:, :3]


def test_the_oracle_closes_the_whole_gap_of_every_fold_and_a_constant_none():
    rng = np.random.default_rng(0)
    scores = (np.arange(3) >= rng.integers(0, 4, size=90)[:, None]).astype(float)
    names = np.arange(90)[:, None]
    folds = split_folds(np.arange(90), 3, 0)
    told = CrossValidation(np.hstack([stable_scores(scores), names]), scores, COSTS, folds)
    assert [told.measure(Told(), fold) for fold in range(len(told))] == pytest.approx([1.0] * 3)
    same = np.tile([0.0, 0.5, 1.0], (90, 1))
    constant = CrossValidation(np.hstack([same, names]), scores, COSTS, folds)
    assert all(constant.measure(Told(), fold) <= 1e-9 for fold in range(3))


def test_scores_without_a_gap_are_refused():
    with pytest.raises(DataError, match=r"on fold 0 .10 samples. the stable oracle gains nothing"):
        CrossValidation(np.zeros((20, 2)), np.ones((20, 3)), COSTS, np.arange(20) % 2)
