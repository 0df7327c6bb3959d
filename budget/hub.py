"""Fetches from the model hub, through its own client and cache; what fails is one line."""

from collections.abc import Callable
from pathlib import Path

from budget.errors import ModelError


def fetch_model(name: str, rule: str) -> Path:
    """Return the folder of a model, downloaded if need be.

    Args:
        name: of the model, ``owner/name``.
        rule: what is legal, for the error.

    Raises:
        ModelError: if the hub does not give it.
    """
    from huggingface_hub import snapshot_download

    return _fetched(snapshot_download, name, rule)


def fetch_config(name: str, rule: str) -> Path:
    """Return a model's config.json alone; arguments and errors are those of ``fetch_model``."""
    from huggingface_hub import hf_hub_download

    return _fetched(lambda model: hf_hub_download(model, "config.json"), name, rule)


def _fetched(fetch: Callable[[str], str], name: str, rule: str) -> Path:
    try:
        return Path(fetch(name))
    except Exception as error:  # whatever a client, a network or a disk says
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"no such model: {name!r} ({reason}); {rule}") from error
