"""Decoded images are bounded in memory, and slow ones hold up nobody."""

import asyncio
import base64
import json

import pytest
from echo_server import EchoModel, asking, picture_url

from budget.serving.limits import Limits
from budget.serving.preparing import Preparing
from budget.serving.request_images import RequestImages
from budget.serving.settings import ServeSettings
from budget.serving.tickets import Ticket


def ticket():
    return Ticket(lambda *_: None)


def preparing(images=None, **settings):
    limits = Limits()
    images = images or RequestImages(limits)
    return Preparing(EchoModel(), "echo", images, ServeSettings(limits=limits, **settings))


def body(*reds):
    return json.dumps(asking("q", *reds)).encode()


def test_images_are_decoded_only_while_there_is_room_and_room_is_given_back():
    async def test():
        made = preparing(max_decoded_bytes=1)
        first, second = ticket(), ticket()
        prepared = await made.prepare(body(1, 2), first)
        assert [each.getpixel((0, 0))[0] for each in prepared.question.images] == [1, 2]
        assert made.room.held == 2 * 8 * 8 * 3
        waits = asyncio.create_task(made.prepare(body(3), second))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waits), 0.3)
        first.leave()
        await asyncio.wait_for(waits, 10)
        second.leave()
        assert made.room.held == 0

    asyncio.run(test())


def test_an_image_that_comes_slowly_does_not_keep_others_from_being_decoded():
    class Slow:
        """Gives a picture when it is told to."""

        def __init__(self):
            self.go = asyncio.Event()

        async def fetch(self, url, *, param=None):
            await self.go.wait()
            return base64.b64decode(picture_url(9).partition(",")[2])

    async def test():
        remote = Slow()
        made = preparing(RequestImages(Limits(), remote=remote), decode_threads=1)
        slow = body(1).replace(picture_url(1).encode(), b"https://slow.test/x.png")
        waits = [asyncio.create_task(made.prepare(slow, ticket())) for _ in range(3)]
        await asyncio.sleep(0.05)
        quick = await asyncio.wait_for(made.prepare(body(7), ticket()), 10)
        assert quick.question.images[0].getpixel((0, 0))[0] == 7
        assert not any(task.done() for task in waits)
        remote.go.set()
        for prepared in await asyncio.gather(*waits):
            assert prepared.question.images[0].getpixel((0, 0))[0] == 9

    asyncio.run(test())
