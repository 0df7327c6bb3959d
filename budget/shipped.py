"""Where the weights that come with the package lie."""

from importlib.util import find_spec
from pathlib import Path

from budget.errors import ModelError

SHIPPED = ("m3", "mqt")


def shipped_folder(name: str) -> Path:
    """Return where the weights of a shipped model lie.

    Raises:
        ModelError: if they are not installed.
    """
    spec = find_spec("experiments")
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place) / "scenes" / "weights" / name
        if (folder / "config.json").is_file():
            return folder
    raise ModelError(f"the shipped model {name!r} is not installed: no experiments/scenes/weights")
