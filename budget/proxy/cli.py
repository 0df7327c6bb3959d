r"""The command ``budget proxy``: budgets in front of a server that runs already.

    budget proxy --upstream http://127.0.0.1:8000 --dialect vllm --policy m3 \
        --knob max_pixels=12544,50176,200704,802816,1003520

It prints a line of JSON with its ``url`` once it takes requests, and runs until a signal ends it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from budget import cli as commands
from budget.console import one_line, one_line_errors, print_json_line, quiet_libraries, say
from budget.errors import PolicyError

if TYPE_CHECKING:
    from budget.proxy.decide import FilePolicy


@one_line_errors()
def proxy(
    upstream: Annotated[
        str, typer.Option(help="The server behind, such as http://127.0.0.1:8000, without /v1.")
    ],
    dialect: Annotated[
        str,
        typer.Option(
            help="How it is told: vllm (mm_processor_kwargs), transformers (chat_template_kwargs), "
            "or resize (smaller images, for any server)."
        ),
    ],
    policy: Annotated[str, typer.Option(help="Policy folder, or m3 or mqt for the shipped ones.")],
    knob: Annotated[
        list[str] | None,
        typer.Option(
            help="What each rung means, cheapest first: name=value,value,... One value a rung. "
            "To resize: max_pixels or longest_side.",
        ),
    ] = None,
    knobs: Annotated[
        Path | None,
        typer.Option(
            help="In the place of --knob: a JSON list with one object of image processor "
            "arguments a rung; {} leaves the server's default."
        ),
    ] = None,
    price: Annotated[
        float | None, typer.Option(help="Score that the full scale's cost must be worth.", min=0)
    ] = None,
    mean_tokens: Annotated[
        float | None,
        typer.Option(help="Visual tokens an image, on average, as the policy counts them."),
    ] = None,
    risk: Annotated[str | None, typer.Option(help="epsilon:delta, such as 0.01:0.05.")] = None,
    decision_ms: Annotated[
        float,
        typer.Option(
            help="Longest decision, images fetched and resized; after it the "
            "request goes on unchanged.",
            min=1,
        ),
    ] = 1000.0,
    upstream_timeout_s: Annotated[
        float, typer.Option(help="Seconds that the server behind may be silent.", min=0.001)
    ] = 600.0,
    allow_remote_images: Annotated[
        bool,
        typer.Option(
            "--allow-remote-images",
            help="Fetch images from public addresses; "
            "otherwise requests that name a URL go on unchanged.",
        ),
    ] = False,
    allow_remote_network: Annotated[
        list[str] | None,
        typer.Option(help="A network that images may be fetched from besides, as 10.1.0.0/16."),
    ] = None,
    allow_remote_port: Annotated[
        list[int] | None, typer.Option(help="A port besides 80 and 443.", min=1, max=65535)
    ] = None,
    max_body_bytes: Annotated[
        int, typer.Option(help="Longest request; above it the answer is 413.", min=1)
    ] = 20_000_000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port, 0 for a free one.", min=0, max=65535)] = 8001,
) -> None:
    """Decide the visual budget of every request, and pass it on to a server that runs already.

    Clients use the proxy's URL in the place of the server's and need not be changed. Budgets that
    a client sets itself are left alone, and where a decision fails the request goes on unchanged.
    The proxy's own pages are /budget/health and /budget/metrics; all other paths are passed on.
    """
    quiet_libraries()
    from budget.budgets import Budget
    from budget.proxy.app import create_app
    from budget.proxy.decide import NoPolicy, warm_up
    from budget.proxy.dialects import make_dialect
    from budget.proxy.knobs import parse_knobs
    from budget.proxy.listening import listen
    from budget.proxy.rewrite import Rewriter
    from budget.proxy.upstream import Upstream
    from budget.risk import parse_risk
    from budget.serving.limits import Limits
    from budget.serving.public_addresses import parse_networks
    from budget.serving.remote_images import RemoteRules
    from budget.serving.request_images import RequestImages

    budget = Budget(
        price=price, mean_tokens=mean_tokens, risk=None if risk is None else parse_risk(risk)
    )
    limits = Limits(max_body_bytes=max_body_bytes)
    rules = RemoteRules(
        parse_networks(allow_remote_network or ()),
        ports=frozenset({80, 443, *(allow_remote_port or ())}),
        deadline_s=decision_ms / 1000,
    )
    behind = Upstream(upstream, timeout_s=upstream_timeout_s)
    read = load_file_policy(policy)
    if read is not None:
        warm_up(read, budget)
    means = parse_knobs(knob or (), knobs, None if read is None else len(read.ladder))
    chooser = NoPolicy(len(means)) if read is None else read
    rewriter = Rewriter(
        chooser,
        make_dialect(dialect, means, limits.max_pixels),
        RequestImages(limits, allow_remote=allow_remote_images, rules=rules),
        budget=budget,
        deadline_s=decision_ms / 1000,
    )
    app = create_app(behind, rewriter, max_body_bytes=max_body_bytes)
    about = {"upstream": str(behind.url), "dialect": dialect, "knobs": list(means)}
    listen(app, host, port, lambda url: print_json_line({"url": url, **about}))


def load_file_policy(policy: str) -> "FilePolicy | None":
    """Return the policy in a folder, or the shipped one of a model by its name.

    A folder that is there and cannot be read is said on stderr and gives None: a server is not to
    be cut off from its clients by a broken file.

    Raises:
        PolicyError: if there is no such folder, or its policy needs the model that it is for.
    """
    from budget.budgets import EncodedPolicy
    from budget.shipped import SHIPPED, shipped_folder

    known = policy in SHIPPED and not Path(policy).is_dir()
    folder = shipped_folder(policy) / "policy" if known else Path(policy)
    if not folder.is_dir():
        raise PolicyError(f"no policy folder {folder}; give --policy FOLDER, m3 or mqt")
    if commands.policy_loader is None:
        raise PolicyError(f"nobody said how to load {folder}")
    try:
        found = commands.policy_loader(str(folder))
    except PolicyError as problem:
        say(f"budget: {one_line(problem)}; requests go on unchanged")
        return None
    if isinstance(found, EncodedPolicy):
        raise PolicyError(
            f"{folder} holds a policy of tier post-vision, which needs what the model's vision "
            "encoder found; a proxy needs one of tier pre"
        )
    return cast("FilePolicy", found)
