"""``budget policy importance``, ``why`` and ``background`` from options to words and JSON."""

import csv
import json
from typing import NamedTuple

import datasets
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import policies.cli
from budget.ladder import ScaleLadder
from policies import featurize, load_policy
from policies.feature_groups import GROUPS
from policies.logistic import LogisticScores
from policies.pricing import fit_score_policy

QUESTION = "How many?"
COLUMNS = datasets.Features(
    {
        "id": datasets.Value("string"),
        "image": datasets.Image(),
        "question": datasets.Value("string"),
    }
)


class Curves(NamedTuple):
    sample_ids: np.ndarray
    groups: np.ndarray
    scales: tuple[int, ...]
    scores: np.ndarray
    flops: np.ndarray
    seconds: np.ndarray

    @property
    def num_visual_tokens(self):
        return np.tile(self.scales, (len(self.scores), 1))


def samples(n, name, scales=(1, 4, 16)):
    """Bright pictures need more tokens than dark ones."""
    levels = 12 * np.random.default_rng(len(name)).integers(0, 20, size=n)
    pictures = [Image.new("RGB", (20, 20), (int(v),) * 3) for v in levels]
    ids = [f"{name}-{i}" for i in range(n)]
    scores = (np.arange(3) >= (levels // 80)[:, None]).astype(float)
    unknown = np.full(scores.shape, np.nan)
    curves = Curves(np.array(ids), np.full(n, "all"), scales, scores, unknown, unknown)
    rows = {"id": ids, "image": pictures, "question": [QUESTION] * n}
    return curves, datasets.Dataset.from_dict(rows, features=COLUMNS)


SPLITS = {name: samples(n, name) for name, n in (("fit", 90), ("calibration", 60), ("test", 80))}
OTHER = samples(30, "other", (1, 4, 9))


@pytest.fixture(autouse=True)
def readers():
    before = dict(policies.cli._readers)
    policies.cli.set_readers(
        lambda path: OTHER[0] if path.stem == "other" else SPLITS[path.stem][0],
        lambda spec, split, needed, choice=None: SPLITS[split][1],
        lambda path: {},
    )
    yield
    policies.cli._readers.clear()
    policies.cli._readers.update(before)


@pytest.fixture(scope="module")
def fitted():
    (fit, seen), (held, kept) = SPLITS["fit"], SPLITS["calibration"]
    return fit_score_policy(
        fit_features=featurize(seen["image"][:], seen["question"][:]),
        fit_scores=fit.scores,
        calibration_features=featurize(kept["image"][:], kept["question"][:]),
        calibration_scores=held.scores,
        ladder=ScaleLadder((1, 4, 16)),
        predictor=LogisticScores(),
    )


@pytest.fixture
def policy(fitted, tmp_path):
    fitted.save(tmp_path / "policy")
    return tmp_path / "policy"


def run(*words):
    result = CliRunner().invoke(policies.cli.app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


def ok(*words):
    code, out, error = run(*words)
    assert code == 0, error or out
    *text, last = out.strip().splitlines()
    return "\n".join(text), json.loads(last)


TEST = ("--curves", "test", "--data", "d", "--resamples", 20, "--draws", 2, "--price", 0.1)


def test_importance_says_prints_and_saves_what_matters(policy, tmp_path):
    out = tmp_path / "out"
    text, line = ok("importance", "--policy", policy, *TEST, "--samples", 60, "--out", out)
    assert text.startswith("The choices of policy at price 0.1 are moved most by the colours")
    assert "among 60 samples" in text
    assert line["n"] == 60
    found = line["policies"]["policy"]
    assert found["price"] == 0.1
    assert found["draws"] == 2
    assert set(found["groups"]) == {group.name for group in GROUPS}
    assert next(iter(found["groups"])) == "colours"
    colours, wording = found["groups"]["colours"], found["groups"]["wording"]
    assert 0.1 < colours["changed_low"] <= colours["changed"] <= colours["changed_high"]
    assert wording["changed"] == wording["gap_lost"] == 0  # all questions are the same
    assert "features" not in found
    with (out / "importance.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == list(found["groups"])
    assert float(rows[0]["moved"]) == colours["moved"]
    assert (out / "importance.png").read_bytes().startswith(b"\x89PNG")
    assert not (out / "features.png").exists()


def test_importance_of_single_features_and_of_two_policies(policy, tmp_path):
    load_policy(policy).save(tmp_path / "second")
    words = ("importance", "--policy", policy, "--policy", tmp_path / "second", *TEST, "--singles")
    text, line = ok(*words, "--out", tmp_path / "out", "--samples", 40)
    assert "second: single features, the first 15" in text
    own, other = line["policies"].values()
    assert own == other  # the same shuffles for both
    assert len(own["features"]) == 149
    assert (tmp_path / "out" / "features.png").stat().st_size > 10_000


def test_importance_is_the_same_whenever_it_is_asked_for(policy):
    first, second = (ok("importance", "--policy", policy, *TEST)[1] for _ in range(2))
    assert first["policies"] == second["policies"]


def test_curves_of_another_ladder_are_refused(policy):
    code, _, error = run("importance", "--policy", policy, "--curves", "other", "--data", "d")
    assert code == 2
    assert "policy has scales (1, 4, 16), but other has (1, 4, 9)" in error


@pytest.fixture
def bright(tmp_path):
    Image.new("RGB", (20, 20), "#f0f0f0").save(tmp_path / "bright.png")
    return tmp_path / "bright.png"


def test_why_says_what_counted(policy, bright):
    text, line = ok("why", bright, QUESTION, "--policy", policy, "--price", 0.1)
    assert text.splitlines()[0] == line["sentence"] + "."
    assert line["num_visual_tokens"] == 16
    assert line["usual_tokens"] < 16
    assert line["sentence"].startswith("16 tokens")
    assert "the image is brighter than usual" in line["sentence"]
    assert line["price"] == 0.1
    groups = line["groups"]
    assert groups[0]["group"] == "colours"
    total = sum(group["log2_tokens"] for group in groups)
    assert total == pytest.approx(line["log2_tokens"] - line["usual_log2_tokens"])
    assert "the colours and brightness of the image" in text
    assert line["ms"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--price", "0.1", "--mean-tokens", "4"), "a budget takes one of"),
        (("--mean-tokens", "0.5"), "at least 1"),
        (("--risk", "often"), "epsilon:delta"),
        (("--mean-flops", "1e9"), "flops"),
    ],
)
def test_why_refuses_what_the_policy_cannot_keep_to(policy, bright, words, message):
    code, _, error = run("why", bright, QUESTION, "--policy", policy, *words)
    assert code == 2
    assert message in error.lower()
    assert error.count("\n") == 1


def test_a_background_is_added_and_nothing_else_changes(policy, bright, tmp_path):
    known = load_policy(policy)
    del known.extras["background"]
    known.save(policy)
    before = {path.name: path.read_bytes() for path in policy.iterdir()}
    code, _, error = run("why", bright, QUESTION, "--policy", policy)
    assert code == 2
    assert "budget policy background --policy" in error

    words = ("background", "--policy", policy, "--curves", "fit", "--data", "d")
    _, line = ok(*words, "--out", tmp_path / "new", "--requests", 8)
    assert line == {"policy": str(tmp_path / "new"), "requests": 8, "n_fit": 90}
    assert {path.name: path.read_bytes() for path in policy.iterdir()} == before
    _, line = ok(*words)
    assert line["requests"] == 32
    after = {path.name: path.read_bytes() for path in policy.iterdir()}
    assert set(after) == set(before)
    assert {n for n in before if before[n] != after[n]} == {"policy.json", "arrays.safetensors"}
    new = load_policy(policy)
    assert new.prices == known.prices
    assert all((a == b).all() for a, b in zip(new.table, known.table, strict=True))
    ok("why", bright, QUESTION, "--policy", policy)


def test_a_background_is_the_one_that_a_fit_leaves(policy, fitted, tmp_path):
    ok(
        "background",
        "--policy",
        policy,
        "--curves",
        "fit",
        "--data",
        "d",
        "--out",
        tmp_path / "new",
    )
    found = load_policy(tmp_path / "new").extras["background"].features
    assert (found == fitted.extras["background"].features).all()


def test_a_background_is_not_written_over_other_files(policy, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    words = ("background", "--policy", policy, "--curves", "fit", "--data", "d")
    code, _, error = run(*words, "--out", tmp_path / "mine")
    assert code == 2
    assert "no policy's" in error
