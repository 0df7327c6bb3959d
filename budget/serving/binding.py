"""A socket for a server, bound before anything slow begins."""

import socket


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound and does not listen yet, so that clients do not wait for it.

    Args:
        host: name or address, of either version of IP.
        port: 0 takes a free one.

    Raises:
        OSError: if the address cannot be had, with the address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as problem:
        raise OSError(f"cannot listen on {host}:{port}: {problem.strerror}") from None
    return bound


def url_of(bound: socket.socket) -> str:
    """Return the address of a server that listens there.

    Example:
        >>> with bound_socket("127.0.0.1", 0) as bound:
        ...     url_of(bound).startswith("http://127.0.0.1:")
        True
    """
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
