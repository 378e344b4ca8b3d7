"""Jobs run in order in their lane, end when they are cancelled, tell their progress, and leave no thread."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mirror_console.jobs import JobEvent, Jobs, JobState, Stopped, Work

SOON = 5.0
"""Seconds after which a test gives up."""


class Heard:
    """A listener that keeps what it is told, with the time."""

    def __init__(self) -> None:
        self.all: list[tuple[float, JobEvent]] = []

    def __call__(self, event: JobEvent) -> None:
        self.all.append((time.monotonic(), event))

    def of(self, job_id: str) -> list[JobEvent]:
        return [event for _, event in self.all if event.job_id == job_id]

    def states(self, job_id: str) -> list[JobState]:
        """Each state once, in the order in which they came."""
        return [state for state, _ in itertools.groupby(event.state for event in self.of(job_id))]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def jobs(heard: Heard) -> Iterator[Jobs]:
    jobs = Jobs(heard)
    yield jobs
    assert jobs.close() == ()


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def test_a_job_gives_its_result_after_its_events(jobs: Jobs, heard: Heard) -> None:
    job = jobs.submit("Add", lambda work: 1 + 1)

    assert job.result(SOON) == 2
    assert heard.states(job.id) == [JobState.WAITING, JobState.RUNNING, JobState.DONE]
    assert job.state is JobState.DONE
    last = heard.of(job.id)[-1]
    assert (last.title, last.result, last.error) == ("Add", 2, None)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_work_raises_reaches_the_result_and_the_event(jobs: Jobs, heard: Heard, kind: type[BaseException]) -> None:
    error = kind("so")

    def fail(work: Work) -> None:
        raise error

    job = jobs.submit("Fail", fail)

    with pytest.raises(kind) as raised:
        job.result(SOON)
    assert raised.value is error
    assert heard.states(job.id) == [JobState.WAITING, JobState.RUNNING, JobState.FAILED]
    assert heard.of(job.id)[-1].error is error


def test_the_result_gives_up_after_its_timeout(jobs: Jobs) -> None:
    go = threading.Event()
    job = jobs.submit("Wait", lambda work: go.wait(SOON))

    with pytest.raises(TimeoutError):
        job.result(0.02)
    go.set()
    assert job.result(SOON) is True


def test_a_lane_never_overlaps_itself_and_keeps_the_order(jobs: Jobs) -> None:
    inside: dict[str, int] = {}
    most: dict[str, int] = {}
    order: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    lock = threading.Lock()

    def work_in(lane: str, number: int) -> Callable[[Work], None]:
        def do(work: Work) -> None:
            with lock:
                inside[lane] = inside.get(lane, 0) + 1
                most[lane] = max(most.get(lane, 0), inside[lane])
                order[lane].append(number)
            work.wait(number % 5 / 1000)
            with lock:
                inside[lane] -= 1
            if number % 7 == 3:
                raise ValueError(number)

        return do

    submitted = [jobs.submit(f"{lane} {n}", work_in(lane, n), lane) for n in range(40) for lane in order]
    # A lane that ran empty takes work again.
    until(lambda: all(job.state in {JobState.DONE, JobState.FAILED} for job in submitted))
    submitted += [jobs.submit(f"{lane} {n}", work_in(lane, n), lane) for n in range(40, 45) for lane in order]
    until(lambda: all(job.state in {JobState.DONE, JobState.FAILED} for job in submitted))

    assert most == {"a": 1, "b": 1, "c": 1}
    assert all(numbers == list(range(45)) for numbers in order.values())


def test_lanes_run_side_by_side_and_jobs_without_a_lane_too(jobs: Jobs) -> None:
    together = threading.Barrier(4)
    submitted = [jobs.submit("Meet", lambda work: together.wait(SOON), lane) for lane in ("a", "b", None, None)]

    assert sorted(job.result(SOON) for job in submitted) == [0, 1, 2, 3]


def test_a_lane_filled_from_many_threads_loses_nothing(jobs: Jobs) -> None:
    ran: list[int] = []
    with ThreadPoolExecutor(8) as pool:
        submitted = list(pool.map(lambda n: jobs.submit(str(n), lambda work: ran.append(n), "one"), range(200)))
    for job in submitted:
        job.result(SOON)

    assert sorted(ran) == list(range(200))


def test_a_cancelled_job_that_waits_never_runs_and_its_lane_goes_on(jobs: Jobs, heard: Heard) -> None:
    go = threading.Event()
    ran: list[str] = []
    first = jobs.submit("First", lambda work: go.wait(SOON), "lane")
    second = jobs.submit("Second", lambda work: ran.append("second"), "lane")
    third = jobs.submit("Third", lambda work: ran.append("third"), "lane")

    second.cancel()

    assert second.state is JobState.CANCELLED
    with pytest.raises(Stopped):
        second.result(0)
    go.set()
    first.result(SOON)
    third.result(SOON)
    assert ran == ["third"]
    assert heard.states(second.id) == [JobState.WAITING, JobState.CANCELLED]


def test_a_cancel_wakes_a_wait_and_a_check_raises(jobs: Jobs, heard: Heard) -> None:
    woken: list[bool] = []

    def do(work: Work) -> None:
        woken.append(work.wait(SOON))
        assert work.stopped
        work.check()

    job = jobs.submit("Wait", do)
    until(lambda: job.state is JobState.RUNNING)
    began = time.monotonic()
    job.cancel()

    with pytest.raises(Stopped):
        job.result(SOON)
    assert time.monotonic() - began < 1
    assert woken == [True]
    assert heard.states(job.id)[-1] is JobState.CANCELLED


def test_a_wait_that_is_not_cancelled_lasts(jobs: Jobs) -> None:
    assert jobs.submit("Wait", lambda work: work.wait(0.01)).result(SOON) is False


def test_a_cancel_unblocks_a_read_by_its_closer(jobs: Jobs, heard: Heard) -> None:
    here, there = socket.socketpair()

    def read(work: Work) -> bytes:
        with work.closing(lambda: here.shutdown(socket.SHUT_RDWR)):
            received = here.recv(1)
        if not received:
            raise ConnectionResetError("closed")
        return received

    with here, there:
        job = jobs.submit("Read", read)
        until(lambda: job.state is JobState.RUNNING)
        time.sleep(0.02)
        job.cancel()
        with pytest.raises(Stopped) as stopped:
            job.result(SOON)

    # What the closed read raised is the consequence of the cancel, not a failure; it can still be read.
    assert isinstance(stopped.value.__cause__, ConnectionResetError)
    assert heard.states(job.id)[-1] is JobState.CANCELLED
    assert isinstance(heard.of(job.id)[-1].error, ConnectionResetError)


def test_a_closer_is_called_once_never_after_its_block_and_not_begun_when_stopped(jobs: Jobs) -> None:
    called: list[str] = []
    inside = threading.Event()

    def do(work: Work) -> str:
        with work.closing(lambda: called.append("left")):
            pass
        with work.closing(lambda: called.append("outer")), work.closing(lambda: called.append("inner")):
            inside.set()
            work.wait(SOON)
        with pytest.raises(Stopped), work.closing(lambda: called.append("late")):
            called.append("entered")
        return "finished all the same"

    job = jobs.submit("Close", do)
    assert inside.wait(SOON)
    job.cancel()
    job.cancel()

    assert job.result(SOON) == "finished all the same"
    assert sorted(called) == ["inner", "outer"]
    assert job.state is JobState.DONE


def test_a_closer_that_fails_does_not_keep_the_others_from_being_called(
    jobs: Jobs, expect_log: Callable[..., None]
) -> None:
    expect_log("mirror_console.jobs", "closer failed")
    called = threading.Event()
    inside = threading.Event()

    def fail() -> None:
        raise OSError("closed before")

    def do(work: Work) -> None:
        # The one registered last is called first.
        with work.closing(called.set), work.closing(fail):
            inside.set()
            work.wait(SOON)

    job = jobs.submit("Close", do)
    assert inside.wait(SOON)
    job.cancel()
    job.result(SOON)

    assert called.is_set()


def test_progress_comes_at_most_ten_times_a_second_and_the_last_one_arrives(jobs: Jobs, heard: Heard) -> None:
    def do(work: Work) -> None:
        for n in range(600):
            work.report("counting", n, 600, {"n": n})
            work.wait(0.001)

    began = time.monotonic()
    job = jobs.submit("Count", do)
    job.result(SOON)
    took = time.monotonic() - began

    reports = [event for event in heard.of(job.id) if event.state is JobState.RUNNING and event.total]
    # One at the start, one every tenth of a second, and the last.
    assert 3 <= len(reports) <= took * 10 + 2
    assert (reports[-1].words, reports[-1].done, reports[-1].total, reports[-1].body) == (
        "counting",
        599,
        600,
        {"n": 599},
    )
    times = [at for at, event in heard.all if event in reports]
    assert all(after - before >= 0.095 for before, after in itertools.pairwise(times[:-1]))
    assert [event.done for event in reports] == sorted({event.done for event in reports})
    assert heard.of(job.id)[-1].state is JobState.DONE


def test_a_held_back_report_arrives_while_the_work_goes_on_silently(jobs: Jobs, heard: Heard) -> None:
    go = threading.Event()

    def do(work: Work) -> None:
        work.report("one")
        work.report("two")
        work.report("three")
        go.wait(SOON)

    job = jobs.submit("Report", do)
    until(lambda: any(event.words == "three" for event in heard.of(job.id)))

    assert job.state is JobState.RUNNING
    assert [event.words for event in heard.of(job.id) if event.words] == ["one", "three"]
    times = [at for at, event in heard.all if event.words]
    assert times[1] - times[0] >= 0.09
    go.set()
    job.result(SOON)


def test_nothing_is_told_after_the_end(jobs: Jobs, heard: Heard) -> None:
    kept: list[Work] = []
    job = jobs.submit("Keep", kept.append)
    job.result(SOON)

    kept[0].report("too late")
    time.sleep(0.15)

    assert [event.words for event in heard.of(job.id)] == ["", "", ""]


def test_events_of_one_job_from_many_threads_never_overlap() -> None:
    overlaps: list[str] = []
    busy = threading.Lock()

    def listen(event: JobEvent) -> None:
        if not busy.acquire(blocking=False):
            overlaps.append(event.words)
            return
        time.sleep(0.001)
        busy.release()

    jobs = Jobs(listen)

    def report_often(work: Work) -> None:
        for number in range(50):
            work.report(str(number))
            work.wait(0.002)

    def do(work: Work) -> None:
        jobs.side_by_side({n: lambda: report_often(work) for n in range(8)}, 8)

    jobs.submit("Report", do).result(SOON)
    assert jobs.close() == ()
    assert overlaps == []


def test_a_listener_that_fails_harms_no_job(expect_log: Callable[..., None]) -> None:
    expect_log("mirror_console.jobs", "listener of jobs failed on Go on")

    def listen(event: JobEvent) -> None:
        raise ValueError("listener")

    jobs = Jobs(listen)
    assert jobs.submit("Go on", lambda work: 7).result(SOON) == 7
    assert jobs.close() == ()


def test_side_by_side_respects_at_once_and_gives_all_in_order() -> None:
    jobs = Jobs()
    inside = 0
    most = 0
    lock = threading.Lock()

    def work(n: int) -> Callable[[], int]:
        def do() -> int:
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1
            return n * n

        return do

    outcomes = jobs.side_by_side({n: work(n) for n in range(12)}, 3)

    assert list(outcomes.items()) == [(n, n * n) for n in range(12)]
    assert most == 3
    assert jobs.side_by_side({}, 3) == {}
    assert jobs.close() == ()


def test_side_by_side_returns_exceptions_as_values() -> None:
    jobs = Jobs()
    error = OSError("no route")

    def fail() -> str:
        raise error

    assert jobs.side_by_side({"a": fail, "b": lambda: "fine"}, 2) == {"a": error, "b": "fine"}
    assert jobs.close() == ()


def test_side_by_side_inside_as_many_jobs_as_there_are_workers_does_not_get_stuck() -> None:
    jobs = Jobs(workers=2)

    def do(work: Work) -> int:
        outcomes = jobs.side_by_side({n: lambda: 1 for n in range(5)}, 5)
        return sum(value for value in outcomes.values() if isinstance(value, int))

    submitted = [jobs.submit("Many", do) for _ in range(6)]

    assert [job.result(SOON) for job in submitted] == [5] * 6
    assert jobs.close() == ()


def test_a_cancel_keeps_side_by_side_from_beginning_more() -> None:
    jobs = Jobs()
    begun: list[int] = []
    entered = threading.Event()

    def do(work: Work) -> dict[int, bool | Exception]:
        def one(n: int) -> Callable[[], bool]:
            def wait() -> bool:
                begun.append(n)
                entered.set()
                return work.wait(SOON)

            return wait

        return jobs.side_by_side({n: one(n) for n in range(20)}, 2)

    job = jobs.submit("Many", do)
    assert entered.wait(SOON)
    job.cancel()

    with pytest.raises(Stopped):
        job.result(SOON)
    assert len(begun) <= 2
    assert jobs.close() == ()


def test_close_cancels_everything_and_leaves_no_thread(heard: Heard) -> None:
    before = set(threading.enumerate())
    jobs = Jobs(heard, workers=4)

    def do(work: Work) -> None:
        work.report("begun")
        work.report("waits")
        work.wait(60)
        work.check()

    submitted = [jobs.submit(f"Job {n}", do, lane) for n, lane in enumerate(["a", "a", "b", None, None, None, None])]
    until(lambda: sum(job.state is JobState.RUNNING for job in submitted) == 4)

    assert jobs.close() == ()

    assert set(threading.enumerate()) <= before
    assert {job.state for job in submitted} == {JobState.CANCELLED}
    assert all(heard.states(job.id)[-1] is JobState.CANCELLED for job in submitted)
    with pytest.raises(RuntimeError):
        jobs.submit("More", do)
    assert jobs.close() == ()


def test_close_names_what_does_not_end_in_time() -> None:
    before = set(threading.enumerate())
    jobs = Jobs()
    go = threading.Event()
    job = jobs.submit("Deaf", lambda work: go.wait(SOON))
    until(lambda: job.state is JobState.RUNNING)

    assert jobs.close(timeout=0.02) == ("Deaf",)

    go.set()
    job.result(SOON)
    until(lambda: set(threading.enumerate()) <= before)
