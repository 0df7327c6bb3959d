"""Lists of texts that a table of text holds in one cell, as pandas and JSON write them."""

import ast


def texts_in(cell: str) -> list[str] | None:
    r"""Return the texts of a list, None if the cell is no list of texts.

    What is no list of quoted texts stays what it is: ``[0, 1]`` may be an answer.

    Example:
        >>> texts_in("['a cat', \"b\"]"), texts_in('["x"]'), texts_in("[0, 1]"), texts_in("[a]")
        (['a cat', 'b'], ['x'], None, None)
    """
    cell = cell.strip()
    if not (cell.startswith(("['", '["')) and cell.endswith(("']", '"]'))):
        return None
    try:
        value = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return value
