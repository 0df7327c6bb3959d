"""Which features move a policy's choices, in words, as a figure and as a table."""

from collections.abc import Mapping

from experiments.report.runs import Run
from experiments.report.section import Cell, Column, Section, Table, Value
from policies.importance import Importance, ImportanceTable

_COLUMNS = (
    Column("policy", "policy"),
    Column("group", "features that were shuffled"),
    Column("features", "number of features", 0),
    Column("changed", "samples given another scale, %", 1, 100),
    Column("moved_log2_tokens", "tokens moved, log2", 2),
    Column("utility_lost", "score less cost that is lost, points", 2, 100),
    Column("gap_lost", "gap closed that is lost, points", 1, 100),
)


def importance_section(run: Run, tables: Mapping[str, ImportanceTable]) -> Section:
    """Return which groups of features are most responsible for the policies' choices.

    Args:
        run: whose samples features were shuffled among.
        tables: of :func:`policies.importance.importance`, by the policy's name.
    """
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, each.words, each.num_columns, *(Value(*cell) for cell in each[3:]))
        for name, table in tables.items()
        for each in table.groups
    )
    return Section(
        f"importance-{run.name}",
        "Which features move the policy's choices?",
        tuple(_words(name, table) for name, table in tables.items()),
        (),
        (
            Table(
                f"{run.name}-importance",
                "What shuffling a group of features changes.",
                _COLUMNS,
                rows,
            ),
        ),
    )


def _words(name: str, table: ImportanceTable) -> str:
    first: Importance = table.groups[0]
    return f"The choices of {name} are moved most by {first.words}."
