"""Under caps images cost what they cost: curves, policy, evaluation and answers agree on it."""

import json
import re

import family_world as world
import numpy as np
import pytest

from budget import AdaptiveVLM, Budget, load_model
from budget.errors import ModelError, PolicyError
from budget.escalating import EscalatingVLM
from budget.matryoshka import load_matryoshka
from experiments.cli import run
from oracle.curves import read_curves
from policies import load_policy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = world.build(tmp_path_factory.mktemp("family"))
    assert run(world.fit_words(made, made / "policy")) == 0
    return made


@pytest.fixture(scope="module")
def policy(folder):
    return load_policy(folder / "policy")


def test_another_ladder_is_another_run(folder, capsys):
    assert run(world.sweep_words(folder, "test", ladder="8,32")) == 2
    assert "ladder [8, 16, 64] instead of [8, 32]" in capsys.readouterr().err
    assert run(world.sweep_words(folder, "test")) == 0  # goes on with what is there


@pytest.mark.parametrize("ladder", ["64,8", "8,x", ""])
def test_a_ladder_that_is_none_is_refused(folder, ladder, capsys):
    assert run(world.sweep_words(folder, "test", ladder=ladder)) == 2
    assert "--ladder must be rising numbers from 1" in capsys.readouterr().err


def test_rungs_cost_what_the_samples_took_on_average(folder, policy):
    fit, held_out = (read_curves(folder / name) for name in ("fit", "calibration"))
    assert (fit.num_visual_tokens != np.array(fit.scales)).any()
    assert (fit.num_visual_tokens[3::4, -1] < fit.num_visual_tokens[::4, -1]).all()
    np.testing.assert_allclose(policy.rung_costs, fit.num_visual_tokens.mean(axis=0), rtol=1e-5)
    means = held_out.num_visual_tokens.mean(axis=0)
    np.testing.assert_allclose(policy.rung_tokens, means, rtol=1e-5)
    np.testing.assert_allclose(policy.rung_flops, held_out.flops.mean(axis=0), rtol=1e-5)
    assert policy.table.mean_tokens[0] == pytest.approx(means[0])


def test_a_mean_is_met_in_tokens_that_are_really_spent(folder, policy):
    model, data = load_model(folder / "model", ladder=(8, 16, 64)), world.rows_of("calibration", 24)
    held_out = read_curves(folder / "calibration")
    low, high = policy.table.mean_tokens[[0, -1]].tolist()
    assert low < high
    budget = Budget(mean_tokens=(low + high) / 2)
    expected = policy.predict_scores(data["image"], data["question"])
    mix, rows = policy.mix_of(budget), np.arange(24)
    spent = [
        held_out.num_visual_tokens[
            rows, policy.choose_from(expected, budget=Budget(price=price))
        ].mean()
        for price in mix[:2]
    ]
    assert spent[0] + mix.share * (spent[1] - spent[0]) == pytest.approx(budget.mean_tokens)
    answers = AdaptiveVLM(model, policy).answer(
        data["image"], data["question"], budget=budget, max_new_tokens=1
    )
    real = [answer.num_visual_tokens for answer in answers]
    told = [model.realised(im)[a.rung] for im, a in zip(data["image"], answers, strict=True)]
    assert real == told


def test_evaluations_count_real_tokens(folder, capsys):
    test = read_curves(folder / "test")
    words = ["policy", "evaluate", "--policy", "policy", "--curves", "test"]
    words += ["--fit-curves", "fit", "--calibration", "calibration", "--data", "data"]
    places = {"policy", "test", "fit", "calibration", "data"}
    flags = [str(folder / w) if w in places and i else w for i, w in enumerate(words)]
    flags[0] = "policy"
    assert run([*flags, "--resamples", "5", "--out", str(folder / "report")]) == 0
    found = world.said(capsys)
    means = test.num_visual_tokens.mean(axis=0)
    assert found["full_tokens"] == pytest.approx(means[-1])
    assert means[0] <= found["policy_mean_tokens"] <= means[-1]
    assert all(means[0] < each["budget"] < means[-1] for each in found["at_budgets"])
    assert found["gap_closed_stable"] is None or found["gap_closed_stable"] <= 1.0 + 1e-9
    assert (folder / "report" / "frontier.png").stat().st_size > 1000


