import json

import numpy as np
import pytest
from toy_times import call_cost, toy_times
from typer.testing import CliRunner

from budget.adaptive import AdaptiveVLM, Budget
from budget.models import load_model
from budget.schedule import UNMEASURED
from budget.shipped import shipped_folder
from budget.time_model import write_times
from experiments.bench import app
from experiments.scenes.curves import shipped_curves
from experiments.scenes.data import load_scenes
from experiments.throughput import PLANS, PerScale, WayTimes, alone_ms, time_ways, ways_of
from experiments.throughput_report import faster_than_both, ratio
from oracle.curves import read_curves
from policies.policy_files import load_policy

SMALL = ("--samples", "10", "--batch-size", "4", "--repeats", "1", "--drop", "0.005")
TIMES = toy_times(call_cost(fixed=7.0, row=0.1, token=0.09), step=call_cost(fixed=5.0, row=0.1))


def bench(*words):
    return CliRunner().invoke(app, ["throughput", *map(str, words)])


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    path = tmp_path_factory.mktemp("times") / "times.json"
    write_times(path, TIMES)
    result = bench(*SMALL, "--times", path)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_all_ways_are_compared_on_full_batches(said):
    found = json.loads(said[-1])
    ways = {way["way"]: way for way in found["rows"]}
    assert list(found["prices"]) == ["drop 0.5", "aggressive"]
    assert list(ways) == ["full", *(f"{p} {plan}" for p in found["prices"] for plan in PLANS)]
    assert (found["samples"], found["threads"]) == (8, 1)  # two that fill no batch are left out
    for row, line in zip(found["rows"], said[2:], strict=False):
        assert line.startswith(row["way"])
        assert row["samples_per_second"] > 0
        share = row["speed_up"] / row["possible"]
        assert row["share_of_possible"] == pytest.approx(share, rel=1e-3)
    assert ways["full"]["loss"] == 0
    assert ways["full"]["possible"] == ways["full"]["speed_up"] == 1
    for price in found["prices"]:
        own = [ways[f"{price} {plan}"] for plan in PLANS]
        assert found["same_texts"][price] == 1
        assert len({(row["accuracy"], row["mean_tokens"], row["possible"]) for row in own}) == 1
        assert own[0]["possible"] > 1
        assert all(row["decision_ms"] > 0 for row in own)
    assert [each["price"] for each in found["mixed"]] == list(found["prices"])


def test_full_scale_scores_as_the_shipped_curves_say(said):
    curves = read_curves(shipped_curves("m3", "test"))
    full = json.loads(said[-1])["rows"][0]
    assert full["accuracy"] == round(curves.scores[:8, -1].mean(), 4)
    assert full["mean_tokens"] == 144


def test_the_price_is_the_dearest_that_keeps_the_calibration_split_s_score(said):
    table = load_policy(shipped_folder("m3") / "policy").table
    full = read_curves(shipped_curves("m3", "calibration")).scores[:, -1].mean()
    price = json.loads(said[-1])["prices"]["drop 0.5"]
    at = int(np.argmin(np.abs(table.prices - price)))
    assert table.scores[at] >= full - 0.005 - 1e-12
    assert (table.scores[:at] < full - 0.005).all()


def test_one_call_per_scale_answers_in_order():
    model, data = load_model("m3"), load_scenes("test", 5)
    images, questions, scales = data["image"], data["question"], [9, 144, 9, 1, 144]
    grouped = PerScale(model).answer(images, questions, num_visual_tokens=scales)
    plain = model.answer(images, questions, num_visual_tokens=scales)
    assert [a.token_ids for a in grouped] == [a.token_ids for a in plain]
    assert [a.num_visual_tokens for a in grouped] == scales


def test_what_is_alone_is_priced_by_its_own_lengths():
    model, policy = load_model("m3"), load_policy(shipped_folder("m3") / "policy")
    data = load_scenes("test", 3)
    answers = AdaptiveVLM(model, policy).answer(
        data["image"], data["question"], budget=Budget(num_visual_tokens=36)
    )
    found = alone_ms(TIMES, answers, 4)
    for answer, ms in zip(answers, found, strict=True):
        rows = TIMES.batch_ms(4, answer.prompt_tokens, False, len(answer.token_ids))
        assert ms == pytest.approx((rows + TIMES.encode_ms(4)) / 4 + TIMES.text_ms)


def test_ratios_are_of_the_same_batches():
    rng = np.random.default_rng(0)
    slow = rng.uniform(1, 9, 50)
    middle, (low, high) = ratio(slow, slow / 2, rng)
    assert (middle, low, high) == pytest.approx((2, 2, 2))
    found = {
        f"x {plan}": WayTimes(slow * factor, [])
        for plan, factor in (("group", 1.2), ("pad", 1.5), ("schedule", 1.0))
    }
    mixed = faster_than_both(found, "x", rng)
    assert (mixed["better"], mixed["schedule_gain"]) == ("group", 1.2)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--model", "mqt"), "no shipped curves of 'mqt'"),
        (("--times", "none.json"), "no time model can be read at none.json"),
        (("--samples", "3"), "a bench needs a full batch and a repeat, got 3 samples in batches"),
    ],
)
def test_what_cannot_be_measured_is_one_line(tmp_path, words, line):
    path = tmp_path / "times.json"
    write_times(path, TIMES)
    result = bench(*SMALL, "--times", path, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert line in result.stderr.splitlines()[-1]


def test_times_of_another_machine_s_threads_are_refused(tmp_path):
    path = tmp_path / "times.json"
    write_times(path, TIMES)
    result = bench(*SMALL, "--times", path, "--threads", "2")
    assert result.exit_code == 2
    assert "was measured for m3 on 1 threads, not for m3 on 2" in result.stderr


def test_no_batch_is_refused():
    with pytest.raises(ValueError, match="got 2 samples in batches of 0 and 1 repeats"):
        time_ways({}, [None] * 2, ["?"] * 2, batch_size=0, repeats=1)


def test_the_model_that_is_given_keeps_its_own_plan():
    model, policy = load_model("m3"), load_policy(shipped_folder("m3") / "policy")
    ways_of(model, policy, {"x": 0.1}, times=TIMES, batch_size=4, max_new_tokens=4)
    assert model.times is UNMEASURED
