"""Tables of what is saved."""

from collections.abc import Sequence

from experiments.report.money import REQUESTS, Money, dollars_saved
from experiments.report.runs import Run
from experiments.report.saving_measures import FLOPS, MS, TOKENS, AtEqual, AtPrice
from experiments.report.section import Cell, Column, Table, Value

_KINDS = ((TOKENS, "visual tokens"), (FLOPS, "FLOPs"), (MS, "milliseconds"))
_PRICE = (Column("policy", "policy"), Column("price_name", "price"))
_LOST = Column("accuracy_lost", "accuracy lost, points", 1, 100)


def price_table(run: Run, rows: Sequence[AtPrice]) -> Table:
    """Return which share every policy saves at its prices."""
    columns = (*_PRICE, _LOST, *(Column(f"{k}_saved", f"{t} saved, %", 1, 100) for k, t in _KINDS))
    cells: list[tuple[Cell, ...]] = [
        (row.policy, row.price, row.lost, *(_share(row, kind) for kind, _ in _KINDS))
        for row in rows
    ]
    return Table(
        "savings",
        f"What policies save against the full scale at their prices, which were set beforehand, "
        f"over {len(run.curves):,} samples; the policy's own decision is counted in milliseconds; "
        "95 % intervals. What was not measured is left out.",
        columns,
        tuple(cells),
    )


def requests_table(run: Run, rows: Sequence[AtPrice], money: Money | None) -> Table:
    """Return what every policy saves in 1,000 requests at its prices, in units and in money."""
    columns = [
        *_PRICE,
        Column("tokens_saved_per_1000", "visual tokens saved", 0),
        Column("flops_saved_per_1000", "TFLOPs saved", 3, 1e-12),
        Column("ms_saved_per_1000", "seconds saved", 1, 1e-3),
    ]
    if money is not None:
        columns += [
            Column("dollars_full_per_1000", "dollars at the full scale", 4),
            Column("dollars_saved_per_1000", "dollars saved", 4),
        ]
    cells = []
    for row in rows:
        own: list[Cell] = [row.policy, row.price, *(_per_1000(row, kind) for kind, _ in _KINDS)]
        if money is not None:
            own += dollars_saved(row.spent, money) or (None, None)
        cells.append(tuple(own))
    return Table(
        "savings_per_1000",
        f"The same per {REQUESTS:,} requests, a request being a sample like these "
        f"{len(run.curves):,}; 95 % intervals.",
        tuple(columns),
        tuple(cells),
    )


def _share(row: AtPrice, kind: str) -> Value | None:
    return row.spent[kind].share if kind in row.spent else None


def _per_1000(row: AtPrice, kind: str) -> Value | None:
    if kind not in row.spent:
        return None
    return Value(*(REQUESTS * x for x in row.spent[kind].saved))


def equal_table(rows: Sequence[AtEqual], n: int) -> Table:
    """Return what every rule saves at equal accuracy."""
    cells: list[tuple[Cell, ...]] = [
        (
            row.rule,
            row.drop,
            *(row.shares.get(kind) for kind, _ in _KINDS),
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
