"""The commands ``budget bench``: models, the oracle's sweep, decisions, all together, a server."""

from budget.bench_cli import app
from budget.times_cli import times
from experiments.escalate.cli import escalate
from experiments.load.cli import serve
from experiments.split_cli import split
from experiments.throughput_cli import throughput
from oracle.bench_cli import oracle
from policies.bench_cli import decide

app.command("times")(times)
app.command("oracle")(oracle)
app.command("decide")(decide)
app.command("throughput")(throughput)
app.command("escalate")(escalate)
app.command("serve")(serve)
app.command("split")(split)

__all__ = ["app"]
