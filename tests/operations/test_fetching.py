"""The fetcher by itself, with a clock that only moves when somebody sleeps: caps, rests, tries and halting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mirror_console.domain.fetching import SILENCE, FetchState
from mirror_console.domain.request import PullProgress, RegistryLogin
from mirror_console.domain.secret import Secret
from mirror_console.domain.way import Way
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.console import Console
from mirror_console.operations.fetch import Arrival, Halting, HowFar, PutAside, Want
from mirror_console.operations.fetching import Fetcher
from tests.operations.desk import empty_console

SLOW = "slow.test:5000"
QUICK = "quick.test:5000"
LONGEST = 20.0


class Time:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
        self.slept()

    def monotonic(self) -> float:
        return self.now


@dataclass
class Engine:
    """A session of which only pulling is asked: it fails as told, in this order, and then goes well."""

    failures: list[EngineError] = field(default_factory=list)
    pulls: int = 0
    at_once: int = 0
    most_at_once: int = 0
    gate: threading.Event | None = None
    lines: tuple[PullProgress, ...] = (PullProgress(5, 10, share=0.5, came=1, new_layers=1),)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pull(
        self,
        reference: str,
        login: RegistryLogin | None,
        report: Callable[[PullProgress], None],
        stopped: Callable[[], bool],
    ) -> None:
        with self._lock:
            self.pulls += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate is not None:
                assert self.gate.wait(LONGEST)
            if self.failures:
                raise self.failures.pop(0)
            for line in self.lines:
                report(line)
                if stopped():
                    return
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def console(tmp_path: Path, time: Time) -> Iterator[Console]:
    tmp_path.chmod(0o700)
    with empty_console(tmp_path) as made:
        yield replace(made, monotonic=time.monotonic, sleep=time.sleep)


def want(engine: str = "oslo", registry: str = SLOW, digit: str = "a") -> Want:
    return Want(engine, engine, f"{registry}/shop/web@sha256:{digit * 64}", "fp1:x", "mirror")


def failure(kind: FailureKind, retry_after: float | None = None) -> EngineError:
    return EngineError(kind, f"oslo could not pull it: {kind}.", "Do something.", retry_after=retry_after)


def fetch(fetcher: Fetcher, engine: Engine, of: Want, told: list[HowFar] | None = None) -> Arrival:
    heard = told if told is not None else []
    return fetcher.fetch(of, engine, None, heard.append)  # type: ignore[arg-type] # nothing but pulling is asked of it


def test_a_registry_that_answers_429_twice_is_waited_for(console: Console, time: Time) -> None:
    engine = Engine([failure(FailureKind.REGISTRY_BUSY), failure(FailureKind.REGISTRY_BUSY, retry_after=7)])
    told: list[HowFar] = []
    arrival = fetch(Fetcher(console, Way(), chance=lambda: 1.0), engine, want(), told)
    assert engine.pulls == 3
    assert arrival == Arrival("3 tries in 9 s: too many requests 2 times", brought=True, image=want().reference)
    assert time.now == pytest.approx(1 + 8, abs=0.3)
    resting = [far.words for far in told if far.state is FetchState.RESTING]
    assert resting == [
        f"{SLOW}: too many requests; try 2 in 1 s",
        f"{SLOW}: too many requests; try 3 in 8 s",
    ]
    assert told[-1] == HowFar(FetchState.FETCHING, 0.5, "50%")


@pytest.mark.parametrize(
    ("kind", "tries"),
    [
        (FailureKind.REGISTRY_SIGN_IN, 1),
        (FailureKind.IMAGE_NOT_FOUND, 1),
        (FailureKind.PLATFORM, 1),
        (FailureKind.DISK_FULL, 1),
        (FailureKind.TIMEOUT, 1),
        (FailureKind.CORRUPT, 2),
        (FailureKind.STALLED, 2),
        (FailureKind.REGISTRY_UNREACHABLE, 3),
        (FailureKind.REGISTRY_LOST, 5),
        (FailureKind.REGISTRY_TROUBLE, 6),
        (FailureKind.REGISTRY_BUSY, 8),
    ],
)
def test_how_often_is_tried(console: Console, kind: FailureKind, tries: int) -> None:
    engine = Engine([failure(kind) for _ in range(20)])
    with pytest.raises(EngineError) as refused:
        fetch(Fetcher(console, Way()), engine, want())
    assert engine.pulls == tries
    assert refused.value.kind is kind
    assert refused.value.hint == "Do something."
    assert (f"Tried {tries} times in" in refused.value.title) == (tries > 1)


def test_who_is_asked_to_come_back_much_later_gives_up(console: Console, time: Time) -> None:
    engine = Engine([failure(FailureKind.REGISTRY_BUSY, retry_after=6 * 3600)])
    with pytest.raises(EngineError):
        fetch(Fetcher(console, Way()), engine, want())
    assert (engine.pulls, time.now) == (1, 0)


def test_a_pull_without_progress_is_given_up_and_tried_once_more(console: Console, time: Time) -> None:
    class Silent(Engine):
        def pull(self, *given: object) -> None:
            self.pulls += 1
            report, stopped = given[2], given[3]
            assert callable(report)
            assert callable(stopped)
            for _ in range(1000):
                # What the engine says of its own tries is no progress.
                report(PullProgress(0, 0, "Retrying in 5 seconds", came=1))
                if stopped():
                    return
                time.now += 1

    engine = Silent()
    with pytest.raises(EngineError) as refused:
        fetch(Fetcher(console, Way()), engine, want())
    assert refused.value.kind is FailureKind.STALLED
    assert f"nothing came for {SILENCE:g} s" in refused.value.title
    assert engine.pulls == 2


def test_however_many_wait_for_an_image_on_an_engine_it_is_pulled_once(console: Console) -> None:
    engine = Engine(gate=threading.Event())
    fetcher = Fetcher(console, Way())
    told: list[list[HowFar]] = [[] for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(fetch, fetcher, engine, want(), heard) for heard in told]
        while not all(told):
            threading.Event().wait(0.01)
        assert engine.gate is not None
        engine.gate.set()
        arrivals = [each.result(LONGEST) for each in waiting]
    assert engine.pulls == 1
    assert sorted(arrival.brought for arrival in arrivals) == [False] * 4 + [True]


def test_all_that_wait_hear_why_it_failed(console: Console) -> None:
    engine = Engine([failure(FailureKind.PLATFORM)], gate=threading.Event())
    fetcher = Fetcher(console, Way())
    told: list[list[HowFar]] = [[] for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(fetch, fetcher, engine, want(), heard) for heard in told]
        while not all(told):
            threading.Event().wait(0.01)
        assert engine.gate is not None
        engine.gate.set()
        wait(waiting, LONGEST)
    errors = [each.exception() for each in waiting]
    assert engine.pulls == 1
    assert len({id(error) for error in errors}) == 3
    assert {error.kind for error in errors if isinstance(error, EngineError)} == {FailureKind.PLATFORM}
    # It isn't remembered: who comes later tries anew.
    assert fetch(fetcher, engine, want()).brought


def test_no_more_pulls_at_once_than_the_way_allows(console: Console) -> None:
    """Six engines, one registry: three at once; and four images for one engine: two at once."""
    way = Way(pulls_per_registry=3, pulls_per_engine=2)

    def really(seconds: float) -> None:
        threading.Event().wait(seconds / 20)

    console = replace(console, sleep=really)
    for wants in (
        [want(f"engine-{number}") for number in range(6)],
        [want("oslo", f"registry-{digit}.test", digit) for digit in "abcd"],
    ):
        engine = Engine(gate=threading.Event())
        fetcher = Fetcher(console, way)
        told: list[list[HowFar]] = [[] for _ in wants]
        with ThreadPoolExecutor(len(wants)) as pool:
            running = [pool.submit(fetch, fetcher, engine, *each) for each in zip(wants, told, strict=True)]
            while not all(told):
                threading.Event().wait(0.01)
            assert engine.gate is not None
            engine.gate.set()
            for each in running:
                each.result(LONGEST)
        assert engine.most_at_once == (3 if wants[0].engine != wants[1].engine else 2)
        assert engine.pulls == len(wants)
        assert any(far.state is FetchState.WAITING and "under way" in far.words for heard in told for far in heard)


def test_a_registrys_trouble_rests_its_own_pulls_and_no_others(console: Console, time: Time) -> None:
    """While one pull rests, another from the same registry isn't begun, and one from elsewhere is."""
    fetcher = Fetcher(console, Way(), chance=lambda: 1.0)
    seen: list[tuple[float, str]] = []
    beside: list[Arrival] = []

    class Noted(Engine):
        def pull(self, *given: object) -> None:
            seen.append((round(time.now, 1), str(given[0]).partition("/")[0]))
            super().pull(*given)  # type: ignore[arg-type] # handed on as they are

    engine = Noted([failure(FailureKind.REGISTRY_TROUBLE)])

    def meanwhile() -> None:
        time.slept = lambda: None
        beside.append(fetch(fetcher, engine, want("paris", QUICK)))
        assert time.now < 0.3, "another registry is not waited for"
        beside.append(fetch(fetcher, engine, want("paris", SLOW)))

    time.slept = meanwhile
    fetch(fetcher, engine, want("oslo", SLOW))
    assert len(beside) == 2
    assert [registry for _, registry in seen] == [SLOW, QUICK, SLOW, SLOW]
    assert seen[1][0] < 0.3
    assert seen[2][0] >= 1.0
    assert seen[2][0] - seen[0][0] < 1.5


