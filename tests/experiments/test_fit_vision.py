"""A network is trained on the shipped curves, priced with the shipped policy, saved and asked."""

import json

import numpy as np
import pytest
from experiments.scenes.curves import shipped_curves

from budget import load_model
from budget.adaptive import AdaptiveVLM, Budget
from budget.errors import PolicyError
from budget.shipped import shipped_folder
from experiments.scenes.data import load_scenes
from oracle.curves import read_curves
from policies import load_policy
from policies.post_vision import PostVisionPolicy
from policies.reading import Readers
from policies.vision_command import run_fit_vision
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
    from policies.vision_inputs import make_inputs

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
        with pytest.raises(PolicyError, match=r"weight of the network must be in \(0, 1\]"):
            load_policy(fitted[1])
    finally:
        path.write_text(kept)


def test_a_network_is_not_added_to_one(fitted):
    from policies.vision_command import load_base

    with pytest.raises(PolicyError, match="is a policy of tier post-vision; give one of tier pre"):
        load_base(fitted[1])
