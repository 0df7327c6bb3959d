"""Requests that are unlike all of the calibration split, by the shipped policy."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from budget.shipped import shipped_folder
from budget.trust import GuardedPolicy
from experiments.scenes.data import load_scenes
from policies import load_policy
from policies.decision_bench import photographs
from policies.lightgbm_policy import ScorePolicy

LONG = (
    "Könnten Sie mir bitte ausführlich erläutern, welche Gegenstände auf diesem Bild zu sehen sind "
    "und in welchem Verhältnis sie zueinander stehen?"
)
CHINESE = "请详细描述这张图片中所有物体的颜色、形状和位置并解释它们之间的关系。"


@pytest.fixture(scope="module")
def policy():
    return load_policy(shipped_folder("m3") / "policy")


@pytest.fixture(scope="module")
def scenes():
    rows = load_scenes("test", 100)
    return rows["image"][:], rows["question"][:]


def noise(rng):
    return Image.fromarray(rng.integers(0, 256, (336, 336, 3), dtype=np.uint8))


def document(rng):
    page = Image.new("RGB", (600, 800), "white")
    draw = ImageDraw.Draw(page)
    for y in range(30, 780, 14):
        draw.text((30, y), f"Lorem ipsum dolor sit amet, line {rng.integers(1000)}", fill="black")
    return page


def photograph(rng):
    return next(photographs((640, 480), 1, rng))


def blurred(rng):
    return noise(rng).filter(ImageFilter.GaussianBlur(20))


def blank(rng):
    return Image.new("RGB", (96, 96), tuple(rng.integers(0, 256, 3).tolist()))


@pytest.mark.parametrize("draw", [noise, document, photograph, blurred, blank])
def test_foreign_pictures_are_outliers(policy, scenes, draw):
    rng = np.random.default_rng(0)
    pictures = [draw(rng) for _ in range(8)]
    assert policy.choose(pictures, scenes[1][:8]).outliers.all()


@pytest.mark.parametrize("question", [LONG, CHINESE, "", "what is the colour " * 50])
def test_foreign_questions_about_ordinary_pictures_are_outliers(policy, scenes, question):
    assert policy.choose(scenes[0][:8], [question] * 8).outliers.all()


def test_ordinary_requests_hardly_ever_are(policy, scenes):
    assert policy.choose(*scenes).outliers.mean() <= 0.02


def test_an_outlier_gets_the_configured_scale_and_its_neighbours_do_not(policy, scenes):
    guard = GuardedPolicy(policy, policy.ladder, fallback_rung=3)
    pictures, questions = [*scenes[0][:3], noise(np.random.default_rng(1))], scenes[1][:4]
    found, plain = guard.choose(pictures, questions), policy.choose(pictures, questions)
    assert found.fallbacks == ("", "", "", "outlier")
    assert found.rungs.tolist() == [*plain.rungs[:3].tolist(), 3]
    assert guard.report().fallbacks["outlier"] == 1


def test_a_policy_without_a_reference_calls_nothing_an_outlier(policy, scenes):
    bare = ScorePolicy(
        ladder=policy.ladder,
        predictor=policy.predictor,
        rung_costs=policy.rung_costs,
        cost_unit=policy.cost_unit,
        prices=policy.prices,
        table=policy.table,
        feature_sha256=policy.feature_sha256,
    )
    strange = [noise(np.random.default_rng(2))]
    assert bare.choose(strange, scenes[1][:1]).outliers is None
    assert GuardedPolicy(bare, bare.ladder).choose(strange, scenes[1][:1]).fallbacks == ("",)
