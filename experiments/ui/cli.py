"""The command ``budget ui``: a page to ask a model about pictures, with as many tokens as it needs.

    budget ui --model m3
    budget ui --model mqt --host 0.0.0.0 --port 8080

Once it is ready it prints one line of JSON, ``{"url": "http://127.0.0.1:7860", "model": "m3"}``.
Neither the page nor the server asks any other host for anything. Ctrl-C ends it. Needs the extra
``ui``.
"""

from typing import Annotated

import typer

from budget.console import one_line_errors, print_json_line, quiet_libraries
from budget.device_options import LadderOption
from budget.options import given_ladder


@one_line_errors()
def ui(
    model: Annotated[str, typer.Option(help="m3, mqt, a model folder or a hub id.")] = "m3",
    policy: Annotated[
        str | None,
        typer.Option(
            help="Policy folder; default: the folder 'policy' beside the model's weights.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 7860,
    max_upload_mb: Annotated[
        float, typer.Option(help="Largest picture that may be uploaded, in MB.", min=0.01)
    ] = 20.0,
    max_queue: Annotated[
        int, typer.Option(help="Questions that wait; users who come later are sent away.", min=1)
    ] = 32,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 16,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; cpu by default.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            help="Threads of the model on a CPU; all by default.", show_default=False, min=1
        ),
    ] = None,
    ladder: LadderOption = None,
) -> None:
    """Open a page to try a model on: ask, move the tokens, see why and what is saved."""
    quiet_libraries()
    needs_ui_extra()
    from budget.serving.binding import bound_socket
    from experiments.ui.running import serve_page

    with bound_socket(host, port) as bound:
        serve_page(
            bound,
            model=model,
            policy=policy,
            device=device,
            threads=threads,
            ladder=given_ladder(ladder),
            max_upload_mb=max_upload_mb,
            max_queue=max_queue,
            max_new_tokens=max_new_tokens,
            announce=lambda url: print_json_line({"url": url, "model": model}),
        )


def needs_ui_extra() -> None:
    """Refuse where the package of the extra ``ui`` is missing.

    Raises:
        ImportError: with how to install it.
    """
    from importlib.util import find_spec

    if find_spec("gradio") is None:
        raise ImportError("gradio missing: pip install 'matryoshka-budget[ui]' brings it")
