import numpy as np
import pytest

from oracle.curves import Curves


def columns(n=4, k=3, prefix="s"):
    rng = np.random.default_rng(0)
    return {
        "sample_ids": [f"{prefix}{i}" for i in range(n)],
        "groups": ["even" if i % 2 == 0 else "odd" for i in range(n)],
        "scales": (1, 9, 36)[:k],
        "scores": rng.random((n, k)),
        "answers": np.array([[f"a{i}{j}" for j in range(k)] for i in range(n)]).reshape(n, k),
        "confidence": -rng.random((n, k)),
        "flops": rng.random((n, k)) * 1e12,
        "seconds": rng.random((n, k)),
        "num_visual_tokens": np.tile((1, 9, 36)[:k], (n, 1)),
        "prompt_tokens": np.full((n, k), 50),
    }


def test_a_selection_by_mask_and_by_ids_is_the_same_thing():
    curves = Curves(**columns())
    mask = curves.groups == "odd"
    by_mask, by_ids = curves.select(mask), curves.select(curves.sample_ids[mask])
    assert by_mask.sample_ids.tolist() == by_ids.sample_ids.tolist() == ["s1", "s3"]
    np.testing.assert_array_equal(by_mask.scores, curves.scores[[1, 3]])
    np.testing.assert_array_equal(by_mask.answers, by_ids.answers)


def test_ids_are_taken_in_the_order_asked_for():
    assert Curves(**columns()).select(["s2", "s0"]).sample_ids.tolist() == ["s2", "s0"]
    assert len(Curves(**columns()).select([])) == 0


def test_neither_the_caller_nor_a_reader_can_change_curves():
    mine = columns()
    curves = Curves(**mine)
    before = curves.scores[0, 0]
    mine["scores"][0, 0] = 1 - before
    assert curves.scores[0, 0] == before
    with pytest.raises(ValueError, match="read-only"):
        curves.scores[0, 0] = 0.5


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"scores": np.zeros((4, 2))}, r"scores must have shape \(4, 3\), got \(4, 2\)"),
        ({"groups": ["a"]}, r"groups must have shape \(4,\)"),
        ({"scales": (9, 1, 36)}, r"strictly increasing, got \(9, 1, 36\)"),
        ({"scales": (0, 1, 36)}, "positive"),
        ({"sample_ids": ["s", "s", "t", "t"]}, "unique, 2 are repeated"),
        ({"scores": np.full((4, 3), np.nan)}, "scores must be finite, 12 values are not"),
        ({"scores": np.full((4, 3), 1.5)}, r"\[0, 1\], got 1.5 to 1.5"),
        ({"seconds": np.full((4, 3), -1.0)}, "seconds must not be negative, got -1"),
        ({"confidence": np.full((4, 3), -np.inf)}, "confidence must be finite or NaN everywhere"),
        ({"margin": np.full((4, 3), np.inf)}, "margin must be finite or NaN, 12 values are not"),
        ({"entropy": np.zeros((4, 2))}, r"entropy must have shape \(4, 3\), got \(4, 2\)"),
        ({"flops": [[1.0, 2.0, np.nan]] * 4}, "flops must be finite or NaN everywhere, 4 values"),
    ],
)
def test_what_is_not_well_formed_is_refused(change, match):
    with pytest.raises(ValueError, match=match):
        Curves(**{**columns(), **change})


@pytest.mark.parametrize("name", ["confidence", "flops", "seconds"])
def test_what_is_not_known_is_nan_everywhere(name):
    curves = Curves(**{**columns(), name: np.full((4, 3), np.nan)})
    assert np.isnan(getattr(curves.select(["s2"]), name)).all()


@pytest.mark.parametrize("name", ["margin", "entropy"])
@pytest.mark.parametrize("given", [{}, {"value": None}, {"value": np.full((4, 3), np.nan)}])
def test_margin_and_entropy_need_not_be_known(name, given):
    curves = Curves(**columns(), **({name: given["value"]} if given else {}))
    assert np.isnan(getattr(curves, name)).tolist() == [[True] * 3] * 4
    assert getattr(curves.select(["s2"]), name).shape == (1, 3)


def test_margin_may_be_known_of_some_samples_alone():
    margin = np.array([[0.5] * 3, [np.nan] * 3, [1.0] * 3, [0.0] * 3])
    np.testing.assert_array_equal(Curves(**columns(), margin=margin).margin, margin)


def test_all_problems_are_named_at_once():
    bad = {"scales": (9, 1, 36), "flops": np.full((4, 3), np.inf), "groups": ["a"]}
    with pytest.raises(ValueError, match=r"groups .*; scales .*; flops"):
        Curves(**{**columns(), **bad})


@pytest.mark.parametrize(
    ("which", "match"),
    [
        (["s0", "nobody"], "1 unknown sample ids, first: 'nobody'"),
        (np.array([True]), r"shape \(4,\), got \(1,\)"),
        (np.array([0, 1]), "sample ids or a boolean mask, got int64"),
    ],
)
def test_a_selection_of_nothing_known_is_refused(which, match):
    with pytest.raises(ValueError, match=match):
        Curves(**columns()).select(which)
