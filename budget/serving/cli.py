"""The command ``budget serve``: OpenAI's chat completions over a model that saves visual tokens.

    budget serve --model m3 --port 8000
    budget serve --model m3 --port 0 --budget mean-tokens=36 --api-keys-file keys.txt

Once it is ready it prints one line of JSON, ``{"url": "http://127.0.0.1:8000", "model": "m3"}``.
SIGTERM or Ctrl-C lets running requests end, a second one stops at once. Needs the extra ``serve``.
"""

from typing import Annotated

import typer

from budget.console import one_line_errors, print_json_line, quiet_libraries
from budget.serving.flags import AccessFlags, LimitFlags, ModelFlags, QueueFlags, takes_flags

app = typer.Typer(add_completion=False)


@app.command()
@one_line_errors()
@takes_flags(model=ModelFlags, queue=QueueFlags, limits=LimitFlags, access=AccessFlags)
def serve(
    model: ModelFlags,
    queue: QueueFlags,
    limits: LimitFlags,
    access: AccessFlags,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
) -> None:
    """Serve a model behind OpenAI's API, with as many visual tokens as each request needs."""
    quiet_libraries()
    needs_serve_extra()
    from budget import cli
    from budget.serving.app import create_app
    from budget.serving.assembly import assemble, warm_up
    from budget.serving.governing import remember
    from budget.serving.server import bound_socket, run_server

    with bound_socket(host, port) as socket:
        vlm, settings = assemble(model, queue, limits, access, cli.policy_loader)
        warm_up(vlm)
        name = vlm.model.name
        run_server(
            create_app(vlm, settings),
            socket,
            grace_s=queue.grace_s,
            announce=lambda url: print_json_line({"url": url, "model": name}),
            at_end=lambda: remember(getattr(vlm, "governor", None), model.governor_state),
        )


def needs_serve_extra() -> None:
    """Refuse where the packages of the extra ``serve`` are missing.

    Raises:
        ImportError: with how to install them.
    """
    from importlib.util import find_spec

    wanted = ("fastapi", "uvicorn", "prometheus_client", "httpx2")
    if missing := [name for name in wanted if find_spec(name) is None]:
        raise ImportError(
            f"{', '.join(missing)} missing: pip install 'matryoshka-budget[serve]' brings it"
        )
