import numpy as np
import pytest
from made_runs import made_run, nested

from experiments.report.harm import harm_section
from experiments.report.harm_measures import ALL, measure_harm


def section(run, **options):
    return harm_section(run, np.random.default_rng(0), resamples=100, **options)


def measured(run):
    return measure_harm(run.curves, np.random.default_rng(0), threshold=0.5, resamples=100)


def falling_in_one(n=300):
    """More tokens help one group and hurt the other at the second step."""
    scores = np.vstack([nested(n, [0.3, 0.6, 0.9]), nested(n, [0.3, 0.8, 0.6], seed=1)])
    return made_run(scores, groups=["helped"] * n + ["hurt"] * n)


def test_what_falls_is_named_with_its_group_and_step():
    hurting = [step for step in measured(falling_in_one()).group_steps if step.hurts]
    assert [(step.group, step.rung) for step in hurting] == [("hurt", 1)]
    (words,) = [word for word in section(falling_in_one()).words if "Accuracy falls in" in word]
    assert "'hurt' from 4 to 16 tokens" in words
    assert "'helped'" not in words


def test_steps_are_counted_over_all_and_lost_samples_too():
    run = made_run([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1]] * 10)
    harm = measured(run)
    assert [step.found.hurt[0] for step in harm.steps] == [0.25, 0.25]
    assert [step.found.net.value for step in harm.steps] == [0.0, 0.0]
    assert harm.lost[ALL].value == 0.5
    assert harm.group_steps == ()
    assert "no step to the next scale surely costs accuracy" in section(run).words[0]


def test_gains_everywhere_are_told_as_harm_nowhere():
    found = section(made_run(nested(1000, [0.3, 0.5, 0.8])))
    assert found.words[0].startswith("Nowhere, over all samples: every step")
    assert found.words[1] == "No step turns a right answer wrong."
    assert found.words[2].startswith("No sample is right at a smaller scale and wrong at 16 tokens")


def test_a_fall_over_all_samples_comes_first():
    found = section(made_run(nested(1000, [0.8, 0.81, 0.5])))
    assert found.words[0].startswith("Over all samples more tokens cost accuracy at 1 step of 2")
    assert "from 4 to 16 tokens it falls by" in found.words[0]


def test_chance_in_many_groups_is_not_called_harm():
    scores = np.random.default_rng(4).random((1200, 4)) < 0.5
    run = made_run(scores, groups=[f"g{i % 30}" for i in range(1200)])
    assert not any(step.hurts for step in measured(run).group_steps)
    assert "may be chance" in section(run).words[-1]


def test_where_no_image_gets_more_tokens_nothing_is_said():
    run = made_run(nested(40, [0.5, 0.6]), tokens=np.full((40, 2), 4), scales=(4, 16))
    found = section(run)
    assert found.words[0].startswith("Nowhere: no sample gets more tokens")
    assert found.tables[0].rows[0][3] == 0


@pytest.mark.parametrize("groups", [None, ["a", "b"] * 30])
def test_tables_have_a_row_a_step_and_figures_follow_the_groups(groups):
    found = section(made_run(nested(60, [0.4, 0.5, 0.6]), groups=groups))
    steps = 2 if groups is None else 6
    assert len(found.tables[0].rows) == steps
    assert len(found.pictures) == (1 if groups is None else 2)
    assert all(picture.png.startswith(b"\x89PNG") for picture in found.pictures)
