import json
from functools import partial
from itertools import repeat

import numpy as np
import pytest
from scene_choices import load
from typer.testing import CliRunner

import policies.cli
from budget.governor import Governor
from budget.shipped import shipped_folder
from experiments.scenes.data import load_scenes
from oracle.curves import read_curves
from policies.allocation import choose_rungs
from policies.governing import Served, SteppedPrice, compare, serve, streams

MEAN = 36.0
CURVES = shipped_folder("m3").parents[1] / "curves" / "m3" / "test.parquet"


def served():
    data = load()
    paid = np.broadcast_to(data.tokens, data.scores.shape)
    return Served(data.expected, data.scores, data.tokens, paid, data.groups)


class OnePrice:
    """Knows the stream beforehand."""

    def __init__(self, price, costs):
        self.price, self.costs = price, costs

    def govern(self, decision):
        return decision._replace(rungs=choose_rungs(decision.scores, self.costs, self.price))

    def settle(self, rungs, paid):
        pass


def test_one_price_for_all_loses_nothing_against_itself():
    data = served()
    rows = streams(data, 800)["mixed"](np.random.default_rng(0))
    rungs = choose_rungs(data.expected[rows], data.costs, 0.2)
    spent = float(data.costs[rungs].mean())
    held = serve(data, rows, OnePrice(0.2, data.costs), spent, repeat(7))
    assert held.error == pytest.approx(0)
    assert held.lost == pytest.approx(0, abs=1e-9)
    debts = np.cumsum(data.costs[rungs] / spent - 1)
    assert held.most_ahead == pytest.approx(debts.max())
    assert held.after_shift == pytest.approx(data.costs[rungs[400:500]].mean() / spent - 1)


def test_streams_are_what_their_names_say():
    data, rng = served(), np.random.default_rng(1)
    gain = data.expected[:, -1] - data.expected[:, 0]
    drawn = {name: draw(rng) for name, draw in streams(data, 1000).items()}
    assert all(len(set(rows.tolist())) == 1000 for rows in drawn.values())
    rising = drawn["easy_then_hard"]
    assert gain[rising[:500]].max() <= gain[rising[500:]].min()
    falling = drawn["hard_then_easy"]
    assert gain[falling[:500]].min() >= gain[falling[500:]].max()
    kinds = data.groups[drawn["group_by_group"]]
    assert (kinds[1:] != kinds[:-1]).sum() == len(np.unique(data.groups)) - 1
    with pytest.raises(ValueError, match="need 6000 samples, got 4000"):
        streams(data, 3000)


@pytest.mark.parametrize("kind", ["mixed", "easy_then_hard", "hard_then_easy"])
def test_the_governor_holds_the_mean_where_a_stepped_price_does_not(kind):
    data = served()
    rivals = compare(
        data,
        MEAN,
        streams(data, 1000)[kind],
        make=partial(Governor, data.costs, mean=MEAN),
        price=0.35,
        step=0.02,
        orders=5,
    )
    own, other = (np.abs([run.error for run in runs]) for runs in rivals)
    assert own.max() < 0.02
    assert own.mean() < other.mean()
    if kind == "mixed":
        assert np.mean([run.lost for run in rivals.governor]) < 0.01


def test_a_stepped_price_rises_when_too_much_is_spent():
    costs = np.array([1.0, 10.0])
    price = SteppedPrice(costs, mean=5.0, price=1e-3, step=0.5)
    rows = np.zeros(40, dtype=np.int64)
    one = np.array([[0.0, 0.5]])
    data = Served(one, one, costs, costs[None], np.array(["x"]))
    held = serve(data, rows, price, 5.0, repeat(1))
    assert held.error == pytest.approx(0, abs=0.5)
    assert held.most_ahead > 1


@pytest.fixture(scope="module")
def scenes():
    return load_scenes("test", 80)


@pytest.fixture
def wired(monkeypatch, scenes):
    """The shipped curves of 80 scenes; they alone are drawn."""

    def curves(path):
        return read_curves(path).select(scenes["id"][:])

    monkeypatch.setattr(policies.cli, "_readers", {})
    policies.cli.set_readers(curves, lambda spec, split, needed: scenes)


def govern(*more):
    words = ["govern", "--policy", "m3", "--curves", str(CURVES), "--data", "scenes", *more]
    return CliRunner().invoke(policies.cli.app, words)


@pytest.mark.parametrize("unit", ["tokens", "flops"])
def test_the_command_ends_with_errors_with_a_shift_and_without(wired, tmp_path, unit):
    small = ("--length", "40", "--orders", "3", "--unit", unit, "--features-cache", str(tmp_path))
    found = govern(*small)
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout.splitlines()[-1])
    assert 0 < told["error_after_40_mean"] <= told["error_after_40_worst"] < 0.5
    assert 0 < told["shift_error_after_40_mean"] <= told["shift_error_after_40_worst"] < 0.6
    assert (told["unit"], len(told["means"])) == (unit, 3)
    by_kind = [kinds["mixed"]["governor"] for kinds in told["means"].values()]
    assert told["error_after_40_worst"] == max(each["error_worst"] for each in by_kind)
    assert "group_by_group" in found.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--length", "41"), "streams of 41 need 82 samples, got 80"),
        (("--length", "40", "--means", "200"), "a mean of 200 tokens cannot be held"),
        (("--policy", "nowhere"), "no policy file can be read"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(wired, more, message):
    found = govern(*more)
    assert found.exit_code == 2
    assert message in found.stderr
    assert found.stderr.splitlines()[-1].startswith("budget: ")
