"""Tables of what is saved."""

from collections.abc import Sequence

from experiments.report.money import REQUESTS, Money, dollars_saved
from experiments.report.runs import Run
from experiments.report.saving_measures import FLOPS, MS, TOKENS, AtEqual, AtPrice
from experiments.report.section import Cell, Column, Table, Value

_LOST = Column("accuracy_lost", "accuracy lost, points", 1, 100)


def price_table(run: Run, rows: Sequence[AtPrice], money: Money | None) -> Table:
    """Return what every policy saves at its prices, per sample and per 1,000 requests."""
    columns = [Column("policy", "policy"), Column("price_name", "price"), _LOST]
    for kind, title in ((TOKENS, "visual tokens"), (FLOPS, "FLOPs"), (MS, "milliseconds")):
        columns.append(Column(f"{kind}_saved_share", f"{title} saved, %", 1, 100))
    columns += [
        Column("tokens_saved_per_1000", "visual tokens saved per 1,000 requests", 0),
        Column("flops_saved_per_1000", "TFLOPs saved per 1,000 requests", 3, 1e-12),
        Column("seconds_saved_per_1000", "seconds saved per 1,000 requests", 1, 1e-3),
    ]
    if money is not None:
        columns += [
            Column("dollars_full_per_1000", "dollars per 1,000 requests at the full scale", 4),
            Column("dollars_saved_per_1000", "dollars saved per 1,000 requests", 4),
        ]
    return Table(
        "savings",
        f"What policies save against the full scale at their prices, which were set beforehand, "
        f"over {len(run.curves):,} samples, a sample being a request; the policy's own decision is "
        "counted in milliseconds; 95 % intervals. What was not measured is left out.",
        tuple(columns),
        tuple(_price_row(row, money) for row in rows),
    )


def _price_row(row: AtPrice, money: Money | None) -> tuple[Cell, ...]:
    kinds = (TOKENS, FLOPS, MS)
    cells: list[Cell] = [row.policy, row.price, row.lost]
    cells += [row.spent[kind].share if kind in row.spent else None for kind in kinds]
    cells += [_per_1000(row.spent[kind].saved) if kind in row.spent else None for kind in kinds]
    if money is not None:
        found = dollars_saved(row.spent, money)
        cells += [None, None] if found is None else [*found]
    return tuple(cells)


def _per_1000(saved: Value) -> Value:
    return Value(*(REQUESTS * x for x in saved))


def equal_table(rows: Sequence[AtEqual], n: int) -> Table:
    """Return what every rule saves at equal accuracy."""
    kinds = (TOKENS, FLOPS, MS)
    cells: list[tuple[Cell, ...]] = [
        (
            row.rule,
            row.drop,
            *(row.shares.get(kind) for kind in kinds),
            row.recovery,
            row.reached,
        )
        for row in rows
    ]
    return Table(
        "savings_at_equal_accuracy",
        f"Saving at equal accuracy: share of the full scale's cost that is not needed to be as "
        f"accurate as it, or so much less, over {n:,} samples. The price that gets there is read "
        "off these samples; recovery is the tokens saved over what the oracle without luck saves; "
        "intervals are 95 % of the resamples in which the rule gets there.",
        (
            Column("rule", "rule"),
            Column("allowed_drop", "accuracy that may be lost, points", 1, 100),
            Column("tokens_saved", "visual tokens saved, %", 1, 100),
            Column("flops_saved", "FLOPs saved, %", 1, 100),
            Column("ms_saved", "milliseconds saved, %", 1, 100),
            Column("recovery", "recovery, %", 1, 100),
            Column("reached", "gets there, % of resamples", 0, 100),
        ),
        tuple(cells),
    )
