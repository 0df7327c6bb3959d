"""A page on this machine alone answers to this machine's names alone.

Otherwise a foreign site whose name is made to lead here (DNS rebinding) could read the page from
within the browser of whoever opens both.
"""

from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response


def refusal(request: Request) -> Response | None:
    """Return what a request gets that came to a loopback address by another name, else None.

    A server that listens on other addresses too is meant to be reached by any name.
    """
    server = request.scope.get("server")
    if server is None or not _is_loopback(server[0]):
        return None
    name = request.url.hostname or ""
    if name == "localhost" or _is_loopback(name):
        return None
    return PlainTextResponse(
        f"this page is at http://127.0.0.1:{server[1]}; it has no name {name[:80]!r}\n", 421
    )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
