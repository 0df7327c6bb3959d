"""Tables of the gap between oracles and fixed scales."""

from experiments.report.rule_gaps import Gaps
from experiments.report.section import Cell, Column, Table

_CHARGED = {"cheapest": "the cheapest scale", "full": "the full scale"}


def rules_table(gaps: Gaps, resamples: int) -> Table:
    """Return one row an oracle."""
    best = gaps.tokens[gaps.best]
    rows: list[tuple[Cell, ...]] = [
        (
            row.rule,
            _CHARGED[row.unsolved],
            row.solved,
            row.accuracy,
            row.tokens,
            row.over_best,
            row.tokens_saved,
            row.over_mix,
        )
        for row in gaps.rules
    ]
    return Table(
        "oracle_rules",
        f"Oracles by rule over {gaps.n:,} samples: what each reaches, and what it gains over the "
        f"best fixed scale ({best:.4g} tokens) and over mixing fixed scales at random with the "
        f"same tokens; paired 95 % intervals of {resamples:,} resamples.",
        (
            Column("rule", "rule"),
            Column("unsolved_charged", "an unsolved sample is charged"),
            Column("solved", "solved, %", 1, 100),
            Column("accuracy", "accuracy, %", 1, 100),
            Column("mean_tokens", "visual tokens per sample", 1),
            Column("over_best_fixed", "accuracy over the best fixed scale, points", 1, 100),
            Column("tokens_saved", "tokens saved against it, %", 1, 100),
            Column("over_random_mix", "accuracy over the random mix, points", 1, 100),
        ),
        tuple(rows),
    )


def fixed_table(gaps: Gaps) -> Table:
    """Return one row a fixed scale."""
    rows: list[tuple[Cell, ...]] = [
        (tokens, accuracy, "best" if rung == gaps.best else "")
        for rung, (tokens, accuracy) in enumerate(zip(gaps.tokens, gaps.accuracy, strict=True))
    ]
    return Table(
        "fixed_scales",
        f"Every fixed scale over {gaps.n:,} samples, with 95 % intervals.",
        (
            Column("mean_tokens", "visual tokens per sample", 1),
            Column("accuracy", "accuracy, %", 1, 100),
            Column("best", "of the fixed scales"),
        ),
        tuple(rows),
    )
