"""The templates of a report, with the style and the script that stand in the page."""

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


def read_template(name: str, **known: object) -> "Template":
    """Return a template of this package that escapes what it is given.

    Args:
        name: of three files: its ``.html.jinja``, and the ``style`` (``.css``) and ``script``
            (``.js``) that it puts in.
        known: what else it may use, by name.
    """
    from jinja2 import Environment, StrictUndefined

    here = files("experiments.report")
    surroundings = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    surroundings.globals |= known | {
        "style": (here / f"{name}.css").read_text(encoding="utf-8"),
        "script": (here / f"{name}.js").read_text(encoding="utf-8"),
    }
    return surroundings.from_string((here / f"{name}.html.jinja").read_text(encoding="utf-8"))
