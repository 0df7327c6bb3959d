"""What ``budget policy why`` does, once its options are read."""

import time
from pathlib import Path
from typing import Any

import typer

from budget.budgets import Budget
from budget.console import print_json_line, print_table
from budget.pictures import open_image
from policies.contributions import Contributions, GroupContribution, contributions
from policies.evaluation_files import load_policies


def run_why(image: Path, question: str, *, policy: str, budget: Budget) -> Contributions:
    """Say why a policy gives a request its scale: a sentence, a table, one JSON line.

    Args:
        image: a file.
        question: about it.
        policy: a folder, or the name of a shipped one.
        budget: what is allowed.

    Raises:
        BudgetError: if a file cannot be used, or the policy cannot be explained.
    """
    ((name, loaded),) = load_policies([policy]).items()
    picture = open_image(image)
    start = time.perf_counter()
    found = contributions(loaded, picture, question, budget=budget)
    ms = 1000 * (time.perf_counter() - start)
    typer.echo(f"{found.sentence[0].upper()}{found.sentence[1:]}.")
    if found.groups:
        columns = ("what counts", "tokens, times", "gain, points", "of this request")
        rows = [_cells(group) for group in found.groups]
        print_table(columns, rows, "From a typical request to this one")
    print_json_line({"policy": name, **as_json(found), "ms": round(ms, 1)})
    return found


def _cells(group: GroupContribution) -> tuple[str, ...]:
    return (
        group.words,
        f"{2**group.log2_tokens:.2f}",
        f"{100 * group.gain:+.1f}",
        group.claim or "-",
    )


def as_json(found: Contributions) -> dict[str, Any]:
    """Return contributions as plain values, the sentence first."""
    plain = found._asdict()
    plain.pop("groups")
    sentence = plain.pop("sentence")
    groups = [{"group": each.name, **each._asdict()} for each in found.groups]
    for group in groups:
        group.pop("name")
    return {"sentence": sentence, **plain, "groups": groups}
