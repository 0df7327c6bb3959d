"""Features are computed once, and never taken for those of something else."""

from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from budget.errors import DataError
from policies.features import featurize
from policies.features_cache import SampleSource
from policies.reading import Readers, refuse_overlap


class Curves(NamedTuple):
    sample_ids: np.ndarray


class Toy:
    """Eight rows in memory; counts how often it is opened."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.opened = 0
        self.rows = {
            "id": [f"s{i}" for i in range(8)],
            "image": [
                Image.fromarray(rng.integers(0, 255, (12, 12, 3), np.uint8)) for _ in range(8)
            ],
            "question": [f"How many of {i}?" for i in range(8)],
            "things": list(range(8)),
            "word": ["many"] * 8,
        }

    def read(self, data, split, needed):
        self.opened += 1
        return self

    def __getitem__(self, key):
        if isinstance(key, str):
            return self.rows[key]
        return {name: [values[i] for i in key] for name, values in self.rows.items()}

    def source(self, folder=None, **more):
        return SampleSource(Readers(None, self.read), "toy", folder=folder, **more)


@pytest.fixture
def toy():
    return Toy()


def curves(*numbers):
    return Curves(np.array([f"s{i}" for i in numbers]))


def test_rows_come_in_the_order_of_the_curves(toy, tmp_path):
    whole = featurize(toy.rows["image"], toy.rows["question"])
    for _ in range(2):  # computed, then read
        found = toy.source(tmp_path).features(curves(5, 0, 3), "test")
        assert found.features.tolist() == whole[[5, 0, 3]].tolist()
        assert found.feature_ms > 0
    assert toy.opened == 1


def test_a_part_of_what_is_kept_needs_no_data(toy, tmp_path):
    everything = toy.source(tmp_path).features(curves(*range(8)), "test")
    part = toy.source(tmp_path).features(curves(2, 7), "test")
    assert toy.opened == 1
    assert part.features.tolist() == everything.features[[2, 7]].tolist()
    assert part.feature_ms == everything.feature_ms


@pytest.mark.parametrize("change", ["sample", "split", "choice"])
def test_what_is_not_the_same_is_computed_anew(toy, tmp_path, change):
    toy.source(tmp_path).features(curves(1, 2), "test")
    choice = "other" if change == "choice" else None
    source = toy.source(tmp_path, choice=choice)
    wanted = curves(1, 3) if change == "sample" else curves(1, 2)
    source.features(wanted, "fit" if change == "split" else "test")
    assert toy.opened == 2


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not whole", b"hello"])
def test_a_damaged_file_is_written_anew(toy, tmp_path, damage):
    first = toy.source(tmp_path).features(curves(1, 2), "test")
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    again = toy.source(tmp_path).features(curves(1, 2), "test")
    assert again.features.tolist() == first.features.tolist()
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert toy.source(tmp_path).features(curves(2), "test").features.shape[0] == 1
    assert toy.opened == 2


def test_a_pickled_array_is_never_loaded(toy, tmp_path):
    toy.source(tmp_path).features(curves(1, 2), "test")
    (file,) = tmp_path.iterdir()
    np.savez(file, ids=np.array([{"run": "me"}], dtype=object), features=np.zeros((1, 1)))
    assert toy.source(tmp_path).features(curves(1, 2), "test").features.shape[0] == 2
    assert toy.opened == 2


def test_hidden_columns_go_with_their_samples(toy, tmp_path):
    for _ in range(2):
        found = toy.source(tmp_path, hidden=("things",)).hidden_columns(curves(6, 1), "test")
        assert {name: values.tolist() for name, values in found.items()} == {"things": [6.0, 1.0]}


def test_one_source_opens_its_data_once(toy):
    source = toy.source(hidden=("things",))
    source.features(curves(1), "test")
    source.hidden_columns(curves(1), "test")
    assert toy.opened == 1


def test_hidden_columns_of_words_are_refused(toy):
    with pytest.raises(DataError, match="hidden column 'word' must hold numbers"):
        toy.source(hidden=("word",)).hidden_columns(curves(1), "test")


def test_splits_that_share_samples_are_refused():
    refuse_overlap("fit", curves(1, 2), "evaluated", curves(3))
    with pytest.raises(DataError, match=r"fit and the evaluated curves share 1 samples.*'s2'"):
        refuse_overlap("fit", curves(1, 2), "evaluated", curves(2, 3))
