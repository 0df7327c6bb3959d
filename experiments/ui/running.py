"""From the command's options to a page that is served, with a folder for uploads of its own."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory


def serve_page(
    bound: socket.socket,
    *,
    model: str,
    policy: str | None,
    device: str | None,
    threads: int | None,
    ladder: tuple[int, ...] | None,
    max_upload_mb: float,
    max_queue: int,
    max_new_tokens: int,
    announce: Callable[[str], None],
) -> None:
    """Load a model, serve its page until a signal, and delete what users uploaded.

    Args:
        bound: where to listen.
        model: as ``load_world`` takes it.
        policy: likewise.
        device: likewise.
        threads: of the model on a CPU; None for all.
        ladder: as ``load_world`` takes it.
        max_upload_mb: largest upload, in MB.
        max_queue: questions that wait at most.
        max_new_tokens: longest answer, in tokens.
        announce: called with the page's address once it is ready.
    """
    # Read by Gradio when it is imported: nothing is reported, and uploads lie in a folder of ours.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    with TemporaryDirectory(prefix="budget-ui-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        import torch

        from experiments.ui.answering import Answerer
        from experiments.ui.desk import Desk
        from experiments.ui.examples import draw_examples
        from experiments.ui.loading import load_world
        from experiments.ui.page import build_page, look_and_feel
        from experiments.ui.serving import app_of, run_page

        if threads is not None:
            torch.set_num_threads(threads)
        world = load_world(model, policy, device=device, ladder=ladder)
        answerer = Answerer(world, max_new_tokens=max_new_tokens)
        answerer.warm_up()
        examples = draw_examples(Path(folder) / "scenes")
        page = build_page(Desk(answerer), examples, max_queue=max_queue)
        run_page(
            app_of(page, max_upload_mb=max_upload_mb, **look_and_feel()), page, bound, announce
        )
