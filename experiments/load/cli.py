"""The command ``budget bench serve``: many clients against a server that really runs.

    budget bench serve
    budget bench serve --quick
    budget bench serve --url http://127.0.0.1:8000 --pid 4711

Two in three requests are good ones, and every answer to them is compared with what the same model
says when it is asked directly. The rest are broken images, bombs, bodies that are too large or no
JSON, clients that dawdle and clients that go away. Times are milliseconds at the client, memory is
the server's resident size after the first fifth of the requests and after the last one, both at
rest. The last line is JSON; exit code 1 says that something was lost, wrong or not as it must be.
"""

import asyncio
import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from budget.console import (
    one_line_errors,
    print_json_line,
    print_table,
    progress,
    quiet_libraries,
    say,
)

if TYPE_CHECKING:
    from experiments.load.call import Call
    from experiments.load.report import Report
    from experiments.load.run import LoadRun

QUICK = 200
SHOWN_PROBLEMS = 20


@one_line_errors()
def serve(
    model: Annotated[str, typer.Option(help="Model that is served: m3, mqt or a folder.")] = "m3",
    policy: Annotated[
        str | None, typer.Option(help="Policy folder; default: that beside the model's weights.")
    ] = None,
    requests: Annotated[int, typer.Option(help="Requests in all.", min=1)] = 2000,
    clients: Annotated[int, typer.Option(help="Requests under way at once.", min=1)] = 32,
    seed: Annotated[int, typer.Option(help="Of the mix of requests.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help=f"{QUICK} requests.")] = False,
    url: Annotated[
        str | None,
        typer.Option(help="A server that runs already; by default one is started.", metavar="URL"),
    ] = None,
    pid: Annotated[int | None, typer.Option(help="With --url: process to read memory of.")] = None,
    api_key: Annotated[str | None, typer.Option(help="With --url: key to send.")] = None,
    options: Annotated[
        str, typer.Option(help="More options for the server that is started, in one string.")
    ] = "",
    max_growth: Annotated[
        float, typer.Option(help="Largest growth of memory, as a share.", min=0)
    ] = 0.05,
) -> None:
    """Send a mix of good and bad requests to `budget serve`, and check every answer."""
    quiet_libraries()
    from experiments.load.mix import draw_calls

    if url is None and (pid is not None or api_key is not None):
        raise ValueError("--pid and --api-key go with --url; a server that is started needs none")
    from budget.matryoshka import load_matryoshka
    from experiments.load.references import References
    from experiments.load.report import make_report, passed
    from experiments.load.verdict import judge_all

    runner = load_matryoshka(model, "budget bench serve")
    calls = draw_calls(
        QUICK if quick else requests,
        model=runner.name,
        ladder=tuple(runner.ladder),
        seed=seed,
        keyed=url is None or api_key is not None,
    )
    words = ["--model", model, *(["--policy", policy] if policy else []), *shlex.split(options)]
    run = _run(url, words, calls, clients=clients, pid=pid, key=api_key)
    say("checking every answer with the model itself")
    verdicts = judge_all(calls, run.outcomes, References(runner))
    report = make_report(calls, run, verdicts)
    _print(report)
    # Memory still settles within a few hundred requests; a leak is told from it by a long run.
    if not passed(report.figures, None if quick else max_growth):
        raise typer.Exit(1)


def _run(
    url: str | None,
    words: Sequence[str],
    calls: "Sequence[Call]",
    *,
    clients: int,
    pid: int | None,
    key: str | None,
) -> "LoadRun":
    """Run the load on the server at ``url``, or on one of its own."""
    from experiments.load.run import run_load
    from experiments.load.server_process import running_server

    with ExitStack() as stack:
        if url is None:
            server = stack.enter_context(running_server(words))
            url, pid, key = server.url, server.process.pid, server.key
        update = stack.enter_context(progress(f"{len(calls)} requests to {url}", "requests"))
        return asyncio.run(run_load(url, calls, clients=clients, pid=pid, key=key, progress=update))


def _print(report: "Report") -> None:
    from experiments.load.report import COLUMNS

    print_table(COLUMNS, report.rows)
    for line in report.problems[:SHOWN_PROBLEMS]:
        say(line)
    if (more := len(report.problems) - SHOWN_PROBLEMS) > 0:
        say(f"and {more} more")
    print_json_line(report.figures)
