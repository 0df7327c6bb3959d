import json
import shutil

import numpy as np
import pytest
from router_tables import router_table

from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies import load_policy
from policies.features import current_schema
from policies.lightgbm_policy import ScorePolicy
from policies.option_policy import OptionPolicy, fit_option_policy
from policies.option_policy_files import load_option_policy
from policies.option_table import OptionTable
from policies.predictor_state import PredictorState
from policies.pricing import fit_score_policy
from policies.scores import LightGBMScores
from policies.shares import Shares, split_table
from policies.state_folder import files_of, node_of, state_of
from policies.text_features import text_schema

SHARES = Shares(0.5, 0.25, 0.25, seed=5)
FEW_TREES = {"max_trees": 60, "patience": 5}


def two_options(count=900, seed=0):
    """Prompts with "prove" need the dear option, the others do not."""
    rng = np.random.default_rng(seed)
    hard = rng.random(count) < 0.5
    prompts = tuple(f"{'prove' if h else 'name'} number {i}" for i, h in enumerate(hard))
    right = np.column_stack([~hard, np.ones(count)]) * (rng.random((count, 1)) < 0.95)
    return OptionTable(
        sample_ids=tuple(f"s{i}" for i in range(count)),
        prompts=prompts,
        groups=tuple(rng.choice(["math", "chat"], count).tolist()),
        options=("weak", "strong"),
        scores=right,
        costs=np.array([1e-4, 3e-3]) * rng.lognormal(0, 0.5, (count, 2)),
        keys=prompts,
    )


def fitted(table=None, **more):
    parts = split_table(two_options() if table is None else table, SHARES)
    learner = LightGBMScores(**FEW_TREES)
    return fit_option_policy(parts, shares=SHARES, predictor=learner, **more), parts


@pytest.fixture(scope="module")
def policy():
    return fitted()[0]


def test_a_policy_for_two_options_sends_hard_prompts_to_the_strong_one(policy):
    found = policy.choose(["prove number 5000", "name number 5000"])
    assert found.options == ("strong", "weak")
    assert found.numbers.tolist() == [1, 0]
    assert found.scores.shape == (2, 2)
    assert policy.choose([]).options == ()


def test_a_mean_cost_is_kept_on_the_calibration_share():
    policy, parts = fitted()
    held_out = parts.calibration
    for mean_cost in (5e-4, 1e-3, 2e-3):
        chosen = policy.choose(held_out.prompts, mean_cost=mean_cost).numbers
        spent = held_out.costs[np.arange(len(chosen)), chosen].mean()
        assert spent <= mean_cost * (1 + 1e-9)
    with pytest.raises(PolicyError, match=r"at least 0\.0001.*, got 1e-06"):
        policy.choose(["?"], mean_cost=1e-6)
    with pytest.raises(PolicyError, match="a price or a mean cost, not both"):
        policy.choose(["?"], price=0.1, mean_cost=1.0)


def test_a_price_decides(policy):
    assert policy.choose(["prove it"], price=100.0).options == ("weak",)
    assert policy.choose(["prove it"], price=0.0).options == ("strong",)


def test_eleven_models_save_money_at_the_best_ones_score():
    drawn = router_table(1600).columns
    names = [name for name in drawn if f"{name}|total_cost" in drawn]
    table = OptionTable(
        tuple(drawn["sample_id"]),
        tuple(drawn["prompt"]),
        tuple(drawn["eval_name"]),
        tuple(names),
        np.array([drawn[name] for name in names]).T,
        np.array([drawn[f"{name}|total_cost"] for name in names]).T,
        tuple(drawn["prompt"]),
    )
    policy, parts = fitted(table)
    test, rows = parts.test, np.arange(len(parts.test))
    chosen = policy.choose(test.prompts, price=policy.prices["aggressive"]).numbers
    best = int(test.scores.mean(axis=0).argmax())
    assert test.scores[rows, chosen].mean() > test.scores[:, best].mean() - 0.06
    assert test.costs[rows, chosen].mean() < 0.9 * test.costs[:, best].mean()


def test_a_drop_is_counted_from_the_best_option_where_the_dearest_is_none():
    table = two_options()
    swapped = OptionTable(
        table.sample_ids,
        table.prompts,
        table.groups,
        table.options,
        table.scores[:, ::-1],  # the cheap option is always right, the dear one half the time
        table.costs,
        table.keys,
    )
    policy, parts = fitted(swapped)
    chosen = policy.choose(parts.test.prompts).numbers
    assert (chosen == 0).mean() > 0.95


def test_the_group_is_no_feature_unless_asked_for():
    assert fitted()[0].groups == ()
    policy = fitted(group_feature=True)[0]
    assert policy.groups == ("chat", "math")
    assert policy.feature_sha256 != text_schema().sha256
    assert len(policy.choose(["?"], groups=["math"]).options) == 1
    with pytest.raises(ValueError, match="need as many groups"):
        policy.choose(["?"])


