"""Clients that behave: one request and the whole answer."""

import httpx2

from experiments.load.call import Call, Outcome


async def send_plain(http: httpx2.AsyncClient, call: Call, key: str | None = None) -> Outcome:
    """Send a request and read what comes; the outcome's time is left at 0.

    Args:
        http: client with the server's address.
        call: the request.
        key: the API key, where the server wants one.
    """
    headers = {"content-type": "application/json"}
    if key is not None and call.key:
        headers["authorization"] = f"Bearer {key}"
    try:
        response = await http.request(
            call.method, call.path, content=call.body or None, headers=headers
        )
    except httpx2.HTTPError as problem:
        return Outcome(0, 0.0, problem=f"{type(problem).__name__}: {problem}")
    found = tuple((name.lower(), value) for name, value in response.headers.items())
    return Outcome(response.status_code, 0.0, response.content, found)
