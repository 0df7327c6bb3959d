"""What holds for every family: the contract of estimators, and the way to disk and back."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies import load_policy
from policies.families import (
    FAMILIES,
    default_settings,
    make_estimator,
    parse_settings,
    restore_predictor,
)
from policies.features import current_schema
from policies.gaps import GapMeter
from policies.geometry import GeometryScores
from policies.logistic import LogisticScores
from policies.mean_scores import MeanScores
from policies.neighbours import NeighboursScores
from policies.ordinal import OrdinalScores
from policies.pricing import fit_score_policy

LADDER = ScaleLadder((1, 4, 16))
SMALL = {"lightgbm": {"max_trees": 15}, "ordinal": {"base": "logistic"}}


def samples(n, seed=0):
    """Feature tables whose area and edges say the rung from which a sample is mostly right."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, len(current_schema()))) * 10
    names = current_schema().names
    load = (X[:, names.index("log_area")] + X[:, names.index("strong_edges_48")]) / 20
    scores = (np.arange(3) >= (3.6 * load - 0.5)[:, None]).astype(float)
    return X, np.where(rng.random(scores.shape) < 0.05, 1 - scores, scores)


@pytest.fixture(scope="module")
def fitted():
    """Policies by family, fitted when they are first asked for."""
    kept = {}

    def get(family):
        if family not in kept:
            X, y = samples(400)
            kept[family] = fit_score_policy(
                fit_features=X[:300],
                fit_scores=y[:300],
                calibration_features=X[300:],
                calibration_scores=y[300:],
                ladder=LADDER,
                predictor=make_estimator(family, **SMALL.get(family, {})),
            )
        return kept[family]

    return get


@parametrize_with_checks(
    [
        GeometryScores(columns=(0,)),
        LogisticScores(),
        MeanScores(),
        NeighboursScores(num_neighbours=5),
        OrdinalScores(base="logistic"),
    ]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_follows_the_sklearn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_saved_predicts_the_same(fitted, family, tmp_path):
    policy = fitted(family)
    policy.save(tmp_path / "policy")
    again = load_policy(tmp_path / "policy")
    X, _ = samples(50, seed=1)
    assert (again.predictor.predict(X) == policy.predictor.predict(X)).all()
    assert all((a == b).all() for a, b in zip(again.table, policy.table, strict=True))
    assert again.prices == policy.prices


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"mean"}))
def test_every_family_learns_what_two_features_give_away(fitted, family):
    X, y = samples(500, seed=2)
    gap = GapMeter(y, np.array(LADDER.scales)).measure(fitted(family).predictor.predict(X))
    assert gap.stable > 0.1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_does_not_depend_on_the_rows_around_it(fitted, family):
    X, _ = samples(30, seed=3)
    predict = fitted(family).predictor.predict
    alone = np.concatenate([predict(row[None]) for row in X])
    np.testing.assert_allclose(predict(X), alone, atol=1e-6)  # networks are of single precision
    assert predict(X[:0]).shape == (0, len(LADDER))


@pytest.mark.parametrize("family", FAMILIES)
def test_weighted_scores_are_learned_as_well_as_right_and_wrong(family):
    X, y = samples(300)
    shares = 0.2 + 0.6 * y
    found = make_estimator(family, **SMALL.get(family, {})).fit(X, shares).predict(X)
    assert found.mean(axis=0) == pytest.approx(shares.mean(axis=0), abs=0.05)
    assert np.square(found - shares).mean() <= shares.var(axis=0).mean() + 1e-12


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_family_does_not_hold_is_refused(fitted, family):
    state = fitted(family).predictor.state()
    width = len(current_schema())
    names = list(state.arrays)[:1]
    broken = [
        replace(state, kind="pickle"),
        replace(state, settings={**state.settings, "speed": 1}),
        replace(state, arrays={**state.arrays, "more": np.zeros(1)}),
        replace(state, texts={**state.texts, "more": "tree"}),
        replace(state, parts={**state.parts, "more": state}),
        *(replace(state, arrays={k: v for k, v in state.arrays.items() if k != n}) for n in names),
        *(replace(state, arrays={**state.arrays, n: state.arrays[n][None]}) for n in names),
        *(
            replace(state, arrays={**state.arrays, n: state.arrays[n].astype(np.int64)})
            for n in names
            if (state.arrays[n] % 1).any()  # whole numbers may be stored as such
        ),
        *(replace(state, settings={}) for _ in state.settings),
        *(replace(state, settings=dict.fromkeys(state.settings, "x")) for _ in state.settings),
    ]
    for each in broken:
        with pytest.raises(PolicyError):
            restore_predictor(each, width, len(LADDER))
    with pytest.raises(PolicyError):
        restore_predictor(state, width, len(LADDER) + 1)


@pytest.mark.parametrize(
    ("family", "word", "message"),
    [
        ("forest", "a=1", "no family 'forest'; there are calibrated"),
        ("mean", "a=1", "of none; got 'a=1'"),
        ("lightgbm", "max_trees", "name=value"),
        ("lightgbm", "max_trees=many", "must be an integer"),
        ("logistic", "penalty=much", "must be a number"),
        ("lightgbm", "monotone=yes", "must be true or false"),
    ],
)
def test_settings_that_cannot_be_read_are_refused(family, word, message):
    with pytest.raises(PolicyError, match=message):
        parse_settings(family, [word])


def test_settings_have_the_types_of_their_defaults():
    assert parse_settings("geometry", ["columns=width,height", "penalty=1"]) == {
        "columns": ("width", "height"),
        "penalty": 1.0,
    }
    with pytest.raises(PolicyError, match="each name once"):
        parse_settings("logistic", ["penalty=1", "penalty=2"])
    with pytest.raises(PolicyError, match="no setting 'depth'"):
        make_estimator("logistic", depth=3)
    assert default_settings("mean") == {}


@pytest.mark.parametrize(
    ("family", "settings", "message"),
    [
        ("logistic", {"penalty": -1.0}, "penalty must be a number of at least 0"),
        ("neighbours", {"num_neighbours": 0}, "num_neighbours must be at least 1"),
        ("neighbours", {"sharpness": -1.0}, "sharpness must be"),
        ("geometry", {"columns": ("colour",)}, "names of the feature schema, got 'colour'"),
        ("geometry", {"columns": (10_000,)}, "columns must lie in a table"),
        ("geometry", {"columns": ()}, "columns must be 1 to"),
    ],
)
def test_settings_that_are_not_legal_are_refused(family, settings, message):
    with pytest.raises(ValueError, match=message):
        make_estimator(family, **settings).fit(*samples(30))