@pytest.mark.parametrize("halting", [Halting.PAUSING, Halting.STOPPING])
def test_who_rests_hears_at_once_that_it_is_halted(console: Console, time: Time, halting: Halting) -> None:
    now = Halting.NOT

    def halt() -> None:
        nonlocal now
        now = halting

    time.slept = halt
    engine = Engine([failure(FailureKind.REGISTRY_BUSY, retry_after=200)])
    with pytest.raises(PutAside):
        fetch(Fetcher(console, Way(), lambda: now), engine, want())
    assert time.now < 0.3


def test_a_pull_under_way_is_let_come_by_a_pause_and_broken_off_by_a_stop(console: Console) -> None:
    lines = tuple(PullProgress(done, 10, share=done / 10, came=done, new_layers=1) for done in range(1, 11))
    engine = Engine(lines=lines)
    told: list[HowFar] = []

    def halted(how: Halting) -> Fetcher:
        told.clear()
        return Fetcher(console, Way(), lambda: how if told else Halting.NOT)

    assert fetch(halted(Halting.PAUSING), engine, want(), told).brought
    with pytest.raises(PutAside):
        fetch(halted(Halting.PAUSING), Engine([failure(FailureKind.REGISTRY_BUSY)]), want(), told)
    with pytest.raises(PutAside):
        fetch(halted(Halting.STOPPING), engine, want(), told)
    assert [far.share for far in told if far.share] == [0.1]


