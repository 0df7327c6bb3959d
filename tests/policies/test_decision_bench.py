import json

import numpy as np
import pytest

from budget.budgets import Decision
from budget.ladder import ScaleLadder
from experiments.cli import run
from policies.decision_bench import BATCH, photographs, time_decisions
from policies.features import current_schema
from policies.pricing import fit_score_policy
from policies.scores import LightGBMScores


class Remembers:
    """Chooses the first rung and remembers what it was asked."""

    ladder = ScaleLadder((1, 4))

    def __init__(self):
        self.asked = []

    def choose(self, images, questions, *, budget=None):
        self.asked.append((list(images), list(questions)))
        return Decision(np.zeros(len(questions), dtype=np.int64), np.zeros((len(questions), 2)))


def test_every_kind_of_request_is_asked_and_no_question_twice():
    policy = Remembers()
    told = []
    found = time_decisions(
        policy, repeats=20, rng=np.random.default_rng(0), progress=lambda *done: told.append(done)
    )
    kinds = [images[0] for images, _ in policy.asked]
    sizes = {None if isinstance(image, bytes) else image.size for image in kinds}
    assert sizes == {(336, 336), (1920, 1080), None}
    assert [len(images) for images, _ in policy.asked] == [1] * 90 + [BATCH] * 12  # 10 warm up
    questions = [q for _, batch in policy.asked[:30] for q in batch]
    assert len(set(questions)) == 30
    assert told[-1] == (4, 4)
    assert all(0 < latency.p50 <= latency.p99 for latency in found)


def test_pictures_come_from_the_seed():
    one, other = (list(photographs((64, 64), 4, np.random.default_rng(3))) for _ in range(2))
    assert one == other
    assert len({image.tobytes() for image in one}) == 4


@pytest.fixture
def policy_folder(tmp_path):
    rng = np.random.default_rng(0)
    width = len(current_schema())
    policy = fit_score_policy(
        fit_features=rng.random((60, width)),
        fit_scores=rng.random((60, 3)),
        calibration_features=rng.random((40, width)),
        calibration_scores=rng.random((40, 3)),
        ladder=ScaleLadder((1, 9, 36)),
        predictor=LightGBMScores(max_trees=5, min_data_in_leaf=3),
    )
    policy.save(tmp_path / "policy")
    return tmp_path / "policy"


def test_the_command_prints_json_last(policy_folder, capsys):
    assert run(["bench", "decide", "--policy", str(policy_folder), "--repeats", "3"]) == 0
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    for name in ("336", "1080p", "jpeg_1080p"):
        assert 0 < found[f"p50_ms_{name}"] <= found[f"p99_ms_{name}"]
    assert found["per_second_batch64"] > 0
    assert found["rungs"] == 3


def test_a_folder_without_policy_is_refused(tmp_path, capsys):
    assert run(["bench", "decide", "--policy", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("budget: no policy file can be read at")