def test_flops_are_a_cost_though_a_longer_answer_may_take_more(folder, tmp_path, capsys):
    assert run(world.fit_words(folder, tmp_path / "policy", "--cost", "flops")) == 0
    assert world.said(capsys)["cost"] == "flops"
    found = load_policy(tmp_path / "policy")
    assert (np.diff(found.rung_costs) > 0).all()
    assert found.table.mean_flops.size
    assert found.rung_tokens[-1] < 64


def test_one_question_is_asked_at_a_ladder_of_its_own(folder, tmp_path, capsys):
    image = tmp_path / "x.png"
    world.picture((480, 160)).save(image)
    words = ["ask", str(image), "what is the sign ?", "--model", str(folder / "model")]
    assert run([*words, "--tokens", "16", "--ladder", "16,32", "--max-new-tokens", "2"]) == 0
    found = world.said(capsys)
    assert found["scales"] == [16, 32]
    model = load_model(folder / "model")
    assert found["num_visual_tokens"] == model.tokens_at(world.picture((480, 160)), 16) < 16
    more = ["--policy", str(folder / "policy"), "--ladder", world.LADDER]
    assert run([*words, *more, "--max-new-tokens", "2"]) == 0
    assert world.said(capsys)["scales"] == [8, 16, 64]


COMMANDS = (
    ("bench", "model", "MODEL"),
    ("bench", "times", "MODEL"),
    ("bench", "oracle", "--model", "MODEL"),
    ("bench", "throughput", "--model", "MODEL"),
    ("bench", "serve", "--model", "MODEL"),
    ("bench", "escalate", "--model", "MODEL", "--data", "DATA"),
    ("convert", "MODEL", "OUT"),
    ("cost", "MODEL"),
    ("serve", "--model", "MODEL", "--port", "0", "--policy", "POLICY", "--ladder", world.LADDER,
     "--escalate", "0.2"),
    ("policy", "fit-vision", "--model", "MODEL", "--policy", "POLICY", "--curves", "FIT",
     "--calibration", "CALIBRATION", "--data", "DATA", "--out", "OUT"),
    ("oracle", "run", "--model", "MODEL", "--data", "DATA", "--out", "OUT", "--rollouts", "2"),
)  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_what_only_m3_and_mqt_can_is_one_line(folder, tmp_path, words, capsys):
    names = ("model", "data", "policy", "fit", "calibration")
    places = {name.upper(): str(folder / name) for name in names}
    places["OUT"] = str(tmp_path / "out")
    assert run([places.get(word, word) for word in words]) == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    assert line.startswith("budget: ")
    assert re.search("M3 or MQT|M3 and MQT|'qwen2_vl'|fitted to look at answers", line), line


def test_a_model_is_refused_before_its_weights_are_read(folder, tmp_path):
    (tmp_path / "config.json").write_text((folder / "model" / "config.json").read_text())
    with pytest.raises(ModelError, match=r"^budget train takes an M3 or MQT .* is Qwen2-VL$"):
        load_matryoshka(tmp_path, "budget train")
    assert load_matryoshka("m3", "this").name == "m3"


def test_a_policy_that_sees_visual_tokens_is_not_for_them(folder, policy):
    class Sees:
        ladder = policy.ladder

        def choose(self, images, questions, *, budget=None):
            raise AssertionError

        def choose_encoded(self, images, questions, *, features, words, budget=None):
            raise AssertionError

    model = load_model(folder / "model", ladder=(8, 16, 64))
    with pytest.raises(PolicyError, match=r"needs scales that share their features.*'model'"):
        AdaptiveVLM(model, Sees())
    with pytest.raises(ModelError, match="going up takes an M3 or MQT model"):
        EscalatingVLM(model, policy)


def test_the_manifest_names_the_ladder(folder):
    assert json.loads((folder / "fit" / "manifest.json").read_text())["ladder"] == [8, 16, 64]
