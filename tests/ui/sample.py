"""A sample fleet for the window's tests and pictures: every state that a cell can be in, and as many rows as wanted."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mirror_console.domain.access import shut_out
from mirror_console.domain.alignment import Alignment, DriftKind
from mirror_console.domain.application import Application, ImageSource, Kind
from mirror_console.domain.cell import Cell
from mirror_console.domain.engine import Contact, Engine, EngineFacts, parse_address
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.environment import Environment, Hold, Limits, Port, Process, Settings, Volume
from mirror_console.domain.expectation import Expected, NoExpectation
from mirror_console.domain.fleet import EngineRow, Grid, Row, SourceEnvironment, SourceRow
from mirror_console.domain.identity import DIFFERENT, DIGEST_ONLY, SAME, SAME_BY_RECORD, Likeness
from mirror_console.domain.lock import Lock
from mirror_console.domain.moment import day
from mirror_console.domain.observation import Difference, Health, Observation, State
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.status import Activity, Knowledge, knowledge, status
from mirror_console.domain.where import names_of
from mirror_console.errors import FailureKind

NOW = datetime(2026, 9, 3, 12, 5, tzinfo=UTC)
VERSIONS = ("26.6.1", "26.7.0", "26.7.4", "26.8.2", "26.8.3", "26.9.0-rc1")
EXPECTED = 4
"""The place of the expected version among them."""
PLACES = (
    "Dunes",
    "Harbour",
    "Old Mill",
    "Corner",
    "Sunrise",
    "Meadow",
    "Riverside",
    "Copper Kettle",
    "Lighthouse",
    "Orchard",
    "Station",
    "Linden",
    "Summit",
    "Willow",
    "Granite",
    "Amber",
    "Castle",
    "Juniper",
    "Market",
    "North Quay",
    "Pebble",
    "Quarry",
    "Rowan",
    "Saltmarsh",
)
TRADES = ("Bakery", "Books", "Garden Centre", "Cycles", "Pharmacy", "Optics", "Florist", "Hotel")


def fingerprint(version: str) -> str:
    """A made-up identity for a version."""
    return "fp1:" + (version.encode().hex() * 8)[:64]


def release(place: int) -> Release:
    """One of the releases of the sample source's live environment."""
    version = VERSIONS[place]
    at = NOW - timedelta(days=(len(VERSIONS) - place) * 12)
    return Release(
        f"release-{place}",
        "source-live",
        fingerprint(version),
        "registry.lab:5000/shop/webshop",
        "sha256:" + (version.encode().hex() * 8)[:64],
        at,
        at,
        version,
        revision="4f1c2aa",
        size=182_000_000,
        platform="linux/amd64",
    )


SOURCE = Application(
    "source-1",
    Kind.SOURCE,
    "Webshop",
    "webshop",
    repository="registry.lab:5000/shop/webshop",
    account="House",
    release_command=NO_COMMAND,
)


