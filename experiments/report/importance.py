"""Which features move the policies' choices: in words, as a figure and as a table."""

from collections.abc import Mapping

from experiments.report.section import Cell, Column, Picture, Section, Table, Value
from experiments.report.token_axis import png_bytes
from policies.importance import ImportanceTable
from policies.importance_figures import draw_importance
from policies.importance_words import in_words

TITLE = "Which features move the policy's choices?"
_COLUMNS = (
    Column("policy", "policy"),
    Column("group", "features that were shuffled together"),
    Column("features", "how many", 0),
    Column("changed", "samples given another scale, %", 1, 100),
    Column("moved_log2_tokens", "visual tokens moved, mean |log2|", 2),
    Column("utility_lost", "score less price times cost that is lost, points", 2, 100),
    Column("gap_lost", "gap closed that is lost, points", 1, 100),
)


def importance_section(tables: Mapping[str, ImportanceTable]) -> Section:
    """Return which groups of features are most responsible for the policies' choices.

    Args:
        tables: what :func:`policies.importance.importance` found, by the policy's name.
    """
    if not tables:
        none = ("No policy was asked about these samples, so nothing is known of what moves one.",)
        return Section("importance", TITLE, none)
    words = tuple(sentence for policy in tables for sentence in in_words(policy, tables[policy]))
    return Section(
        "importance",
        TITLE,
        (*words, _warning(tables)),
        (_picture(tables),),
        (_table(tables),),
    )


def _warning(tables: Mapping[str, ImportanceTable]) -> str:
    first = next(iter(tables.values()))
    times = "once" if first.draws == 1 else f"{first.draws} times"
    return (
        f"The features of each group were shuffled together {times}; intervals are over samples "
        "and shuffles, for each group by itself. Groups that tell much the same stand in for each "
        "other, and then each by itself seems to matter less than all of them do."
    )


def _picture(tables: Mapping[str, ImportanceTable]) -> Picture:
    policy, table = next(iter(tables.items()))
    return Picture(
        "importance",
        f"What shuffling each group of features among {table.num_samples:,} samples changes: how "
        "far the visual tokens chosen move (left; 1 is twice or half as many), and how much less "
        "of the gap between fixed scales and the oracle is closed (right). Bars: 95 % intervals.",
        f"Groups of features by how far they move the choices of {policy}, from the most: "
        + "; ".join(f"{each.words} {each.moved.value:.2f}" for each in table.groups),
        png_bytes(draw_importance(tables)),
    )


def _table(tables: Mapping[str, ImportanceTable]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            policy,
            each.words,
            each.num_columns,
            *(Value(*e) for e in (each.changed, each.moved, each.utility_lost, each.gap_lost)),
        )
        for policy, table in tables.items()
        for each in table.groups
    ]
    first = next(iter(tables.values()))
    return Table(
        "importance",
        f"What shuffling a group of features among {first.num_samples:,} samples changes in the "
        "choices at each policy's price, and what it costs, with 95 % intervals.",
        _COLUMNS,
        tuple(rows),
    )
