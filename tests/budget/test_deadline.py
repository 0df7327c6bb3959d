import threading
import time

import pytest

from budget.deadline import LateError, OneWorker


def decision_threads(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_work_gives_its_result_or_its_own_error():
    worker = OneWorker("plain")
    assert worker.run(lambda: 7, 5) == 7
    with pytest.raises(KeyError, match="gone"):
        worker.run(lambda: {}["gone"], 5)
    assert worker.run(lambda: threading.current_thread().name, 5) == "plain"


def test_what_is_no_exception_reaches_the_caller_and_the_worker_lives_on():
    worker = OneWorker("interrupted")

    def interrupt():
        raise KeyboardInterrupt("by hand")

    with pytest.raises(KeyboardInterrupt, match="by hand"):
        worker.run(interrupt, 5)
    assert worker.run(lambda: 1, 5) == 1


def test_late_work_is_left_behind_and_refused_until_it_ends_without_more_threads():
    worker, release = OneWorker("left"), threading.Event()
    with pytest.raises(LateError, match="no decision within"):
        worker.run(release.wait, 0.02)
    start = time.perf_counter()
    for _ in range(200):
        with pytest.raises(LateError, match="earlier decision still runs"):
            worker.run(lambda: 1, 5)
    assert time.perf_counter() - start < 1
    assert len(decision_threads("left")) == 1
    release.set()
    assert recovered(worker) == 1


def recovered(worker):
    """What the worker returns once it is free again, which takes it a moment."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            return worker.run(lambda: 1, 5)
        except LateError:
            time.sleep(0.005)
    raise AssertionError("the worker did not come back")


def test_work_that_nobody_waits_for_any_more_is_not_begun():
    worker, release, begun = OneWorker("queue"), threading.Event(), []
    first = threading.Thread(target=lambda: worker.run(release.wait, 10))
    first.start()
    with pytest.raises(LateError, match="no decision within"):
        worker.run(lambda: begun.append("second"), 0.05)
    release.set()
    first.join(10)
    assert worker.run(lambda: "third", 5) == "third"
    assert begun == []


def test_callers_on_many_threads_all_get_their_own_result():
    worker, found = OneWorker("many"), {}
    threads = [
        threading.Thread(target=lambda i=i: found.update({i: worker.run(lambda: i * i, 10)}))
        for i in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == {i: i * i for i in range(40)}
    assert len(decision_threads("many")) == 1
