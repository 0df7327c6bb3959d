"""What is saved, on curves whose savings can be told by hand."""

import numpy as np
import pytest
from gap_world import curves_of, drawn_scores, policy_of, run_of

from budget.errors import DataError
from budget.stable import stable_scores
from experiments.report.assessment import assess
from experiments.report.money import Money, dollars_saved
from experiments.report.saving_measures import at_equal_accuracy, at_prices
from experiments.report.savings import savings_section
from policies.rules import RANDOM_MIX, STABLE

# Half need one token, half need sixteen; nobody is right by the way.
SCORES = np.array([[1, 1, 1], [0, 0, 1]] * 50, dtype=float)
CURVES = curves_of(SCORES)


def measured(function, run, resamples=50):
    rng = np.random.default_rng(0)
    return function(run, assess(run, rng, resamples=5), rng, resamples=resamples)


def section_of(run, money=None):
    rng = np.random.default_rng(0)
    return savings_section(run, assess(run, rng, resamples=5), rng, resamples=50, money=money)


def first_row(table):
    return dict(zip([column.name for column in table.columns], table.rows[0], strict=True))


def test_savings_at_a_price_are_those_told_by_hand():
    run = run_of(CURVES, policy_of(stable_scores(SCORES), decision_ms=2.0))
    own = measured(at_prices, run)[0]
    assert (own.policy, own.price) == ("mine", "usual")
    assert own.lost.value == 0.0
    assert own.spent["tokens"].full == 16.0
    assert own.spent["tokens"].saved.value == 7.5
    assert own.spent["flops"].saved.value == 7.5e9
    assert own.spent["ms"].saved.value == pytest.approx(7.5 - 2.0)  # the decision is paid for
    assert own.spent["tokens"].share.value == pytest.approx(7.5 / 16)
    share = own.spent["tokens"].share
    assert 0.3 < share.low < share.value < share.high < 0.65


def test_savings_at_equal_accuracy_are_those_told_by_hand():
    run = run_of(CURVES, policy_of(stable_scores(SCORES)))
    found = {(row.rule, row.drop): row for row in measured(at_equal_accuracy, run)}
    assert found["mine", 0.0].shares["tokens"].value == pytest.approx(7.5 / 16)
    assert found["mine", 0.0].recovery.value == pytest.approx(1.0)
    assert found[STABLE, 0.0].shares["flops"].value == pytest.approx(7.5 / 16)
    assert found[RANDOM_MIX, 0.0].shares["tokens"].value == pytest.approx(0.0)
    # A point of accuracy is 1/50 of what lies between 1 and 16 tokens.
    assert found[RANDOM_MIX, 0.01].shares["tokens"].value == pytest.approx(15 / 50 / 16)
    assert found["mine", 0.0].reached == 1.0


def test_an_accuracy_that_is_never_reached_has_no_saving():
    wrong = policy_of(1 - SCORES)
    run = run_of(CURVES, wrong)
    rows = {row.drop: row for row in measured(at_equal_accuracy, run) if row.rule == "mine"}
    assert np.isnan(rows[0.0].shares["tokens"].value)
    assert rows[0.0].reached == 0.0
    text = " ".join(section_of(run).words)
    assert (
        "does not reach the full scale's accuracy at any price, nor does it come within 1" in text
    )


def test_costs_that_are_not_known_are_said_to_be_so():
    curves = curves_of(drawn_scores(60), known=False)
    run = run_of(curves, policy_of(curves.scores))
    section = section_of(run, Money(per_hour=2.0))
    text = " ".join(section.words)
    assert "The FLOPs and milliseconds of this run are not known" in text
    assert "cannot be told: what the price is paid for was not measured" in text
    shares, requests = (first_row(table) for table in section.tables[:2])
    assert shares["flops_saved"] is None
    assert shares["tokens_saved"].value > 0
    assert requests["dollars_saved_per_1000"] is None
    assert requests["ms_saved_per_1000"] is None


def test_money_is_that_of_a_thousand_requests():
    run = run_of(CURVES, policy_of(stable_scores(SCORES), decision_ms=2.0))
    own = measured(at_prices, run)[0]
    full, saved = dollars_saved(own.spent, Money(per_million_tokens=10.0))
    assert (full, saved.value) == (pytest.approx(0.16), pytest.approx(0.075))
    full, saved = dollars_saved(own.spent, Money(per_hour=3.6))
    assert (full, saved.value) == (pytest.approx(0.016), pytest.approx(0.0055))
    text = " ".join(section_of(run, Money(per_million_tokens=10.0)).words)
    assert "At 10 dollars per million visual tokens, policy 'mine' saves 0.075 dollars" in text


def test_a_decision_that_takes_longer_than_it_saves_costs_more():
    run = run_of(CURVES, policy_of(stable_scores(SCORES), decision_ms=20.0))
    text = " ".join(section_of(run, Money(per_hour=3.6)).words)
    assert "it needs more measured milliseconds" in text
    assert "costs 0.0125 dollars" in text


def test_without_a_price_none_is_guessed():
    section = section_of(run_of(CURVES, policy_of(SCORES)))
    assert "`--dollars-per-million-tokens` or `--dollars-per-hour`" in " ".join(section.words)
    assert not any("dollars" in name for table in section.tables for name in first_row(table))
    assert first_row(section.tables[1])["tokens_saved_per_1000"].value == 7500.0
    assert "Of the other prices of policy 'mine', 'none' saves" in section.words[1]


@pytest.mark.parametrize("money", [Money(), Money(1.0, 2.0), Money(0.0), Money(per_hour=-1.0)])
def test_prices_that_cannot_be_are_refused(money):
    with pytest.raises(DataError, match="money needs one price above 0"):
        section_of(run_of(CURVES), money)


def test_without_policies_fixed_scales_and_oracles_are_told():
    section = section_of(run_of(CURVES))
    assert section.words[0].startswith("Without any policy, fixed scales mixed at random")
    assert [table.name for table in section.tables] == ["savings_at_equal_accuracy"]
    assert section.pictures[0].png.startswith(b"\x89PNG")


def test_a_full_scale_that_is_not_the_best_is_told():
    falling = curves_of([[1, 1, 1], [1, 1, 0]] * 30)
    assert "is not the best here: the fixed scale of 1 token" in " ".join(
        section_of(run_of(falling)).words
    )
    nothing = curves_of(np.zeros((40, 3)))
    assert section_of(run_of(nothing)).words == (
        "No scale gets any sample right, so that every token spent is wasted.",
    )
