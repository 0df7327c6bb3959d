"""The commands ``budget bench``: those on models and the one on the oracle's sweep in one group."""

from budget.bench_cli import app
from oracle.bench_cli import oracle

app.command("oracle")(oracle)

__all__ = ["app"]
