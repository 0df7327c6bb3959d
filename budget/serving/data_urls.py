"""Images that stand in the request itself, as ``data:image/png;base64,...``."""

import base64
import binascii
from urllib.parse import unquote_to_bytes

from budget.serving.errors import RequestError

_WHITESPACE = b" \t\r\n"
_SHOWN = 64  # characters of a URL that an error repeats


def is_data_url(url: str) -> bool:
    """Return whether a URL carries its content.

    Example:
        >>> is_data_url("DATA:image/png;base64,"), is_data_url("https://a.test/x.png")
        (True, False)
    """
    return url[:5].lower() == "data:"


def read_data_url(url: str, *, max_bytes: int, param: str | None = None) -> bytes:
    r"""Return the bytes of an image file that a ``data:`` URL carries.

    What the bytes are is left to who decodes them; the media type is only checked to be an image's
    or to say nothing.

    Args:
        url: ``data:[<media type>][;name=value]*;base64,<base64>``.
        max_bytes: the most bytes to decode; longer ones are refused without being decoded.
        param: the part of the request, for the error.

    Raises:
        RequestError: if it is not in that form, is of another media type, is not base64, is empty
            or too long.

    Example:
        >>> read_data_url("data:image/png;base64,iVBORw==", max_bytes=4)
        b'\x89PNG'
    """
    head, comma, payload = url[5:].partition(",")
    kind, *parameters = [part.strip().lower() for part in head.split(";")]
    if not is_data_url(url) or not comma or "base64" not in parameters[-1:]:
        raise RequestError(
            f"an image's data URL must be data:image/...;base64,..., got {shortened(url)!r}",
            param=param,
            code="invalid_data_url",
        )
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise RequestError(
            f"a data URL must be of media type image/..., got {kind[:_SHOWN]!r}",
            param=param,
            code="invalid_data_url",
        )
    return _decoded(payload, max_bytes, param)


def _decoded(payload: str, max_bytes: int, param: str | None) -> bytes:
    if len(payload) // 4 * 3 > 3 * max_bytes + 8:  # even if each character were written as %XX
        raise _too_long(max_bytes, param)
    text = payload.encode("ascii", "replace")  # "?" is no base64 and is refused below
    if b"%" in text:
        text = unquote_to_bytes(text)
    text = text.translate(None, _WHITESPACE)
    if len(text) // 4 * 3 - text[-2:].count(b"=") > max_bytes:
        raise _too_long(max_bytes, param)
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise RequestError(
            "the data URL of an image is not valid base64", param=param, code="invalid_base64"
        ) from None
    if not data:
        raise RequestError("the data URL of an image is empty", param=param, code="invalid_image")
    return data


def _too_long(max_bytes: int, param: str | None) -> RequestError:
    return RequestError(
        f"an image may have at most {max_bytes:,} bytes", param=param, code="image_too_large"
    )


def shortened(url: str) -> str:
    """Return as much of a URL as an error may repeat.

    Example:
        >>> shortened("data:" + 99 * "A") == "data:" + 59 * "A" + "..."
        True
    """
    return url if len(url) <= _SHOWN else url[:_SHOWN] + "..."
