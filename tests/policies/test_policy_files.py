import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from budget.budgets import Budget
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies import load_policy
from policies.features import current_schema, featurize
from policies.lightgbm_text import format_model, parse_model
from policies.pricing import fit_score_policy
from policies.scores import LightGBMScores

LADDER = ScaleLadder((1, 4, 16))
RUNG_0, RUNG_1 = "predictor-rung_0.txt", "predictor-rung_1.txt"
COLUMNS = ["mean_tokens", "prices", "scores"]


def samples(n, seed):
    """Pictures with a few or many squares; many need more tokens."""
    rng = np.random.default_rng(seed)
    images, needed = [], rng.integers(0, 3, size=n)
    for need in needed:
        pixels = np.full((96, 96, 3), 128, dtype=np.uint8)
        for _ in range(4 * need):
            x, y = rng.integers(0, 88, size=2)
            pixels[y : y + 8, x : x + 8] = rng.integers(0, 256, size=3)
        images.append(Image.fromarray(pixels))
    questions = ["How many squares?", "Is there a red square?"] * (n // 2)
    return images, questions, (np.arange(3) >= needed[:, None]).astype(float)


@pytest.fixture(scope="module")
def policy():
    images, questions, scores = samples(160, 0)
    features = featurize(images, questions)
    return fit_score_policy(
        fit_features=features[:100],
        fit_scores=scores[:100],
        calibration_features=features[100:],
        calibration_scores=scores[100:],
        ladder=LADDER,
        predictor=LightGBMScores(
            max_trees=40, min_data_in_leaf=3, lambda_l2=0.0, learning_rate=0.1
        ),
    )


@pytest.fixture(scope="module")
def saved(policy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "policy"
    policy.save(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "policy")


def rewrite(folder, name, change, fit_sums):
    """Change a model file and make its sha256 fit, as someone with bad intentions would."""
    text = change((folder / name).read_text())
    (folder / name).write_text(text)
    content = json.loads((folder / "policy.json").read_text())
    for file in content["files"]:
        if file["name"] == name:
            file["sha256"] = hashlib.sha256(text.encode()).hexdigest()
            file["bytes"] = len(text)
    (folder / "policy.json").write_text(json.dumps(content))
    fit_sums(folder)


def edit(folder, **changes):
    content = json.loads((folder / "policy.json").read_text())
    (folder / "policy.json").write_text(json.dumps(content | changes))


@pytest.mark.parametrize(
    "budget", [None, Budget(price=0.3), Budget(mean_tokens=6), Budget(num_visual_tokens=4)]
)
def test_a_saved_policy_decides_the_same(policy, saved, budget):
    images, questions, _ = samples(20, 1)
    before = policy.choose(images, questions, budget=budget)
    after = load_policy(saved).choose(images, questions, budget=budget)
    assert (before.rungs == after.rungs).all()
    assert (before.scores == after.scores).all()


def test_what_is_saved_predicts_what_lightgbm_predicts():
    import lightgbm

    rng = np.random.default_rng(0)
    X, y = rng.random((300, 5)), rng.random(300)
    X[rng.random(X.shape) < 0.1] = np.nan
    settings = {"objective": "cross_entropy", "verbosity": -1, "num_threads": 1, "seed": 0}
    booster = lightgbm.train(settings, lightgbm.Dataset(X, y, params=settings), 20)
    model = parse_model(booster.model_to_string(), 5)
    assert (lightgbm.Booster(model_str=format_model(model)).predict(X) == booster.predict(X)).all()
    assert parse_model(format_model(model), 5) == model


def test_it_sees_which_pictures_need_more(policy):
    images, questions, scores = samples(40, 2)
    rungs = policy.choose(images, questions, budget=Budget(price=0.3)).rungs
    needed = scores.argmax(axis=1)
    assert rungs[needed == 2].mean() > rungs[needed == 0].mean() + 1


def test_a_mean_of_tokens_is_kept_on_data_like_the_calibration_split(policy):
    images, questions, _ = samples(100, 3)
    scores, tokens = policy.predict_scores(images, questions), np.array(LADDER.scales)
    budgets = [Budget(mean_tokens=m) for m in (1, 2, 4, 6, 10)]
    spent = [tokens[policy.choose_from(scores, budget=b)].mean() for b in budgets]
    assert spent == sorted(spent)
    assert all(s <= b.mean_tokens * 1.25 for s, b in zip(spent, budgets, strict=True))
    assert spent[-1] > 4


def test_a_mean_below_the_cheapest_scale_is_refused(policy):
    with pytest.raises(PolicyError, match=r"mean_tokens must be at least 1, got 0\.5"):
        policy.choose(*samples(2, 0)[:2], budget=Budget(mean_tokens=0.5))


def test_no_samples_are_no_decisions(policy):
    decision = policy.choose([], [])
    assert decision.rungs.shape == (0,)
    assert decision.scores.shape == (0, 3)


def test_a_changed_file_is_refused(folder):
    (folder / RUNG_1).write_text((folder / RUNG_1).read_text() + " ")
    with pytest.raises(PolicyError, match=r"rung_1\.txt was changed"):
        load_policy(folder)


def test_a_price_that_was_changed_is_refused(folder):
    content = json.loads((folder / "policy.json").read_text())
    edit(folder, prices=content["prices"] | {"no-loss": 0.5})
    with pytest.raises(PolicyError, match=r"policy\.json was changed"):
        load_policy(folder)


def test_a_missing_file_is_refused(folder):
    (folder / RUNG_1).unlink()
    with pytest.raises(PolicyError, match="no policy file can be read"):
        load_policy(folder)


def node(kind, *, arrays=(), texts=("rung_0", "rung_1", "rung_2"), **settings):
    names = {"arrays": list(arrays), "texts": list(texts)}
    return {"kind": kind, "settings": settings, **names, "parts": {}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 1}, "format_version"),
        ({"extra": 1}, "extra"),
        ({"ladder": [1, 4]}, "equally long"),
        ({"ladder": [4, 1, 16]}, "strictly increasing"),
        ({"rung_costs": [1, 4, float("inf")]}, "rung_costs"),
        ({"prices": {"no-loss": -1.0}}, "prices"),
        ({"prices": {}}, "no-loss"),
        ({"features": {"names": ["a"], "sha256": "0" * 64}}, "fit it again"),
        ({"features": {"names": ["a"], "sha256": current_schema().sha256}}, "features.names"),
        ({"files": [{"name": "../x", "bytes": 1, "sha256": "0" * 64}] * 7}, "files are not those"),
        ({"predictor": node("pickle")}, "no family 'pickle'"),
        ({"predictor": node("lightgbm", arrays=["weights"])}, "the arrays are not those"),
        ({"predictor": node("lightgbm", texts=["rung_0", "../x"])}, "predictor.texts.1"),
        ({"predictor": node("lightgbm", texts=["rung_0"])}, "files are not those"),
        ({"calibration": node("table", arrays=COLUMNS, texts=())}, "kind must be 'calibration'"),
        ({"calibration": node("calibration", arrays=COLUMNS, texts=(), speed=1)}, "speed"),
        ({"extras": {"risk": node("pickle", texts=())}}, "kind must be its name"),
        ({"extras": {"risks": node("risks", texts=())}}, "the arrays are not those"),
    ],
)
def test_a_policy_file_that_is_not_well_formed_is_one_line(folder, fit_sums, changes, message):
    edit(folder, **changes)
    fit_sums(folder)
    with pytest.raises(PolicyError, match=message) as refused:
        load_policy(folder)
    assert "\n" not in str(refused.value)