def mirror(number: int, name: str = "", **more: object) -> Application:
    """A mirror of the sample source."""
    name = name or f"{PLACES[number % len(PLACES)]} {TRADES[(number // len(PLACES) + number) % len(TRADES)]}"
    if number >= len(PLACES) * len(TRADES):
        name = f"{name} {number}"
    slug = name.lower().replace(" ", "-")
    made = Application(
        f"mirror-{number}",
        Kind.MIRROR,
        name,
        slug,
        account=f"Account {1000 + number // 3}",
        tags=("vip",) if number % 7 == 0 else (("early",) if number % 5 == 0 else ()),
        domains=(f"{slug}.example", f"www.{slug}.example"),
        source_id="source-1",
        image_source=ImageSource.ALWAYS_LIVE,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name, as in the test


ENGINES = ("fra-1", "fra-2", "ber-1")


def engine_row(number: int, *, answered: bool = True, environments: int = 8) -> EngineRow:
    """An engine that answered a moment ago, or one that refused."""
    name = ENGINES[number]
    way = "unix:///run/engine.sock" if number == 0 else f"tcp://{name}.lab:2376"
    engine = Engine(f"engine-{number}", name, parse_address(way), location=("Frankfurt", "Frankfurt", "Berlin")[number])
    facts = EngineFacts("20.10.24", "1.41", "linux/amd64", name, 8, 16_000_000_000)
    contact = Contact(
        engine.id,
        NOW - timedelta(seconds=38),
        answered,
        0.12,
        None if answered else FailureKind.REFUSED,
        "" if answered else f"{name} refused the connection. Check that Docker runs there and listens.",
        NOW - timedelta(seconds=38) if answered else NOW - timedelta(hours=2),
        facts,
    )
    return EngineRow(engine, contact, environments, Knowledge.FRESH if answered else Knowledge.UNREACHABLE)


def grid_with_podman() -> Grid:
    """The sample fleet, the second engine of which is Podman."""
    grid, row = sample_grid(), engine_row(1)
    assert row.contact is not None
    facts = EngineFacts("4.3.1", "1.41", "linux/amd64", row.engine.name, 8, 16_000_000_000, kind=EngineKind.PODMAN)
    podman = replace(row, contact=replace(row.contact, facts=facts))
    engines = tuple(podman if found.engine.id == row.engine.id else found for found in grid.engines)
    return replace(grid, engines=engines)


@functools.cache
def settings(port: int = 8080) -> Settings:
    """Ordinary settings of a mirror."""
    return Settings(
        variables={"DOMAIN": "shop.example", "STAGE": "live"},
        ports=(Port(80, port),),
        volumes=(Volume("shop-media", "/data/media"),),
        limits=Limits(memory=512 * 1024 * 1024, cpus=1.0),
    )


@functools.cache
def settings_hash() -> str:
    """That of the ordinary settings."""
    return settings().hash


def cell(
    application: Application,
    name: str = "live",
    *,
    running: int | None = EXPECTED,
    alignment: Alignment = Alignment.ALIGNED,
    health: Health = Health.HEALTHY,
    seen: timedelta | None = timedelta(seconds=38),
    activity: Activity = Activity.IDLE,
    step: str = "",
    drift: DriftKind | None = None,
    differences: tuple[Difference, ...] = (),
    hold: Hold | None = None,
    engine: int = 0,
    answered: bool = True,
    access: bool = True,
    pending: bool = False,
    expectation: str = "",
    state: State = State.RUNNING,
    output: str = "",
    likeness: Likeness | None = None,
    lock: Lock | None = None,
) -> Cell:
    """A cell in the state that is asked for. `running` is the place of its version, None where nothing runs."""
    environment = Environment(
        f"{application.id}-{name}",
        application.id,
        name,
        f"engine-{engine}",
        (Process("web", f"{application.slug}-{name}"),),
        settings(),
        protected=name == "live",
        hold=hold,
    )
    observation = None
    if seen is not None:
        observation = Observation(environment.id, "web", environment.engine_id, NOW - seen)
        if running is not None:
            version = VERSIONS[running]
            observation = replace(
                observation,
                container_id="c0ffee" * 10,
                container_name=environment.container,
                image=f"registry.lab:5000/shop/webshop:{version}",
                image_id="sha256:" + "ab" * 32,
                fingerprint=fingerprint(version),
                version=version,
                state=state,
                health=health,
                started_at=NOW - timedelta(days=4),
                running_since=NOW - timedelta(days=4, hours=running),
                differences=differences,
                health_output=output,
                settings_hash=settings_hash(),
                lock=lock,
            )
    wanted = release(EXPECTED)
    if likeness is DIGEST_ONLY:
        wanted = replace(wanted, fingerprint="", version="", digest=f"sha256:{'9f' * 32}")
    expected: Expected | NoExpectation = Expected(
        wanted.fingerprint, wanted, wanted.title, "live of the source has it (always live)", wanted.current_since
    )
    if hold is not None:
        until = f" until {day(hold.until, NOW)}" if hold.until else ""
        expected = Expected(hold.fingerprint, None, hold.version, f"held{until}: {hold.reason}", hold.since)
    if expectation:
        expected = NoExpectation(expectation)
    if likeness is None and running is not None and alignment not in {Alignment.UNKNOWN, Alignment.NO_RELEASE}:
        same = alignment is Alignment.ALIGNED or drift is DriftKind.SETTINGS
        likeness = SAME if same else DIFFERENT
    contact = engine_row(engine, answered=answered).contact
    if not access:
        contact = shut_out(environment.engine_id, application.account, NOW)
    known = knowledge(observation, contact, NOW)
    behind = EXPECTED - running if running is not None and alignment in {Alignment.BEHIND, Alignment.AHEAD} else None
    return Cell(
        application=application,
        environment=environment,
        alignment=alignment,
        health=health if running is not None else Health.UNKNOWN,
        knowledge=known,
        activity=activity,
        status=status(alignment, health if running is not None else Health.UNKNOWN, known, activity),
        expected=expected,
        observation=observation,
        contact=contact,
        engine_name=ENGINES[engine],
        behind=0 if alignment is Alignment.ALIGNED else behind,
        drift=drift,
        pending=pending,
        step=step,
        held=hold is not None,
        likeness=likeness,
        names=names_of((), [release(running)])[fingerprint(VERSIONS[running])]
        if observation and running is not None
        else (),
    )


HOLD = Hold(
    fingerprint(VERSIONS[3]), VERSIONS[3], "campaign until the end of September", "operator", NOW, NOW + timedelta(27)
)
LOCK = Lock(
    "l" * 64, "locked-live", "second-operator", "desk-8", "91bd0c11ff", "3f2a91bcff", NOW - timedelta(minutes=17)
)
LOCKED = f"locked by {LOCK.holder}"
BY_HAND = (
    Difference("memory limit", "512 MiB", "1 GiB"),
    Difference("variable DEBUG", "not set", "set"),
)


def every_state() -> dict[str, Row]:
    """A mirror for each state and each badge, named for it."""
    return dict(_states())


@functools.cache
def _states() -> dict[str, Row]:
    made: dict[str, Row] = {}

    def add(name: str, **live: object) -> None:
        application = mirror(900 + len(made), f"{name.capitalize()} shop")
        live_cell = cell(application, **live)  # type: ignore[arg-type]  # the fields of cell, by name
        test = cell(application, "test", engine=2)
        made[name] = Row(application, SOURCE.name, {"test": test, "live": live_cell}, NOW - timedelta(days=4))

    add("aligned")
    add("behind", running=2, alignment=Alignment.BEHIND)
    add("ahead", running=5, alignment=Alignment.AHEAD)
    add("drifted content", alignment=Alignment.DRIFTED, drift=DriftKind.DIGEST)
    add("drifted settings", alignment=Alignment.DRIFTED, drift=DriftKind.SETTINGS, differences=BY_HAND)
    add("drifted foreign", running=1, alignment=Alignment.DRIFTED, drift=DriftKind.FOREIGN)
    add("missing", running=None, alignment=Alignment.MISSING)
    add("unhealthy", health=Health.FAILING, output="GET /up answered 500: could not connect to the database")
    add("stopped", health=Health.STOPPED, state=State.EXITED)
    add("unreachable", running=3, alignment=Alignment.BEHIND, engine=1, answered=False, seen=timedelta(hours=2))
    add("no access", running=None, alignment=Alignment.UNKNOWN, engine=2, access=False, seen=None)
    add("rolling out", running=3, alignment=Alignment.BEHIND, activity=Activity.ROLLING_OUT, step="→ 26.8.3 fetching")
    add("queued", running=3, alignment=Alignment.BEHIND, activity=Activity.QUEUED, step="→ 26.8.3 queued")
    add(
        "interrupted",
        running=3,
        alignment=Alignment.BEHIND,
        activity=Activity.INTERRUPTED,
        step="interrupted: waits for your decision",
    )
    add("locked", running=3, alignment=Alignment.BEHIND, lock=LOCK, activity=Activity.LOCKED, step=LOCKED)
    add("stale", seen=timedelta(days=3))
    add("ageing", seen=timedelta(minutes=12))
    add("never checked", seen=None, alignment=Alignment.UNKNOWN, running=None)
    add("no release", alignment=Alignment.NO_RELEASE, expectation="the source has no environment 'staging'")
    add("held", running=3, hold=HOLD)
    add("pending", pending=True)
    add("no health check", health=Health.NO_CHECK)
    add("starting", health=Health.STARTING)
    add("known by record", likeness=SAME_BY_RECORD)
    add("can not be told", alignment=Alignment.UNKNOWN, likeness=DIGEST_ONLY)
    lone = mirror(900 + len(made), "No live shop")
    made["not applicable"] = Row(lone, SOURCE.name, {"test": cell(lone, "test")}, None)
    return made


@functools.cache
def sample_grid(count: int = 24) -> Grid:
    """A fleet as it usually is: mostly fine, with something of everything that goes wrong."""
    states = every_state()
    troubles = {
        3: "behind",
        5: "unhealthy",
        6: "behind",
        8: "drifted settings",
        9: "held",
        11: "missing",
        12: "unreachable",
        13: "unreachable",
        15: "behind",
        17: "stale",
        19: "rolling out",
        21: "no release",
        22: "ahead",
    }
    rows: list[Row] = []
    for number in range(count):
        application = mirror(number)
        # Every two dozen begin elsewhere, so that names in order don't bring troubles in order.
        trouble = troubles.get((number + 5 * (number // 24)) % 24)
        live = cell(application, engine=(0, 2)[number % 2])
        if trouble:
            like = states[trouble].cells["live"]
            live = like._replace(
                application=application,
                environment=replace(
                    like.environment,
                    id=f"{application.id}-live",
                    application_id=application.id,
                    processes=(Process("web", f"{application.slug}-live"),),
                ),
            )
        cells = {"live": live}
        if number % 4 != 2:
            test = cell(application, "test", engine=2)
            if number in {4, 16}:
                test = cell(application, "test", engine=2, running=2, alignment=Alignment.BEHIND)
            cells = {"test": test, **cells}
        rows.append(Row(application, SOURCE.name, cells, NOW - timedelta(days=number % 9, hours=number)))
    return grid_of(rows)


def grid_of(rows: list[Row]) -> Grid:
    """A grid of these rows."""
    releases = tuple(release(place) for place in range(EXPECTED, -1, -1))
    environments = tuple(
        SourceEnvironment(
            Environment(f"source-{name}", SOURCE.id, name, "engine-0", (Process("web", f"webshop-{name}"),)),
            None,
            releases[0],
            releases,
        )
        for name in ("test", "live")
    )
    return Grid(
        rows=tuple(sorted(rows, key=lambda row: row.application.name.casefold())),
        columns=("test", "live"),
        engines=(engine_row(0), engine_row(1, answered=False, environments=2), engine_row(2)),
        sources=(SourceRow(SOURCE, environments, len(rows)),),
        made_at=NOW,
    )
