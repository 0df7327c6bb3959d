"""The commands ``budget bench``: on models, the oracle's sweep, a policy's decisions, going up."""

from budget.bench_cli import app
from experiments.escalate.cli import escalate
from oracle.bench_cli import oracle
from policies.bench_cli import decide

app.command("oracle")(oracle)
app.command("decide")(decide)
app.command("escalate")(escalate)

__all__ = ["app"]
