"""In the program's own process: asks a hostile engine for everything there is to ask for, and says what went wrong.

Wrong is what no reply may bring about: an error that isn't the program's own, a call that doesn't end, memory that
grows, a text that would be read as markup. What the replies make of the engine is another matter: it lies.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import random
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.environment import RestartPolicy, Settings
from mirror_console.domain.in_place import Granted
from mirror_console.domain.request import ContainerSpec
from mirror_console.engine.image_streams import Loading, Saving
from mirror_console.engine.session import DockerSession
from mirror_console.errors import ConsoleError
from mirror_console.jobs import JobState
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.watch import Watch
from tests.campaign_parts.hostile.fleet import ENGINE, IMAGE, SPARE, TIMEOUT, WAY, fill
from tests.campaign_parts.hostile.stub import TEXTS_ALONE
from tests.plain_texts import not_plain

MOST_GROWTH = 200.0
"""Megabytes."""
SLACK = 8.0
"""Seconds beside what the engine's time limit allows a call: the machine may be busy with something else."""
LONGEST = 30.0
"""Seconds until whatever is done counts as hanging."""
ROLLOUT_LONGEST = 90.0
"""Seconds of a rollout, which looks for what became of each call that had no answer."""
WINDOW_LONGEST = 60.0
"""Seconds for all pages of a window, beside whatever else the machine does."""
LOOKS, WATCHED, GREETED = 6, 1.0, 4
ENOUGH = 0.2
"""Seconds after which a person has enough of a pull or an archive that doesn't end."""
SHORTENED = (("images", "SILENCE"), ("images", "REGISTRY_SECONDS"), ("container_output", "LONGEST_SECONDS"))
"""What the program waits for, minutes each: here as long as the engine gets for anything."""
LOOKED_AT = 5000
"""Texts of one thing that was told: there may be a million."""
OWN_WORDS = "only the program's own errors"
ENDS = "each call ends in its time"
SMALL = "memory doesn't grow"
PLAIN = "no text is markup"
FOLLOWED = "nobody goes where a reply points"


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be done: `replies` that are spoilt are heard at least; the rest is done or left."""

    socket: str
    told: str
    """The file that gets what went wrong, as JSON."""
    hung: str
    """The file that gets where the process was as it was ended because it hung."""
    seed: str
    replies: int
    watch: bool
    rollout: bool
    window: bool

    def run(self, opened: Callable[[], Any]) -> None:
        """Do it, write down what was wrong, and end the process."""
        told = _Told(Path(self.told))
        with Path(self.hung).open("w") as stack, opened() as parts:
            told.stack = stack
            for module, name in SHORTENED:
                setattr(importlib.import_module(f"mirror_console.engine.{module}"), name, TIMEOUT)
            console, jobs = parts.console, parts.jobs
            engine = fill(console, jobs, self.socket)
            playing = _Playing(self, console, jobs, told, random.Random(self.seed))  # noqa: S311 - no secret
            session = console.engines.session(playing.engine)
            spare = session.inspect(SPARE)
            assert spare is not None
            facts = session.facts()
            playing.ask_everything(_verbs(session, spare.id, facts), 0)
            with console.catalog.write() as books:
                books.engines.save(replace(engine, timeout=TIMEOUT))
            verbs = _verbs(console.engines.session(playing.engine), spare.id, facts)
            before = told.memory()
            playing.ask_everything(verbs, 80)
            playing.look()
            if self.watch:
                playing.watch()
            if self.rollout:
                playing.roll_out()
            told.grown(before)
            lied = _share(self.socket, 0)
            if lied["followed"]:
                told.wrong(FOLLOWED, f"{lied['followed']} times")
            if self.window:
                _look_at_window(console, told)
            told.end(lied["lied"])


@dataclass(slots=True)
class _Told:
    """What is told at the end."""

    file: Path
    found: list[tuple[str, str]] = field(default_factory=list)
    stack: IO[str] | None = None

    def wrong(self, law: str, words: str) -> None:
        self.found.append((law, words))

    def end(self, lied: int) -> None:
        self.file.write_text(json.dumps({"wrong": self.found, "lied": lied}))
        os._exit(0)

    @contextmanager
    def within(self, doing: str, seconds: float, longest: float = LONGEST) -> Iterator[None]:
        """Whatever is raised inside but errors of the program's own is wrong, and so is what takes longer."""
        # Whatever hangs: no other thread of Python's may be able to tell it.
        faulthandler.dump_traceback_later(longest, file=self.stack or sys.stderr, exit=True)
        began = time.monotonic()
        try:
            yield
        except ConsoleError as error:
            if not error.title.strip():
                self.wrong(OWN_WORDS, f"{doing}: an error without words")
            self.plain(doing, [error.title, error.hint, getattr(error, "detail", "")])
        except Exception:  # noqa: BLE001 - the very thing that is looked for
            self.wrong(OWN_WORDS, f"{doing}: {traceback.format_exc()[-1500:]}")
        lasted = time.monotonic() - began
        if lasted > seconds:
            self.wrong(ENDS, f"{doing} took {lasted:.1f} s, and may take {seconds:.1f} s")

    def plain(self, doing: str, value: object) -> None:
        for one in not_plain(value, LOOKED_AT):
            self.wrong(PLAIN, f"{doing}: {one[:200]!r}")

    def memory(self) -> float:
        """Megabytes that are held now. From here on the most that are held is counted anew."""
        Path("/proc/self/clear_refs").write_text("5")
        return _megabytes("VmRSS")

    def grown(self, before: float) -> None:
        by = _megabytes("VmHWM") - before
        if by > MOST_GROWTH:
            self.wrong(SMALL, f"by {by:.0f} MB")


