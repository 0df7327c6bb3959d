"""Requests in, batches out: nothing lost, nothing mixed up, and one cannot fail another."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from echo_server import EchoVLM, until_async

from budget.chat import Chat, Turn
from budget.sampling import Generation
from budget.serving.errors import RequestError
from budget.serving.intake import Batching, Intake, Overloaded
from budget.serving.jobs import Job, Question
from budget.serving.metrics import Metrics


@asynccontextmanager
async def started(vlm, **batching):
    intake = Intake(vlm, Batching(**batching), Metrics())
    intake.start()
    try:
        yield intake
    finally:
        await intake.stop()


def job_of(intake, text, streamed=False):
    question = Question(Chat((Turn("user", text),)), (), (), Generation())
    return Job(question, intake.enter(), asyncio.get_running_loop(), streamed)


def submit(intake, text, streamed=False):
    job = job_of(intake, text, streamed)
    intake.submit(job)
    return job


def run(test):
    asyncio.run(asyncio.wait_for(test, 30))


def test_requests_that_come_together_run_together_and_get_their_own_answers():
    async def test():
        vlm = EchoVLM()
        async with started(vlm, max_batch=8, max_wait_ms=200) as intake:
            jobs = [submit(intake, f"question {i}") for i in range(20)]
            answers = [await job.answer for job in jobs]
        assert [answer.text for answer in answers] == [f"question {i}" for i in range(20)]
        assert [len(batch) for batch in vlm.batches] == [8, 8, 4]

    run(test())


def test_a_lone_request_waits_no_longer_than_it_must():
    async def test():
        async with started(EchoVLM(), max_wait_ms=30) as intake:
            start = time.perf_counter()
            await submit(intake, "alone").answer
            assert 0.025 < time.perf_counter() - start < 5

    run(test())


def test_a_request_that_fails_in_a_batch_fails_alone():
    async def test():
        vlm = EchoVLM()
        async with started(vlm, max_wait_ms=50) as intake:
            jobs = [submit(intake, text) for text in ("one", "boom", "two", "bad", "three")]
            found = await asyncio.gather(*(job.answer for job in jobs), return_exceptions=True)
        texts = [each.text if not isinstance(each, Exception) else each.status for each in found]
        assert texts == ["one", 500, "two", 400, "three"]
        assert "broke" not in found[1].message  # what breaks inside is not the client's to know
        assert "cannot be answered" in found[3].message

    run(test())


def test_a_model_that_returns_another_number_of_answers_mixes_nothing_up():
    class Short(EchoVLM):
        def answer(self, images, questions, **options):
            return super().answer(images, questions, **options)[: max(1, len(questions) - 1)]

    async def test():
        async with started(Short(), max_wait_ms=50) as intake:
            jobs = [submit(intake, f"q{i}") for i in range(4)]
            assert [(await job.answer).text for job in jobs] == ["q0", "q1", "q2", "q3"]

    run(test())


def test_answers_in_another_order_are_noticed_and_not_given_to_the_wrong_one():
    class Turned(EchoVLM):
        def answer(self, images, questions, **options):
            return super().answer(images, questions, **options)[::-1]

    async def test():
        async with started(Turned(), max_wait_ms=50) as intake:
            jobs = [submit(intake, f"q{i}", streamed=i % 2 == 0) for i in range(4)]
            assert [(await job.answer).text for job in jobs] == ["q0", "q1", "q2", "q3"]

    run(test())


def test_a_full_queue_refuses_with_the_time_to_come_back():
    async def test():
        vlm = EchoVLM()
        async with started(vlm, max_batch=1, max_queue=3, max_wait_ms=0) as intake:
            running = submit(intake, "slow one")
            await until_async(lambda: intake.running == 1)
            waiting = [submit(intake, f"w{i}") for i in range(3)]
            with pytest.raises(Overloaded, match="3 requests wait") as refused:
                intake.enter()
            assert refused.value.status == 429
            assert 1 <= refused.value.retry_after_s <= 60
            vlm.go.set()
            assert [(await job.answer).text for job in waiting] == ["w0", "w1", "w2"]
            await running.answer
            assert intake.waiting == 0

    run(test())


def test_what_nobody_waits_for_is_not_run():
    async def test():
        vlm = EchoVLM()
        async with started(vlm, max_batch=1, max_wait_ms=0) as intake:
            first = submit(intake, "slow first")
            await until_async(lambda: intake.running == 1)
            gone, last = submit(intake, "gone"), submit(intake, "last")
            intake.drop(gone)
            assert intake.waiting == 1
            vlm.go.set()
            await asyncio.gather(first.answer, last.answer)
        assert vlm.batches == [["slow first"], ["last"]]

    run(test())


def test_what_runs_is_broken_off_when_nobody_waits_any_more():
    async def test():
        vlm = EchoVLM()
        async with started(vlm, max_wait_ms=0) as intake:
            job = submit(intake, "slow " + "x" * 2000)
            await until_async(lambda: vlm.letters > 2)
            intake.drop(job)
            await until_async(lambda: intake.running == 0)
        assert vlm.letters < 1000

    run(test())


def test_draining_takes_nothing_new_and_ends_when_all_are_answered():
    async def test():
        vlm = EchoVLM()
        async with started(vlm, max_batch=1, max_wait_ms=0) as intake:
            jobs = [submit(intake, f"slow {i}") for i in range(3)]
            early = intake.enter()
            intake.close()
            with pytest.raises(RequestError, match="shutting down") as refused:
                intake.enter()
            assert refused.value.status == 503
            drained = asyncio.ensure_future(intake.drained())
            vlm.go.set()
            assert len([await job.answer for job in jobs]) == 3
            assert not drained.done()  # one that came before is still being read
            early.leave()
            await drained

    run(test())


def test_stopping_tells_everybody_who_waits():
    async def test():
        async with started(EchoVLM(), max_batch=1, max_wait_ms=0) as intake:
            jobs = [submit(intake, f"slow {'x' * 300}{i}") for i in range(3)]
            await until_async(lambda: intake.running == 1)
        found = await asyncio.gather(*(job.answer for job in jobs), return_exceptions=True)
        assert [each.status for each in found] == [503, 503, 503]
        await until_async(lambda: not intake.busy)

    run(test())


def test_an_empty_intake_is_drained_at_once():
    async def test():
        async with started(EchoVLM()) as intake:
            intake.close()
            await intake.drained()

    run(test())


def test_what_a_request_holds_is_freed_once_however_it_ends():
    async def test():
        freed = []
        async with started(EchoVLM()) as intake:
            done = job_of(intake, "done")
            done.ticket.at_end(lambda: freed.append("done"))
            intake.submit(done)
            await done.answer
            refused = intake.enter()
            refused.at_end(lambda: freed.append("refused"))
            refused.leave()
            refused.leave()
            await asyncio.sleep(0)
            assert freed == ["done", "refused"]
            assert intake.waiting == 0

    run(test())
