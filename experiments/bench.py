"""The commands ``budget bench``: on models, on the oracle's sweep and on a policy's decisions."""

from budget.bench_cli import app
from oracle.bench_cli import oracle
from policies.bench_cli import decide

app.command("oracle")(oracle)
app.command("decide")(decide)

__all__ = ["app"]
