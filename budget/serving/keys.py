"""API keys: who may ask, compared in a time that tells nothing about them."""

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from budget.errors import DataError
from budget.serving.errors import RequestError

_OPEN = ("/health", "/metrics")
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that open the server; none at all leaves it open.

    Attributes:
        digests: SHA-256 of every key, so that all are of one length and none stands in a trace.
    """

    digests: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, keys: Iterable[str]) -> "Keys":
        """Return the keys of an iterable of texts."""
        return cls(tuple(_digest(key) for key in keys))

    def __bool__(self) -> bool:
        return bool(self.digests)

    def open_to(self, key: str) -> bool:
        """Return whether a key is one of them; every one is compared, whichever matches.

        Example:
            >>> keys = Keys.of(["first", "second"])
            >>> keys.open_to("second"), keys.open_to("third"), keys.open_to("")
            (True, False, False)
        """
        given = _digest(key)
        found = False
        for known in self.digests:
            found |= hmac.compare_digest(given, known)
        return found


def read_keys(file: Path | None, variable: str | None) -> Keys:
    """Return the keys of a file, one a line with comments behind ``#``, and of a variable.

    Args:
        file: a text file, or None.
        variable: name of an environment variable with keys between commas, or None.

    Raises:
        DataError: if one is given and holds no key, or cannot be read.
    """
    found: list[str] = []
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as problem:
            raise DataError(f"cannot read the keys in {file}: {problem}") from None
        found += _some([line.partition("#")[0] for line in lines], str(file))
    if variable is not None:
        found += _some(os.environ.get(variable, "").split(","), f"the variable {variable}")
    return Keys.of(found)


def _some(words: Iterable[str], where: str) -> list[str]:
    keys = [word.strip() for word in words if word.strip()]
    if not keys:
        raise DataError(f"there is no API key in {where}")
    return keys


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


class KeyGuard:
    """Lets requests with a known key through to an app, others get 401.

    Args:
        app: what is guarded.
        keys: the keys; none lets everybody through.
        refused: called for every request that is refused.
        guard_all: guard ``/health`` and ``/metrics`` too.
    """

    def __init__(
        self, app: ASGIApp, keys: Keys, refused: Callable[[], None], *, guard_all: bool = False
    ) -> None:
        self.app, self.keys, self.refused, self.guard_all = app, keys, refused, guard_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        guarded = scope["type"] == "http" and (self.guard_all or scope["path"] not in _OPEN)
        if not guarded or not self.keys or self._opens(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        self.refused()
        error = RequestError(
            "an API key is needed, as Authorization: Bearer KEY; none was given, or an unknown one",
            status=401,
            code="invalid_api_key",
        )
        response = JSONResponse(error.body(), 401, {"www-authenticate": "Bearer"})
        await response(scope, receive, send)

    def _opens(self, headers: Headers) -> bool:
        given = headers.get("authorization", "")
        return given[: len(_SCHEME)].lower() == _SCHEME and self.keys.open_to(
            given[len(_SCHEME) :].strip()
        )
