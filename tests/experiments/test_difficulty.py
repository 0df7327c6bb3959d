"""A gap that follows the hidden difficulty is closed by it; a gap that is luck is not."""

import numpy as np
import pytest

from experiments.scenes.card import bars
from experiments.scenes.data import load_scenes
from experiments.scenes.difficulty import hidden_features, measure_real_gap

TOKENS = np.array([1.0, 4.0, 9.0, 36.0, 144.0])


@pytest.fixture(scope="module")
def splits():
    return load_scenes("fit", 600), load_scenes("test", 600)


def _scores(things, needed):
    """Right from the rung on that the number of things needs."""
    return (np.arange(5)[None, :] >= needed(np.asarray(things))[:, None]).astype(float)


def test_difficulty_that_decides_closes_nearly_all(splits):
    def by_things(things):
        return np.searchsorted([2, 6, 12, 30], things, side="right")

    fit, test = splits
    gap = measure_real_gap(
        fit,
        _scores(fit["things"][:], by_things),
        test,
        _scores(test["things"][:], by_things),
        TOKENS,
        np.random.default_rng(0),
    )
    assert gap.hidden.gap.stable > 0.9
    assert gap.hidden.stable[0] < gap.hidden.gap.stable < gap.hidden.stable[1] + 1e-9
    assert gap.per_group.gap.stable < 0.5


def test_luck_cannot_be_closed(splits):
    fit, test = splits
    rng = np.random.default_rng(1)

    def luck(things):
        return rng.integers(0, 5, len(things))

    gap = measure_real_gap(
        fit,
        _scores(fit["things"][:], luck),
        test,
        _scores(test["things"][:], luck),
        TOKENS,
        rng,
    )
    assert abs(gap.hidden.gap.stable) < 0.15


def test_hidden_features_are_number_size_and_one_group(splits):
    features = hidden_features(splits[1])
    assert features.shape == (600, 10)
    assert (features[:, 2:].sum(axis=1) == 1).all()
    assert (features[:, :2] > 0).all()


def test_bars_say_what_is_missed():
    figures = {
        "accuracy": [0.5, 0.6, 0.7, 0.85, 0.9],
        "groups": {"word": [0.4, 0.5, 0.6, 0.7, 0.74], "digit": [0.5, 0.6, 0.7, 0.8, 0.9]},
        "vision_share": 0.24,
        "hidden_gap_closed_stable": [0.5, 0.45, 0.55],
        "per_group_gap_closed_stable": [0.26, 0.2, 0.3],
    }
    verdicts = {name: met for name, _, _, met in bars(figures)}
    assert verdicts == {
        "full scale": True,
        "worst group at full scale (word)": False,
        "smallest scale": True,
        "steps that gain 0.03": True,
        "hidden difficulty closes": True,
        "per-group fixed closes": False,
        "vision share of FLOPs": True,
    }


def test_mqt_is_held_against_the_m3_that_ships():
    figures = {
        "accuracy": [0.5, 0.6, 0.7, 0.8, 0.84],
        "groups": {"word": [0.4, 0.5, 0.6, 0.7, 0.6]},
        "m3_full_accuracy": 0.9,
        "vision_share": 0.24,
    }
    verdicts = {name: (asked, met) for name, _, asked, met in bars(figures)}
    assert verdicts["full scale"] == (">= 0.85", False)
    assert verdicts["smallest scale"][1]
    assert "worst group at full scale (word)" not in verdicts