def _megabytes(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def _share(path: str, percent: int) -> dict[str, int]:
    """Tell the engine how many of its replies are to be spoilt; what it has done so far."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        line.sendall(f"GET /hostile/{percent} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        with line.makefile("rb") as reply:
            told: dict[str, int] = json.loads(reply.read().partition(b"\r\n\r\n")[2])
            return told


@dataclass(slots=True)
class _Playing:
    """A console and what it asks."""

    errand: Errand
    console: Any
    jobs: Any
    told: _Told
    dice: random.Random

    @property
    def engine(self) -> Any:
        with self.console.catalog.read() as books:
            return books.engines.get(ENGINE)

    def ask_everything(self, verbs: Mapping[str, Callable[[], object]], share: int) -> None:
        """Everything once, or more often until so many replies were spoilt, if any are."""
        engine, before = self.engine, _share(self.errand.socket, share)["lied"]
        while True:
            for doing, ask in self.dice.sample(sorted(verbs.items()), len(verbs)):
                with self.told.within(doing, 10 * engine.timeout + SLACK):
                    self.told.plain(doing, ask())
            # Whoever is greeted with a lie is no engine, most often: it needs another one to be asked more.
            for _ in range(GREETED):
                with self.told.within("greet", 10 * engine.timeout + SLACK):
                    self.console.engines.try_out(engine, {}).facts()
            if not share or _share(self.errand.socket, share)["lied"] - before >= self.errand.replies:
                return

    def look(self) -> None:
        """Refresh, over and over, with half of what is said spoilt."""
        _share(self.errand.socket, 50)
        for number in range(LOOKS):
            with self.told.within("refresh", LONGEST / 2):
                refresh(self.console, self.jobs, inspect_all=number % 2 == 1)
        _share(self.errand.socket, TEXTS_ALONE)
        with self.told.within("refresh", LONGEST / 2):
            refresh(self.console, self.jobs, inspect_all=True)
        with self.console.catalog.read() as books:
            self.told.plain("what was seen", list(books.observations.on(ENGINE)))
            self.told.plain("contacts", list(books.engines.contacts().values()))

    def watch(self) -> None:
        """Watch the engine for a moment."""
        _share(self.errand.socket, 40)
        with self.told.within("watch", LONGEST / 2):
            watch = Watch(self.console, self.jobs, 0.3)
            job = self.jobs.submit("Watching", watch.run)
            time.sleep(WATCHED)
            job.cancel()
            if not job.over_within(LONGEST / 3):
                self.told.wrong(ENDS, "the watch doesn't end")
            elif job.state is JobState.FAILED:
                raise job.event.error

    def roll_out(self) -> None:
        """A rollout that begins well, and then hears nothing but lies from time to time."""
        _share(self.errand.socket, 0)
        with self.told.within("roll out", ROLLOUT_LONGEST, ROLLOUT_LONGEST):
            refresh(self.console, self.jobs)
            with self.console.catalog.read() as books:
                mirrors = [one.id for one in books.applications.all() if one.source_id]
            made = plan(self.console, "live", mirrors, WAY)
            rollout = start(self.console, made, preflight(self.console, self.jobs, made), "a test")
            _share(self.errand.socket, self.dice.choice((4, 8, 15)))
            ended = Conductor(self.console, self.jobs, rollout).run()
            self.told.plain("the rollout", [one.words for one in ended.targets])


def _verbs(session: DockerSession, one: str, facts: EngineFacts) -> Mapping[str, Callable[[], object]]:
    # Each asks for at most five things, and a read is asked twice where the connection broke.
    now = Granted(Settings().limits, RestartPolicy.NO, 0)

    def none(ask: Callable[[], object]) -> Callable[[], None]:
        def do() -> None:
            ask()

        return do

    return {
        "facts": session.facts,
        "list": session.list_containers,
        "list these": lambda: session.list_these([one]),
        "inspect": lambda: session.inspect(one),
        "inspect by name": lambda: session.inspect("mirror-1-live"),
        "endings": lambda: session.endings(one, session._clock(), session._clock()),
        "networks": session.networks,
        "volumes": none(session.volumes),
        "volume": lambda: session.volume_exists("media"),
        "create network": lambda: session.create_network("net", {}),
        "create volume": lambda: session.create_volume("media", {}),
        "image": lambda: session.image(IMAGE),
        "images": session.images,
        "resolve": lambda: session.resolve(IMAGE, None),
        "pull": lambda: _pull(session),
        "start": lambda: session.start(one),
        "stop": lambda: session.stop(one, 0),
        "rename": lambda: session.rename(one, "other"),
        "set restart": lambda: session.set_restart(one, RestartPolicy.ALWAYS),
        "grant": lambda: session.grant(one, now, now),
        "remove": lambda: session.remove("b" * 64),
        "connect": lambda: session.connect(one, one),
        "disconnect": lambda: session.disconnect(one, one),
        "logs": lambda: session.logs(one, 50),
        "output": none(lambda: session.output(one, 4096)),
        "free disk": lambda: session.free_disk(facts, one),
        "create": lambda: session.create(ContainerSpec("new", IMAGE, Settings(networks=("net",)))),
        "events": lambda: _hear(session),
        "save": lambda: _save(session),
        "load": lambda: _load(session),
        "tag": lambda: session.tag("sha256:" + "c" * 64, "registry.test/x:1"),
        "remove image": lambda: session.remove_image("registry.test/x:1"),
    }


def _pull(session: DockerSession) -> None:
    end = time.monotonic() + ENOUGH
    session.pull(IMAGE, None, lambda _at: None, lambda: time.monotonic() > end)


def _hear(session: DockerSession) -> None:
    stream = session.events()
    try:
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            stream.heard()
            time.sleep(0.01)
    finally:
        stream.close()


@contextmanager
def _until_enough(stream: Saving | Loading) -> Iterator[None]:
    """An image may be on its way for hours: a person ends what goes on for too long."""
    cut = threading.Timer(ENOUGH, stream.close)
    cut.daemon = True
    cut.start()
    try:
        yield
    finally:
        cut.cancel()


def _save(session: DockerSession) -> None:
    with session.save(IMAGE) as saving, _until_enough(saving):
        for _ in saving:
            pass


def _load(session: DockerSession) -> None:
    with session.load() as loading, _until_enough(loading):
        for _ in range(3):
            loading.send(b"\0" * 512)
        loading.finish(lambda _at: None)


def _look_at_window(console: Any, told: _Told) -> None:
    """Everything that the catalog holds now, on every page of the window."""
    from tests.campaign_parts.hostile.window import marked_up

    with told.within("window", WINDOW_LONGEST, WINDOW_LONGEST):
        for words in marked_up(console):
            told.wrong(PLAIN, words)
