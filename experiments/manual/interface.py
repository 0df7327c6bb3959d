"""Pages of the public names of the packages; mkdocstrings puts the docstrings in their places."""

from importlib import import_module
from types import ModuleType

PACKAGES = ("budget", "oracle", "policies")


def homes(package: str) -> dict[str, str]:
    """Return where each public name of a package is defined.

    Args:
        package: one of ``PACKAGES``.

    Returns:
        ``{"AdaptiveVLM": "budget.adaptive.AdaptiveVLM", ...}``, by name.
    """
    module = import_module(package)
    return {name: f"{_home(module, name)}.{name}" for name in sorted(module.__all__, key=str.lower)}


def _home(module: ModuleType, name: str) -> str:
    """Return the module of a name; ``budget`` keeps its own modules without its name in front."""
    if module.__name__ == "budget":
        return f"budget.{module._HOME[name]}"
    return str(module._HOMES[name])


def interface_page(package: str) -> str:
    """Return the page of a package as Markdown for mkdocstrings: its docstring, then every name."""
    said = (import_module(package).__doc__ or "").split("\n\n")[0].rstrip(".")
    head = f"# {package}\n\n{said}: `from {package} import NAME`.\n"
    names = [f"::: {path}\n" for path in homes(package).values()]
    return "\n".join([head, *names])
