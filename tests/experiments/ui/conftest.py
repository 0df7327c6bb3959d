"""The shipped model behind a desk, and a scene to ask about, made once per file."""

import pytest

from experiments.ui.answering import Answerer
from experiments.ui.desk import Desk
from experiments.ui.examples import draw_examples
from experiments.ui.loading import load_world


@pytest.fixture(scope="module")
def desk():
    return Desk(Answerer(load_world("m3")))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return draw_examples(tmp_path_factory.mktemp("scenes"), 4)
