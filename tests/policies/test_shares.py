import numpy as np
import pytest

from budget.errors import DataError
from policies.option_table import OptionTable, all_equal, mean_costs
from policies.shares import Shares, split_table


def table_of(count, *, keys=None, costs=None):
    rng = np.random.default_rng(0)
    names = tuple(f"s{i}" for i in range(count))
    return OptionTable(
        sample_ids=names,
        prompts=names,
        groups=("all",) * count,
        options=("weak", "strong"),
        scores=rng.random((count, 2)),
        costs=rng.random((count, 2)) + np.array([0.1, 5.0]) if costs is None else costs,
        keys=names if keys is None else keys,
    )


def test_shares_are_disjoint_and_about_as_large_as_asked():
    parts = split_table(table_of(4000), Shares(0.5, 0.2, 0.3, seed=1))
    ids = [set(part.sample_ids) for part in parts]
    assert len(set.union(*ids)) == sum(map(len, ids)) == 4000
    assert [len(part) / 4000 for part in parts] == pytest.approx([0.5, 0.2, 0.3], abs=0.03)


def test_what_a_share_leaves_over_is_not_used():
    parts = split_table(table_of(4000), Shares(0.2, 0.1, 0.1))
    assert sum(map(len, parts)) / 4000 == pytest.approx(0.4, abs=0.03)


def test_one_text_is_never_on_two_sides():
    keys = tuple(f"prompt {i % 100}" for i in range(1000))
    parts = split_table(table_of(1000, keys=keys), Shares())
    seen = [set(part.keys) for part in parts]
    assert not (seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2])


def test_a_sample_stays_in_its_share_when_the_file_changes():
    whole = split_table(table_of(1000), Shares(seed=3))
    rows = np.random.default_rng(1).permutation(1000)[:600]
    part = split_table(table_of(1000).select(rows), Shares(seed=3))
    for before, after in zip(whole, part, strict=True):
        assert set(after.sample_ids) <= set(before.sample_ids)
    other = split_table(table_of(1000), Shares(seed=4))
    assert set(other.fit.sample_ids) != set(whole.fit.sample_ids)


def test_options_stand_in_the_order_of_what_they_cost_in_the_fit_share():
    costs = np.random.default_rng(0).random((1000, 2)) * [10.0, 1.0]
    parts = split_table(table_of(1000, costs=costs), Shares())
    assert all(part.options == ("strong", "weak") for part in parts)
    assert (np.diff(mean_costs(parts.fit)) > 0).all()


@pytest.mark.parametrize("shares", [Shares(0.0, 0.5, 0.5), Shares(0.6, 0.3, 0.2), Shares(-1, 1, 1)])
def test_shares_that_cannot_be_are_refused(shares):
    with pytest.raises(DataError, match="must be above 0 and at most 1 in sum, got"):
        split_table(table_of(100), shares)


def test_too_few_samples_are_refused_with_the_counts():
    with pytest.raises(DataError, match=r"2 samples of 2 different texts are too few .* for test"):
        split_table(table_of(2), Shares())


def test_equal_mean_costs_are_told_apart_by_less_than_anyone_sees():
    found = mean_costs(table_of(3, costs=np.full((3, 2), 7.0)))
    assert found[0] < found[1]
    assert found == pytest.approx([7.0, 7.0], rel=1e-8)
    with pytest.raises(DataError, match="in the order of their mean costs"):
        mean_costs(table_of(50).with_options(["strong", "weak"]))


def test_tables_that_do_not_fit_are_refused():
    table = table_of(5)
    with pytest.raises(DataError, match=r"no option 'huge'; there are weak, strong"):
        table.with_options(["huge", "weak"])
    with pytest.raises(DataError, match="at least one sample"):
        table.select([])
    with pytest.raises(DataError, match=r"must have shape \(5, 2\), got \(5, 2\) and \(5, 3\)"):
        table_of(5, costs=np.ones((5, 3)))
    with pytest.raises(DataError, match="5 samples need as many keys, got 1"):
        table_of(5, keys=("a",))
    assert not all_equal(table.scores)
    assert all_equal(np.array([[0.5, 0.5], [1.0, 1.0]]))