def first(key, value):
    """Replace the first list of a key in the text by ``value(list)``."""

    def change(text):
        lines = text.split("\n")
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{key}=") and " " in line)
        numbers = lines[at].removeprefix(f"{key}=").split(" ")
        lines[at] = f"{key}=" + " ".join(value(numbers))
        return "\n".join(lines)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (first("left_child", lambda n: ["0", *n[1:]]), "cycle"),
        (first("right_child", lambda n: [*n[:-1], "0"]), "cycle"),
        (first("left_child", lambda n: ["900", *n[1:]]), "out of range"),
        (first("left_child", lambda n: ["-900", *n[1:]]), "out of range"),
        (first("left_child", lambda n: [n[-1]] * len(n)), "cycle|twice"),
        (first("left_child", lambda n: n[:-1]), "numbers in left_child"),
        (first("left_child", lambda n: ["1.5", *n[1:]]), "integers left_child"),
        (first("split_feature", lambda n: ["9999", *n[1:]]), "split_feature 9999"),
        (first("split_feature", lambda n: ["-1", *n[1:]]), "split_feature -1"),
        (first("threshold", lambda n: ["nan", *n[1:]]), "numbers threshold"),
        (first("leaf_value", lambda n: ["1e999", *n[1:]]), "not finite"),
        (first("leaf_value", lambda n: ["-1e31", *n[1:]]), "beyond"),
        (first("leaf_value", lambda n: n[:-1]), "numbers in leaf_value"),
        (first("decision_type", lambda n: ["1", *n[1:]]), "decision_type 1"),
        (lambda t: t.replace("num_leaves=", "num_leaves=9", 1), "tree 0"),
        (lambda t: t.replace("num_cat=0", "num_cat=1", 1), "categorical"),
        (lambda t: t.replace("num_class=1", "num_class=2"), "num_class must be 1"),
        (lambda t: t.replace("objective=cross_entropy", "objective=evil"), "objective"),
        (lambda t: t.replace("max_feature_idx=", "max_feature_idx=1"), "max_feature_idx"),
        (lambda t: t.replace("Tree=0", "Tree=7"), "numbered '7'"),
        (lambda t: t[: len(t) // 2], "end of trees"),
        (lambda t: "", "end of trees"),
        (lambda t: t.replace("num_cat=0", "num_cat=0\nnum_cat=0", 1), "twice"),
    ],
)
def test_a_mutated_model_is_refused_before_the_native_parser_sees_it(
    folder, fit_sums, change, message
):
    rewrite(folder, RUNG_0, change, fit_sums)
    with pytest.raises(PolicyError, match=message):
        load_policy(folder)


def test_random_mutations_never_get_past_the_checks_broken(saved):
    """Whatever is accepted is a set of proper trees: every walk ends in a leaf."""
    text, rng = (saved / RUNG_0).read_text(), np.random.default_rng(0)
    num_features = len(current_schema())
    for _ in range(300):
        at = int(rng.integers(len(text)))
        mutated = text[:at] + chr(rng.integers(32, 127)) + text[at + 1 :]
        try:
            model = parse_model(mutated, num_features)
        except PolicyError:
            continue
        for tree in model.trees:
            inner, leaves = tree.left_child.split(), len(tree.leaf_value.split())
            assert len(inner) == leaves - 1
            assert all(int(f) < num_features for f in tree.split_feature.split())
