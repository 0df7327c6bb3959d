"""Files of a policy, which may come from anyone, are read up to a size."""

from pathlib import Path

from budget.errors import PolicyError


def read_at_most(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file.

    Raises:
        PolicyError: if it is no file, or larger.
        OSError: if it cannot be read; only the caller knows what should have been there.
    """
    if path.exists() and not path.is_file():  # a pipe, for one, would never end
        raise PolicyError(f"{path} is no file")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise PolicyError(f"{path} is larger than {max_bytes} bytes, so it is not read")
    return data