def test_where_the_registry_cannot_be_reached_another_engine_gives_the_image(console: Console, time: Time) -> None:
    asked: list[Want] = []

    def relay(of: Want, say: Callable[[HowFar], None], stopped: Callable[[], bool]) -> Arrival | None:
        asked.append(of)
        assert not stopped()
        return Arrival("taken from fra-1", brought=False, image="sha256:here")

    engine = Engine([failure(FailureKind.REGISTRY_UNREACHABLE) for _ in range(3)])
    arrival = fetch(Fetcher(console, Way(), relay=relay), engine, want())
    assert arrival == Arrival("taken from fra-1, as the registry could not be reached", image="sha256:here")
    assert (asked, engine.pulls, time.now) == ([want()], 1, 0)


@pytest.mark.parametrize("kind", [FailureKind.REGISTRY_SIGN_IN, FailureKind.PLATFORM, FailureKind.DISK_FULL])
def test_what_is_no_matter_of_the_way_is_not_taken_from_another_engine(console: Console, kind: FailureKind) -> None:
    def never(_want: Want, _say: object, _stopped: object) -> Arrival | None:
        raise AssertionError("asked another engine")

    engine, login = Engine([failure(kind)]), RegistryLogin(SLOW, "deploy", Secret("refused"))
    with pytest.raises(EngineError):
        Fetcher(console, Way(), relay=never).fetch(want(), engine, login, lambda _far: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (FailureKind.IMAGE_NOT_FOUND, "the registry doesn't have it"),
        (FailureKind.REGISTRY_SIGN_IN, "the registry refuses it, and no password is kept for that"),
    ],
)
def test_what_no_registry_of_ours_has_is_taken_from_another_engine(
    console: Console, kind: FailureKind, why: str
) -> None:
    arrival = fetch(
        Fetcher(console, Way(), relay=lambda *_of: Arrival("taken from fra-1")), Engine([failure(kind)]), want()
    )
    assert arrival.words == f"taken from fra-1, as {why}"


def test_without_a_reference_no_registry_is_asked(console: Console) -> None:
    engine, nameless = Engine(), replace(want(), reference="fp1:x", title="26.8.3")
    arrival = fetch(Fetcher(console, Way(), relay=lambda *_of: Arrival("taken from fra-1")), engine, nameless)
    assert (arrival.words, engine.pulls) == ("taken from fra-1", 0)
    with pytest.raises(EngineError) as refused:
        fetch(Fetcher(console, Way()), engine, nameless)
    assert refused.value.title == "No registry and no engine is known to have 26.8.3."
    assert engine.pulls == 0


def test_why_another_engine_could_not_give_it_either_is_told(console: Console) -> None:
    def relay(_want: Want, _say: object, _stopped: object) -> Arrival | None:
        raise EngineError(FailureKind.TIMEOUT, "fra-1 did not answer in time.")

    engine = Engine([failure(FailureKind.REGISTRY_UNREACHABLE)])
    with pytest.raises(EngineError) as refused:
        fetch(Fetcher(console, Way(), relay=relay), engine, want())
    assert refused.value.kind is FailureKind.REGISTRY_UNREACHABLE
    assert refused.value.title.endswith("From another engine: fra-1 did not answer in time.")
