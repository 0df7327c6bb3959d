"""Exact Shapley values against the definition: means over all orders of the players."""

from itertools import permutations

import numpy as np
import pytest

from policies.coalitions import coalition_values, explain
from policies.shapley import MOST_PLAYERS, shapley_values


def over_all_orders(values, players):
    """What each player adds when it comes, averaged over every order: the definition."""
    added, orders = np.zeros(players), list(permutations(range(players)))
    for order in orders:
        before = 0
        for player in order:
            added[player] += values[before | 1 << player] - values[before]
            before |= 1 << player
    return added / len(orders)


@pytest.mark.parametrize("players", [0, 1, 2, 3, 5, 6])
def test_values_are_means_over_all_orders(players):
    values = np.random.default_rng(players).normal(size=1 << players)
    found = shapley_values(values)
    assert found == pytest.approx(over_all_orders(values, players), abs=1e-12)
    assert found.sum() == pytest.approx(values[-1] - values[0], abs=1e-12)


def test_several_games_at_once_are_each_game_alone():
    values = np.random.default_rng(0).normal(size=(16, 3))
    together = shapley_values(values)
    alone = np.column_stack([shapley_values(game) for game in values.T])
    assert together == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize("count", [0, 3, 12, 1 << (MOST_PLAYERS + 1)])
def test_what_is_no_game_is_refused(count):
    with pytest.raises(ValueError, match="values must be of"):
        shapley_values(np.zeros(count))


def mixed(row, background, players, coalition):
    table = background.copy()
    for i, columns in enumerate(players):
        if coalition >> i & 1:
            table[:, columns] = row[columns]
    return table


def tangled(table):
    """Two outputs in which columns meet; the second one is a step."""
    first = table[:, 0] * table[:, 3] + np.sin(table[:, 1]) * table[:, 2]
    return np.column_stack([first, first > 0.3])


PLAYERS = [np.array([0]), np.array([1, 2]), np.array([3]), np.array([5, 4])]


@pytest.fixture
def request_and_background():
    rng = np.random.default_rng(3)
    row, background = rng.normal(size=6), rng.normal(size=(7, 6))
    background[:3, 0] = row[0]  # some typical requests are like this one in a group
    background[:, 3] = row[3]  # and all of them in another
    return row, background


def test_coalitions_are_worth_what_one_by_one_they_are(request_and_background):
    row, background = request_and_background
    found = coalition_values(tangled, row, background, PLAYERS)
    wanted = [tangled(mixed(row, background, PLAYERS, s)).mean(axis=0) for s in range(16)]
    assert found == pytest.approx(np.array(wanted), abs=1e-12)


def test_requests_that_are_the_same_are_looked_at_once(request_and_background):
    row, background = request_and_background
    seen = []

    def counting(table):
        seen.append(table)
        return tangled(table)

    coalition_values(counting, row, background, PLAYERS)
    table = np.concatenate(seen)
    # Of the four groups three differ from the last four requests, two from the first three; the
    # request itself is looked at once, as are the typical ones.
    assert len(table) == 1 + 7 + 4 * (2**3 - 2) + 3 * (2**2 - 2)
    assert len(np.unique(table, axis=0)) == len(table)


def test_contributions_add_up_and_those_that_do_not_differ_get_nothing(request_and_background):
    row, background = request_and_background
    found = explain(tangled, row, background, PLAYERS)
    values = np.array([tangled(mixed(row, background, PLAYERS, s)).mean(axis=0) for s in range(16)])
    assert found.added == pytest.approx(shapley_values(values), abs=1e-12)
    assert (found.added[2] == 0).all()
    total = found.own - found.usual.mean(axis=0)
    assert found.added.sum(axis=0) == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("players", [PLAYERS[:3], [*PLAYERS, np.array([2])], []])
def test_groups_that_do_not_part_the_columns_are_refused(request_and_background, players):
    with pytest.raises(ValueError, match="must part columns 0 to 5"):
        explain(tangled, *request_and_background, players)


def test_a_request_like_all_typical_ones_has_nothing_to_explain():
    row = np.arange(6.0)
    found = explain(tangled, row, np.tile(row, (3, 1)), PLAYERS)
    assert (found.added == 0).all()
    assert (found.own == found.usual).all()
