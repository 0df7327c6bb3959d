"""What oracles gain over fixed scales, on curves whose numbers can be told by hand."""

import numpy as np
import pytest
from gap_world import curves_of, drawn_scores, run_of

from budget.errors import DataError
from experiments.report.assessment import assess
from experiments.report.gap import gap_section
from experiments.report.luck import measure_luck
from experiments.report.rule_gaps import measure_gaps, rule_rungs

# Right from the first scale on; only at the first; only at the last; never.
SCORES = [[1, 1, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]] * 10


def gaps_of(scores, **kwargs):
    curves = curves_of(scores, **kwargs)
    return measure_gaps(curves, np.random.default_rng(0), resamples=200)


def test_gains_are_those_told_by_hand():
    gaps = gaps_of(SCORES)
    assert gaps.best == 0  # two of four are right there, as at the full scale, for fewer tokens
    assert gaps.tokens == (1.0, 4.0, 16.0)
    assert [each.value for each in gaps.accuracy] == [0.5, 0.25, 0.5]
    first = gaps.get("first-correct")
    assert (first.solved, first.accuracy.value) == (0.75, 0.75)
    assert first.tokens.value == (1 + 1 + 16 + 1) / 4
    assert first.over_best.value == 0.25
    assert first.tokens_saved.value == pytest.approx(1 - 4.75)
    # No fixed scale is better than the first, so that no mix is either.
    assert first.over_mix.value == pytest.approx(0.25)
    full = gaps.get("first-correct", "full")
    assert full.tokens.value == (1 + 1 + 16 + 16) / 4
    assert full.accuracy.value == first.accuracy.value


def test_an_unsolved_sample_may_be_right_at_the_scale_that_it_is_charged():
    gaps = gaps_of(SCORES)
    assert gaps.get("stable").accuracy.value == 0.75  # the second sample, by the way
    assert gaps.get("stable", "full").accuracy.value == 0.5
    assert gaps.get("stable").solved == 0.5


def test_mixes_are_compared_at_equal_tokens():
    gaps = gaps_of([[0, 1], [0, 1], [1, 1], [0, 0]] * 5, scales=(1, 5))
    stable = gaps.get("stable")
    assert stable.tokens.value == 3.0
    assert stable.accuracy.value == 0.75
    assert stable.over_mix.value == pytest.approx(0.75 - (0.25 + 0.75) / 2)


def test_intervals_hold_their_values_and_are_those_of_paired_samples():
    gaps = gaps_of(drawn_scores(300))
    for row in gaps.rules:
        for value in row[3:]:
            assert value.low <= value.value <= value.high
    first = gaps.get("first-correct")
    paired = first.over_best.high - first.over_best.low
    apart = sum(v.high - v.low for v in (first.accuracy, gaps.accuracy[gaps.best]))
    assert paired < apart


def test_the_stable_oracle_is_right_where_the_full_scale_is_by_definition():
    gaps = gaps_of([[0, 1], [1, 1], [0, 0]] * 20, scales=(1, 5))
    assert gaps.get("stable", "full").over_best == (0.0, 0.0, 0.0)
    assert gaps.get("first-correct", "full").over_best.high > 0  # so it is only in these samples
    cheap = gaps_of([[1, 1], [1, 1], [1, 0]] * 20, scales=(1, 5))
    assert cheap.get("stable", "full").over_best.value == pytest.approx(-1 / 3)


def test_answers_without_texts_leave_out_the_rule_that_compares_them():
    bare = curves_of(SCORES, answers=np.full((40, 3), ""))
    assert "agrees-with-full" not in rule_rungs(bare)
    assert "agrees-with-full" in rule_rungs(curves_of(SCORES))


def test_without_any_visual_token_there_is_no_gap_to_speak_of():
    curves = curves_of(SCORES, tokens=np.zeros((40, 3), dtype=int))
    with pytest.raises(DataError, match="no sample has a visual token"):
        measure_gaps(curves, np.random.default_rng(0), resamples=5)


def test_luck_is_found_where_answers_are_guessed_and_not_where_they_are_known():
    rng = np.random.default_rng(0)
    guessed = (rng.random((2000, 4)) < 0.5).astype(float)
    scales = (1, 2, 4, 8)
    luck = measure_luck(curves_of(guessed, scales=scales), rng, resamples=50, permutations=10)
    assert luck.any_right.value > 0.9
    assert luck.luck.low > 0.5
    assert luck.guessed.value > 0.9
    need = rng.integers(0, 4, 2000)
    known = (np.arange(4) >= need[:, None]).astype(float)
    luck = measure_luck(curves_of(known, scales=scales), rng, resamples=50, permutations=10)
    assert luck.luck.value == pytest.approx(0.0)
    assert luck.gain.value == 0.0
    assert np.isnan(luck.guessed.value)


def section_of(curves):
    run, rng = run_of(curves), np.random.default_rng(0)
    return gap_section(run, assess(run, rng, resamples=20), rng, resamples=50)


def test_the_first_sentence_answers_with_numbers_and_intervals():
    section = section_of(curves_of(drawn_scores(400)))
    lead = section.words[0]
    assert "The best fixed scale, 16 tokens, has an accuracy of" in lead
    assert lead.count(" to ") >= 5  # an interval each
    assert [table.name for table in section.tables] == ["oracle_rules", "fixed_scales"]
    rows = {(row[0], row[1]) for row in section.tables[0].rows}
    assert len(rows) == 10
    for picture in section.pictures:
        assert picture.png.startswith(b"\x89PNG")
        assert picture.caption.endswith(".")
        assert picture.alt


def test_no_gain_is_claimed_where_none_can_be_told():
    section = section_of(curves_of(np.ones((50, 3))))
    assert "cannot be told from none" in section.words[0]
    assert not any("could gain" in sentence for sentence in section.words)


def test_where_nothing_is_right_there_is_no_gap():
    section = section_of(curves_of(np.zeros((40, 3))))
    assert section.words[0].startswith("There is no gap")


def test_soft_scores_are_said_to_be_so_and_may_lose():
    rng = np.random.default_rng(0)
    section = section_of(curves_of(drawn_scores(200) * rng.random((200, 3)).round(2)))
    text = " ".join(section.words)
    assert "accuracies are mean scores" in text
    assert "would lose" in section.words[0]
