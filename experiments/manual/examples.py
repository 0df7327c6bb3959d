"""Doctests under ``Example:`` are shown as code, as those under ``Examples:`` are.

An extension of griffe, which reads the docstrings for the pages of public names; it takes
``Example:`` for a remark. Named in ``mkdocs.yml``.
"""

import re
from typing import Any

from griffe import Extension, Object

_HEAD = re.compile(r"^Example:$", flags=re.MULTILINE)


class Examples(Extension):
    """Gives the section its name in the plural."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Change the docstring of a module, class, function or attribute that was just read."""
        if obj.docstring is not None:
            obj.docstring.value = _HEAD.sub("Examples:", obj.docstring.value)