def test_a_policy_comes_back_from_disk_as_it_was(tmp_path):
    policy, parts = fitted(group_feature=True)
    policy.save(tmp_path)
    back = load_option_policy(tmp_path)
    for name in ("options", "prices", "groups", "shares", "feature_sha256"):
        assert getattr(back, name) == getattr(policy, name)
    for one, other in zip(back.table, policy.table, strict=True):
        np.testing.assert_array_equal(one, other)
    test = parts.test
    np.testing.assert_array_equal(
        back.predict_scores(test.prompts, groups=test.groups),
        policy.predict_scores(test.prompts, groups=test.groups),
    )


def edit(folder, change):
    content = json.loads((folder / "options.json").read_text())
    change(content)
    (folder / "options.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(kind="lightgbm-scores"), "kind: Input should be 'options'"),
        (lambda c: c.update(more=1), "more: Extra inputs are not permitted"),
        (lambda c: c.update(options=["weak", "weak"]), "options must differ"),
        (lambda c: c.update(options=["a", "b", "c"]), "option_costs must rise, one for each"),
        (lambda c: c.update(option_costs=[2.0, 1.0]), "option_costs must rise"),
        (lambda c: c["files"].update({"../x": "0" * 64}), "files must be"),
        (lambda c: c["files"].update({"predictor-rung_0.txt": "0" * 64}), "was changed"),
        (lambda c: c["features"].update(names=["a"]), "names do not fit"),
        (lambda c: c["features"].update(sha256="0" * 64), "fit it again"),
        (lambda c: c["predictor"].update(kind="magic"), "no family 'magic'"),
        (lambda c: c["predictor"].update(texts=["../../x"]), "texts.0: String should match"),
        (lambda c: c["calibration"].update(mean_costs=[0.1]), "equally long"),
        (lambda c: c.update(prices={"balanced": 0.1}), "needs a price 'no-loss'"),
        (lambda c: c["shares"].update(fit=0.0), "shares.fit"),
    ],
)
def test_a_changed_policy_is_refused(policy, tmp_path, change, message):
    policy.save(tmp_path)
    edit(tmp_path, change)
    with pytest.raises(PolicyError, match=message):
        load_option_policy(tmp_path)


def test_a_file_that_was_changed_or_lost_is_refused(policy, tmp_path):
    policy.save(tmp_path)
    path = tmp_path / "predictor-rung_1.txt"
    path.write_text(path.read_text() + " ")
    with pytest.raises(PolicyError, match="was changed"):
        load_option_policy(tmp_path)
    path.unlink()
    with pytest.raises(PolicyError, match="No such file"):
        load_option_policy(tmp_path)


def test_policies_of_texts_and_of_images_refuse_each_other(policy, tmp_path):
    schema, rng = current_schema(), np.random.default_rng(0)
    features = rng.random((60, len(schema)))
    images = fit_score_policy(
        fit_features=features,
        fit_scores=rng.integers(0, 2, (60, 2)),
        calibration_features=features,
        calibration_scores=rng.integers(0, 2, (60, 2)),
        ladder=ScaleLadder((1, 4)),
        predictor=LightGBMScores(**FEW_TREES),
    )
    arguments = {
        "prices": policy.prices,
        "table": policy.table,
    }
    with pytest.raises(PolicyError, match="fit it again"):
        OptionPolicy(
            options=policy.options,
            predictor=images.predictor,
            option_costs=policy.option_costs,
            feature_sha256=images.feature_sha256,
            shares=SHARES,
            **arguments,
        )
    with pytest.raises(PolicyError, match="fit it again"):
        ScorePolicy(
            ladder=ScaleLadder((1, 4)),
            predictor=policy.predictor,
            rung_costs=np.array([1.0, 4.0]),
            cost_unit="tokens",
            feature_sha256=policy.feature_sha256,
            **arguments,
        )
    images.save(tmp_path / "images")
    policy.save(tmp_path / "texts")
    with pytest.raises(PolicyError, match="which takes images: see budget policy evaluate"):
        load_option_policy(tmp_path / "images")
    with pytest.raises(PolicyError, match="no policy file can be read"):
        load_policy(tmp_path / "texts")
    shutil.copy(tmp_path / "texts" / "options.json", tmp_path / "images" / "policy.json")
    with pytest.raises(PolicyError, match=r"policy\.json"):
        load_policy(tmp_path / "images")


def test_states_with_parts_and_arrays_come_back():
    part = PredictorState("inner", {"a": 1}, {"w": np.arange(6.0).reshape(2, 3)}, {"t": "tree"})
    state = PredictorState("outer", {"b": [1, 2]}, {"w": np.ones(2)}, parts={"first": part})
    files = files_of(state)
    node = node_of(state)
    assert sorted(files) == sorted(node.files())
    back = state_of(node, files.__getitem__)
    assert (back.kind, back.settings) == ("outer", {"b": [1, 2]})
    np.testing.assert_array_equal(back.parts["first"].arrays["w"], part.arrays["w"])
    assert back.parts["first"].texts == {"t": "tree"}
    with pytest.raises(PolicyError, match="cannot be read"):
        state_of(node, lambda name: b"junk")
    other = files_of(PredictorState("outer", {}, {"v": np.ones(2)}))
    with pytest.raises(PolicyError, match=r"must hold \['predictor/first/w', 'predictor/w'\]"):
        state_of(node, {**files, **other}.__getitem__)
