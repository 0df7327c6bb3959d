"""The commands ``budget bench``: on models, the oracle's sweep, a policy's decisions, a server."""

from budget.bench_cli import app
from experiments.load.cli import serve
from oracle.bench_cli import oracle
from policies.bench_cli import decide

app.command("oracle")(oracle)
app.command("decide")(decide)
app.command("serve")(serve)

__all__ = ["app"]
