"""The original checkpoints, loaded once, with what the original code computed from them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from budget.models import load_model

FIXTURES = Path(__file__).parent.parent / "fixtures"
HEADS = {"m3_original": None, "m3_next_original": None, "mqt_original": 4}


@dataclass(frozen=True)
class Original:
    """One original checkpoint, the loaded model and the recorded truth."""

    folder: Path
    num_heads: int | None
    model: object
    expected: dict
    arrays: dict
    images: list
    questions: list

    @property
    def cases(self):
        return self.expected["cases"]

    def case_samples(self):
        """Image and question of every recorded case."""
        rows = [case["sample"] for case in self.cases]
        return [self.images[i] for i in rows], [self.questions[i] for i in rows]

    def greedy_ids(self, case):
        """What greedy decoding gave; a start token that the recorder kept in front is cut."""
        ids = case["generated_ids"]
        return tuple(ids[1:] if ids[0] == 1 else ids)


def read_original(name):
    folder = FIXTURES / name
    expected = json.loads((folder / "expected.json").read_text())
    return Original(
        folder=folder,
        num_heads=HEADS[name],
        model=load_model(folder, num_heads=HEADS[name]),
        expected=expected,
        arrays=dict(np.load(folder / "expected.npz")),
        images=[Image.open(folder / file).copy() for file in expected["images"]],
        questions=expected["questions"],
    )


@pytest.fixture(scope="session")
def m3():
    return read_original("m3_original")


@pytest.fixture(scope="session")
def m3_next():
    return read_original("m3_next_original")


@pytest.fixture(scope="session")
def mqt():
    return read_original("mqt_original")


@pytest.fixture(scope="session", params=["m3", "m3_next", "mqt"])
def original(request):
    return request.getfixturevalue(request.param)
