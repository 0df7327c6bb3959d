"""From what a request calls an image to a decoded one, or to a clear refusal."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from budget.errors import DataError, one_line
from budget.pictures import TooManyPixels, image_size, open_image
from budget.serving.data_urls import is_data_url, read_data_url, shortened
from budget.serving.errors import RequestError
from budget.serving.limits import Limits

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.serving.remote_images import RemoteRules


class LoadedImage(NamedTuple):
    """One image of a request.

    Attributes:
        data: the bytes of the file as they came.
        image: the picture, RGB, as ``budget.pictures`` shows it.
    """

    data: bytes
    image: "Image"


class Fetches(Protocol):
    """What gets an image by its URL; ``budget.serving.remote_images.RemoteImages`` does."""

    def fetch(self, url: str, *, param: str | None = None) -> Awaitable[bytes]:
        """Return the bytes at a URL, or raise ``RequestError``."""
        ...


class RequestImages:
    """Reads the images of requests within limits.

    Args:
        limits: bytes and pixels that an image may have.
        allow_remote: fetch ``http`` and ``https`` URLs; otherwise only data URLs are read.
        rules: where URLs may lead; by default to public addresses alone.
        remote: what fetches; by default made from ``limits`` and ``rules``.

    Raises:
        ImportError: if URLs shall be fetched and the extra ``serve`` is not installed.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        allow_remote: bool = False,
        rules: "RemoteRules | None" = None,
        remote: Fetches | None = None,
    ) -> None:
        self.limits = limits
        self._remote = remote
        if allow_remote and remote is None:
            from budget.serving.remote_images import RemoteImages

            self._remote = RemoteImages(limits.max_image_bytes, rules)

    async def read(self, url: str, *, param: str | None = None) -> bytes:
        """Return the bytes of an image file whose header is that of an image within the limits.

        Args:
            url: a data URL, or where it is allowed an ``http`` or ``https`` URL.
            param: the part of the request that errors name, such as ``"messages[0]"``.

        Raises:
            RequestError: if the URL cannot or must not be read, or is of no image.
        """
        data = await self._bytes(url, param)
        with _refusing(param):
            await asyncio.to_thread(image_size, data, max_pixels=self.limits.max_pixels)
        return data

    async def load(self, url: str, *, param: str | None = None) -> LoadedImage:
        """Return the image at a URL, decoded on a thread so that other requests go on.

        Args:
            url: as for :meth:`read`.
            param: as for :meth:`read`.

        Raises:
            RequestError: if the URL cannot or must not be read, is of no image, or if the image is
                corrupt or has more pixels than are allowed; that is known before it is decoded.
        """
        data = await self._bytes(url, param)
        return LoadedImage(data, await self.decode(data, param=param))

    async def decode(self, data: bytes, *, param: str | None = None) -> "Image":
        """Return the image in a file's bytes, decoded on a thread.

        Args:
            data: the file.
            param: as for :meth:`read`.

        Raises:
            RequestError: if it is no image, is corrupt or has more pixels than are allowed.
        """
        with _refusing(param):
            return await asyncio.to_thread(open_image, data, max_pixels=self.limits.max_pixels)

    async def _bytes(self, url: str, param: str | None) -> bytes:
        if is_data_url(url):
            most = self.limits.max_image_bytes
            return await asyncio.to_thread(read_data_url, url, max_bytes=most, param=param)
        if self._remote is not None:
            return await self._remote.fetch(url, param=param)
        raise RequestError(
            f"images are read from data URLs only, got {shortened(url)!r}; "
            "whoever runs the server can allow others",
            param=param,
            code="remote_images_off",
        )


@contextmanager
def _refusing(param: str | None) -> Iterator[None]:
    """Turn what is wrong with an image into a refusal of the request."""
    try:
        yield
    except TooManyPixels as problem:
        raise RequestError(one_line(problem), param=param, code="image_too_large") from None
    except DataError as problem:
        raise RequestError(one_line(problem), param=param, code="invalid_image") from None
