from math import comb

import numpy as np
import pytest
from scipy.stats import ttest_ind

from oracle.significance import holm, mcnemar, welch


def by_counting(helped, hurt):
    """Twice the chance that as few or fewer of fair coins fall on the rarer side."""
    n, few = helped + hurt, min(helped, hurt)
    return min(1.0, 2 * sum(comb(n, i) for i in range(few + 1)) / 2**n)


def test_mcnemar_is_the_exact_test_of_fair_coins():
    helped, hurt = np.meshgrid(np.arange(12), np.arange(12))
    counted = np.vectorize(by_counting)(helped, hurt)
    np.testing.assert_allclose(mcnemar(helped, hurt), counted)
    np.testing.assert_allclose(mcnemar(helped, hurt), mcnemar(hurt, helped))


def test_welch_is_scipys():
    rng = np.random.default_rng(0)
    values, others = rng.normal(0.3, 1, 30), rng.normal(0, 2, 50)
    expected = ttest_ind(values, others, equal_var=False).pvalue
    assert welch(values, others) == pytest.approx(expected)


def test_nothing_is_told_of_values_that_do_not_vary_or_are_too_few():
    assert welch(np.ones(5), np.ones(9)) == 1.0
    assert welch(np.array([1.0]), np.arange(9.0)) == 1.0


def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni():
    p = np.random.default_rng(1).random(20) ** 3
    found = holm(p)
    assert (found >= p).all()
    assert (found <= np.minimum(1, 20 * p) + 1e-12).all()
    order = np.argsort(p)
    assert (np.diff(found[order]) >= 0).all()
    assert found[order[0]] == pytest.approx(min(1, 20 * p.min()))


def test_holm_seldom_finds_anything_where_there_is_nothing():
    rng = np.random.default_rng(2)
    wrong = [(holm(rng.random(12)) < 0.05).any() for _ in range(2000)]
    assert np.mean(wrong) < 0.065


def test_holm_of_none_is_none():
    assert holm([]).shape == (0,)
