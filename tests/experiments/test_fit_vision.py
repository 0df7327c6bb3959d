"""A network is trained on the shipped curves, priced with the shipped policy, saved and asked."""

import json

import numpy as np
import pytest

from budget import load_model
from budget.adaptive import AdaptiveVLM, Budget
from budget.errors import PolicyError
from budget.escalation import STOP, Tried
from budget.shipped import shipped_folder
from experiments.scenes.curves import shipped_curves
from experiments.scenes.data import load_scenes
from oracle.curves import read_curves
from policies import load_policy
from policies.escalation import ScoreEscalationPolicy
from policies.escalation_base import load_base_policy
from policies.escalation_command import run_escalate
from policies.post_vision import PostVisionPolicy, VisionPart
from policies.reading import Readers
from policies.vision_command import run_fit_vision
from policies.vision_inputs import make_inputs
from policies.vision_training import Training

SIZES = {"fit": 48, "calibration": 40}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    def some(path):
        curves = read_curves(path)
        return curves.select(curves.sample_ids[: SIZES[path.stem]])

    out = tmp_path_factory.mktemp("post-vision") / "policy"
    policy = run_fit_vision(
        Readers(some, lambda data, split, needed: load_scenes(split, SIZES[split])),
        model="m3",
        policy=shipped_folder("m3") / "policy",
        curves=shipped_curves("m3", "fit"),
        calibration=shipped_curves("m3", "calibration"),
        data="scenes",
        out=out,
        fit_split="fit",
        calibration_split="calibration",
        weight=0.5,
        training=Training(epochs=1, batch_size=16),
    )
    return policy, out


@pytest.fixture(scope="module")
def asked():
    rows = load_scenes("test", 6)
    return rows["image"][:], rows["question"][:]


def test_it_comes_back_from_its_folder_and_answers(fitted, asked):
    policy = load_policy(fitted[1])
    assert isinstance(policy, PostVisionPolicy)
    assert policy.prices == fitted[0].prices
    model = load_model("m3")
    answers = AdaptiveVLM(model, policy).answer(*asked, budget=Budget(price=0.2), max_new_tokens=4)
    decided = policy.choose_encoded(
        *asked,
        features=model.encode(asked[0]),
        words=model.embed_questions(asked[1]),
        budget=Budget(price=0.2),
    )
    assert [a.rung for a in answers] == decided.rungs.tolist()
    np.testing.assert_allclose([a.scores for a in answers], decided.scores)
    alone = model.answer(
        *asked, num_visual_tokens=[a.num_visual_tokens for a in answers], max_new_tokens=4
    )
    assert [a.text for a in answers] == [a.text for a in alone]


def test_its_scores_lie_between_those_of_its_parts(fitted, asked):
    policy, model = fitted[0], load_model("m3")
    features, words = model.encode(asked[0]), model.embed_questions(asked[1])
    mixed = policy.choose_encoded(*asked, features=features, words=words).scores
    pre = load_policy(shipped_folder("m3") / "policy").choose(*asked).scores
    seen = policy.part.vision.predict(make_inputs(features, words))
    assert (mixed <= np.maximum(pre, seen) + 1e-6).all()
    assert (mixed >= np.minimum(pre, seen) - 1e-6).all()


def test_without_the_encoder_it_does_not_choose(fitted, asked):
    with pytest.raises(PolicyError, match="after the vision encoder"):
        fitted[0].choose(*asked)
    assert fitted[0].choose(*asked, budget=Budget(num_visual_tokens=9)).rungs.tolist() == [2] * 6


def test_a_changed_weight_is_refused(fitted, tmp_path):
    path = fitted[1] / "policy.json"
    content = json.loads(path.read_text())
    content["extras"]["vision"]["settings"]["weight"] = 0.0
    kept = path.read_text()
    path.write_text(json.dumps(content))
    try:
        with pytest.raises(PolicyError, match=r"policy.json was changed"):
            load_policy(fitted[1])
    finally:
        path.write_text(kept)


@pytest.mark.parametrize("weight", [0.0, 1.5, float("nan")])
def test_a_weight_that_is_none_is_refused(fitted, weight):
    with pytest.raises(PolicyError, match=r"weight of the network must be in \(0, 1\]"):
        VisionPart(fitted[0].part.vision, weight)


@pytest.mark.slow
def test_looking_at_answers_is_added_to_it(fitted, asked, tmp_path, capsys):
    def some(path):
        curves = read_curves(path)
        return curves.select(curves.sample_ids[:120])

    run_escalate(
        Readers(some, lambda data, split, needed: load_scenes(split, 120)),
        curves=shipped_curves("m3", "test"),
        fit_curves=shipped_curves("m3", "fit"),
        calibration=shipped_curves("m3", "calibration"),
        data="scenes",
        splits=("test", "fit", "calibration"),
        out=tmp_path / "policy",
        kept_cache=False,
        family="lightgbm",
        max_tries=2,
        cap=1.1,
        folds=2,
        resamples=5,
        seed=0,
        threads=1,
        base=load_base_policy(fitted[1], "m3"),
    )
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["tier"], said["before"], said["n"]) == ("escalate", "post-vision", 120)
    assert said["policy"] == str(tmp_path / "policy")
    assert load_base_policy(fitted[1], None).name == str(fitted[1])
    policy = ScoreEscalationPolicy(load_policy(tmp_path / "policy"))
    with pytest.raises(PolicyError, match="what the vision encoder found"):
        policy.describe(*asked)
    model = load_model("m3")
    seen = make_inputs(model.encode(asked[0]), model.embed_questions(asked[1]))
    described = policy.describe(*asked, encoded=seen)
    rungs = policy.start(described)
    answers = [
        model.answer([image], [question], num_visual_tokens=model.ladder[int(rung)])[0]
        for image, question, rung in zip(*asked, rungs, strict=True)
    ]
    tried = [[Tried(int(rung), answer)] for rung, answer in zip(rungs, answers, strict=True)]
    moves = policy.next(described, tried)
    assert all(move == STOP or move > rung for move, rung in zip(moves, rungs, strict=True))


def test_a_network_is_not_added_to_one(fitted):
    from policies.vision_command import load_base

    with pytest.raises(PolicyError, match="is a policy of tier post-vision; give one of tier pre"):
        load_base(fitted[1])
