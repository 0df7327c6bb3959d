"""The written form of a served model: ``openai:URL#name`` and, behind a ``?``, its settings.

openai:http://127.0.0.1:8000/v1#m3
openai:http://127.0.0.1:8000/v1#m3?concurrency=16&timeout_s=30
openai:https://host/v1#Qwen/Qwen3-VL-8B?settings=qwen.json
"""

from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

PREFIX = "openai:"
_FORM = "openai:URL#name, such as openai:http://127.0.0.1:8000/v1#m3"


class Address(NamedTuple):
    """Where a model is served.

    Attributes:
        url: of the server's API, without a slash at its end.
        name: of the model there.
        said: settings that were written behind it, name and text.
    """

    url: str
    name: str
    said: tuple[tuple[str, str], ...] = ()


def is_remote(model: object) -> bool:
    """Return whether a model is given by its address.

    Example:
        >>> is_remote("openai:http://127.0.0.1:8000/v1#m3"), is_remote("m3")
        (True, False)
    """
    return isinstance(model, str) and model.startswith(PREFIX)


def parse_address(text: str) -> Address:
    """Return the parts of an address.

    Raises:
        ValueError: if it is not of that form. A password or a query of the URL is refused and not
            repeated: addresses are written into manifests.

    Example:
        >>> parse_address("openai:http://h:8000/v1/#org/model:7b?concurrency=2")
        Address(url='http://h:8000/v1', name='org/model:7b', said=(('concurrency', '2'),))
    """
    url, _, rest = text.removeprefix(PREFIX).partition("#")
    name, _, query = rest.partition("?")
    split = _split(url)
    if "@" in split.netloc or split.query:
        raise ValueError(
            "the URL of a served model carries no user, password or query; a key is said by the "
            "name of its environment variable, api_key_env"
        )
    if split.scheme not in ("http", "https") or not split.hostname or not name:
        raise ValueError(f"a served model is written {_FORM}, got {text!r}")
    try:
        said = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ValueError(f"settings are written name=value&name=value, got {query!r}") from None
    return Address(url.rstrip("/"), name, tuple(said))


def _split(url: str) -> SplitResult:
    try:
        split = urlsplit(url)
        _ = split.port  # looked at here, or it raises later
    except ValueError as problem:
        raise ValueError(f"the URL of a served model cannot be read: {problem}") from None
    return split
