"""The text of an answer arrives once, whole and in order, however it is made and read."""

import asyncio
import threading
from dataclasses import replace

import pytest
from echo_server import EchoVLM
from hypothesis import given
from hypothesis import strategies as st

from budget.chat import Chat, Turn
from budget.sampling import Generation
from budget.serving.jobs import Job, Question
from budget.serving.tickets import Ticket


def job_for(text="hello", streamed=True):
    question = Question(Chat((Turn("user", text),)), (), (), Generation())
    return Job(question, Ticket(lambda *_: None), asyncio.get_running_loop(), streamed)


def answer_of(text, reason="stop"):
    class Deaf:
        def decided(self, i, choices): ...
        def text(self, i, piece): ...
        def cancelled(self, i):
            return False

    chats, plain = [Chat((Turn("user", text),))], {"budget": [()], "generation": [None]}
    (answer,) = EchoVLM().answer([None], chats, listener=Deaf(), **plain)
    return replace(answer, finish_reason=reason)


async def read(job):
    return [piece async for piece in job.pieces()]


@given(st.text(alphabet="ab \n", max_size=30), st.data())
def test_pieces_are_the_whole_text_whatever_was_sent_before_a_second_attempt(text, data):
    cut = data.draw(st.integers(0, len(text)))

    async def test():
        job = job_for()
        job.begin()
        for letter in text[:cut]:
            job.text(letter)
        job.begin()  # the batch failed; now alone
        for letter in text:
            job.text(letter)
        job.finish(
            answer_of(text) if text.strip() == text and text else replace(answer_of("x"), text=text)
        )
        assert "".join(await read(job)) == text

    asyncio.run(test())


def test_text_that_comes_while_the_reader_is_away_is_one_piece():
    async def test():
        job = job_for()
        for letter in "hello":
            job.text(letter)
        await asyncio.sleep(0)
        job.finish(answer_of("hello"))
        assert await read(job) == ["hello"]

    asyncio.run(test())


def test_a_thread_says_and_a_task_reads_in_order():
    text = "".join(chr(97 + i % 26) for i in range(3000))

    async def test():
        job = job_for()

        def work():
            for letter in text:
                job.text(letter)
            job.finish(answer_of(text))

        thread = threading.Thread(target=work)
        thread.start()
        assert "".join(await read(job)) == text
        assert (await job.answer).text == text
        thread.join()

    asyncio.run(test())


def test_another_answer_than_what_was_heard_is_refused():
    async def test():
        job = job_for()
        job.text("hel")
        with pytest.raises(RuntimeError, match="not what was heard"):
            job.finish(answer_of("goodbye"))

    asyncio.run(test())


def test_a_second_attempt_that_says_something_else_than_was_sent_is_refused():
    async def test():
        job = job_for()
        job.text("hel")
        job.begin()
        for letter in "halo":
            job.text(letter)
        with pytest.raises(RuntimeError, match="not what was heard"):
            job.finish(answer_of("halo"))

    asyncio.run(test())


def test_an_answer_that_was_broken_off_is_none():
    async def test():
        with pytest.raises(RuntimeError, match="broken off"):
            job_for().finish(answer_of("hello", "cancelled"))

    asyncio.run(test())


def test_an_error_ends_the_reading_and_is_told():
    async def test():
        job = job_for()
        job.text("he")
        job.fail(OSError("gone"))
        assert await read(job) == ["he"]
        with pytest.raises(OSError, match="gone"):
            await job.answer

    asyncio.run(test())


def test_a_worker_that_outlives_its_loop_hears_that_nobody_waits():
    async def make():
        return job_for()

    job = asyncio.run(make())
    job.text("late")
    assert job.cancelled
