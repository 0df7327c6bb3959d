"""Each manner of client, seen from the other end of a real connection."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import httpx2
import pytest

from experiments.load.call import Call, Manner, Outcome
from experiments.load.patience import send_patiently
from experiments.load.plain_client import send_plain
from experiments.load.rude_client import send_rudely
from experiments.load.verdict import Fate, judge_form

CALL = Call("any", b"x" * 4_000, frozenset({200}))
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\nx-visual-tokens: 9\r\n\r\n" + b"y" * 400
BUSY = b"HTTP/1.1 429 Busy\r\ncontent-length: 0\r\nretry-after: 0\r\n\r\n"


def meet(call, serve, send=None, times=1):
    """Send to a server that does what ``serve(reader, writer)`` says; return what both saw."""
    seen = []

    async def handle(reader, writer):
        seen.append(await serve(reader, writer))
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def talk():
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            outcome = await (send or send_rudely)(url, call)
            while len(seen) < times:
                await asyncio.sleep(0.01)
        return outcome

    return asyncio.run(asyncio.wait_for(talk(), 30)), seen


async def read_head(reader):
    return (await reader.readuntil(b"\r\n\r\n")).decode()


async def read_body(reader):
    """Return the pieces in which a body came, until it was complete or the client had gone."""
    pieces, missing = [], 4_000
    with suppress(ConnectionError):
        while missing and (piece := await reader.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
    return pieces


async def answer(reader, writer):
    await read_head(reader)
    pieces = await read_body(reader)
    with suppress(ConnectionError):
        writer.write(OK)
        await writer.drain()
    return pieces


async def hang_up(reader, writer):
    await read_head(reader)
    await read_body(reader)


async def hang_up_midway(reader, writer):
    await hang_up(reader, writer)
    writer.write(OK[:-100])
    await writer.drain()


async def send_by_library(url, call):
    async with httpx2.AsyncClient(base_url=url) as http:
        return await send_plain(http, call, "secret")


@pytest.mark.parametrize("manner", [Manner.SLOW_READ, Manner.SLOW_WRITE, Manner.OVERSIZED])
def test_a_client_that_stays_reads_the_whole_answer(manner):
    outcome, _ = meet(replace(CALL, manner=manner), answer)
    assert (outcome.status, outcome.body) == (200, b"y" * 400)
    assert outcome.header("x-visual-tokens") == "9"
    assert outcome.problem == ""


def test_a_slow_writer_sends_many_pieces():
    _, [pieces] = meet(replace(CALL, manner=Manner.SLOW_WRITE), answer)
    assert len(pieces) > 10
    assert sum(map(len, pieces)) == 4_000


def test_who_leaves_writing_sends_half_of_what_it_announced():
    outcome, [pieces] = meet(replace(CALL, manner=Manner.LEAVES_WRITING), answer)
    assert sum(map(len, pieces)) < 4_000
    assert (outcome.status, outcome.problem) == (0, "")


def test_who_leaves_waiting_has_gone_before_the_answer():
    async def watch(reader, writer):
        await read_head(reader)
        await read_body(reader)
        with suppress(ConnectionError):
            return await asyncio.wait_for(reader.read(1), 5)
        return b"reset"

    outcome, [seen] = meet(replace(CALL, manner=Manner.LEAVES_WAITING), watch)
    assert seen in (b"", b"reset")
    assert outcome.status == 0


def test_who_leaves_reading_has_seen_the_status_and_resets():
    async def stream(reader, writer):
        await read_head(reader)
        await read_body(reader)
        with suppress(ConnectionError):
            for _ in range(500):
                writer.write(OK[:-400] + b"y" * 200)
                await writer.drain()
                await asyncio.sleep(0.01)
            return "read on"
        return "reset"

    outcome, [seen] = meet(replace(CALL, manner=Manner.LEAVES_READING), stream)
    assert (outcome.status, seen) == (200, "reset")


def test_a_refusal_in_the_middle_of_an_oversized_body_is_read():
    async def refuse(reader, writer):
        await read_head(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        await reader.read(10_000_000)

    call = replace(CALL, body=b"x" * 30_000_000, manner=Manner.OVERSIZED)
    outcome, _ = meet(call, refuse)
    assert (outcome.status, outcome.body) == (413, b"{}")


@pytest.mark.parametrize("manner", [Manner.PLAIN, Manner.SLOW_READ, Manner.SLOW_WRITE])
@pytest.mark.parametrize("serve", [hang_up, hang_up_midway])
def test_an_answer_that_does_not_come_is_lost(manner, serve):
    call = replace(CALL, manner=manner)
    outcome, _ = meet(call, serve, send_by_library if manner is Manner.PLAIN else send_rudely)
    assert judge_form(call, outcome).fate is Fate.LOST


def test_silence_is_lost_after_the_clients_patience():
    async def sleep(reader, writer):
        await asyncio.sleep(0.5)

    async def send(url, call):
        return await send_rudely(url, call, patience=0.1)

    call = replace(CALL, manner=Manner.SLOW_READ)
    outcome, _ = meet(call, sleep, send)
    assert "TimeoutError" in outcome.problem
    assert judge_form(call, outcome).fate is Fate.LOST


def test_the_key_is_sent_where_it_shall_be():
    async def look(reader, writer):
        head = await read_head(reader)
        writer.write(OK)
        await writer.drain()
        return head

    _, [head] = meet(replace(CALL, body=b""), look, send_by_library)
    assert "authorization: bearer secret" in head.lower()
    _, [head] = meet(replace(CALL, body=b"", key=False), look, send_by_library)
    assert "authorization" not in head.lower()


def test_a_full_queue_is_waited_for_and_counted():
    answers = iter([BUSY, BUSY, OK])

    async def serve(reader, writer):
        await hang_up(reader, writer)
        writer.write(next(answers))
        await writer.drain()

    async def send(url, call):
        return await send_patiently(call, lambda each: send_by_library(url, each))

    outcome, _ = meet(CALL, serve, send, times=3)
    assert (outcome.status, outcome.waits) == (200, 2)
    assert outcome.ms > 0


@pytest.mark.parametrize("headers", [(), (("retry-after", "soon"),)])
def test_a_full_queue_that_says_not_when_is_a_fault(headers):
    async def send(call):
        return Outcome(429, 0.0, headers=headers)

    outcome = asyncio.run(send_patiently(CALL, send))
    assert judge_form(CALL, outcome).fate is Fate.UNEXPECTED
    assert "Retry-After" in outcome.problem
