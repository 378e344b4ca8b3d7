"""Shapes: what `--json` prints. Keys stay as they are; new ones may come.

status            StatusShape
where             {"asked", "words", "builds": [{"title", "fingerprint", "platform", "revision", "names",
                  "environments": [{"application", "environment", "source", "engine", "running", "seen_at",
                  "processes"}],
                  "held_by": [{"engine", "seen_at"}]}]}
check             {"answered": [name], "failed": [{"engine", "why"}], "environments": count, "words",
                  "tags": [{"reference", "digest", "changed", "engine", "words"}]}
releases list     {"source", "environments": [{"name", "tag", "every", "wanted", "runs", "looked_at", "words"}],
                  "releases": [{"environment", "now", "version", "revision", "repository", "digest", "fingerprint",
                  "tag", "first_seen", "created", "expected", "runs", "marks", "remark", "notes"}]}
releases mark     {"source", "version", "digest", "marks", "remark", "words"}; so unmark
release-commands list
                  [{"id", "kind", "mirror", "environment_id", "rollout", "release", "command", "state", "exit_code",
                  "begun_at", "ended_at", "words", "needs_a_word", "said", "said_by"}]; say alike
release-commands show                                                  the same, and "output"
hold              {"mirror", "environment", "version", "fingerprint", "digest", "reason", "person", "until"}
unhold            {"mirror", "environment", "was_held"}
rollout plan      PlanShape
rollout checks    ChecksShape of mirror_console.cli.check_shapes
rollout start, resume, show, pause, stop, abort, decide, retry, rollback; recover continue, put-back; locks take-over
                  RolloutShape
rollout rollback --preview                                             PlanShape
rollout list      [RolloutShape]
rollout report    as mirror_console.operations.report_content.RolloutReport
recover list      [{"rollout": RolloutShape, "words", "findings": [{"environment_id", "mirror", "found", "words",
                  "down"}]}]
locks list        {"locks": [{"engine", "mirror", "environment", "container", "person", "machine", "console",
                  "rollout", "taken_at", "own"}], "failed": [{"engine", "why"}]}
drift list        [{"mirror", "slug", "environment", "environment_id", "kind", "words", "differences": [{"field",
                  "applied", "observed", "not_adoptable"}], "not_compared", "pending": [{"field", "applied",
                  "catalog"}], "applied": {"at", "by", "title", "rollout_id"} or null}]
drift accept      {"mirror", "environment", "fields", "others"}; adopt alike; correct: RolloutShape
engines list      {"engines": [EngineShape], "registries": [{"host", "user"}]}
engines show      EngineShape, and "ways_back" in words
engines test      [{"number", "title", "state", "words", "seconds", "remedy", "command"}]
engines add       {"id", "name", "address", "steps": as of engines test, none with --no-test}
engines edit      {"id", "name", "address"}; add-registry {"id", "host", "user"}; remove… {"removed"}
images list       [ImageShape]
images relay      RelayShape
audit list        [{"sequence", "at", "person", "machine", "run", "act": {"noun", "doing", "of", "title", "account",
                  "why", "before", "after", "result", "begun"}}]
audit verify      {"sound", "lines", "broken_at", "journal_broken_at", "anchor", "anchored", "words"}
audit evidence    as mirror_console.operations.evidence.Evidence
clean             [{"engine", "error", "ways_back": {"containers", "images", "size"}, "goes": [{"what", "id", "name",
                  "why", "size"}], "stays": as goes, "frees_at_most", "removed": [id], "left": as goes}]
catalog import    {"counts": {noun: count}, "new", "changed", "notes", "words"}
catalog path      {"path", "exists"}; backup {"path"}
help              [{"id", "about", "title"}]; help PAGE {"id", "about", "title", "text"}
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.cli.check_shapes import OverrideShape, override_shapes
from mirror_console.domain.alignment import Cell, Expected
from mirror_console.domain.causes import causes
from mirror_console.domain.durations import Eta, Learned, eta_of_plan
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.fleet import EngineRow, Grid, Row
from mirror_console.domain.held import HeldImage
from mirror_console.domain.phrases import drift_text
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.relay import Relay
from mirror_console.domain.request import ListedImage
from mirror_console.domain.rollout import Rollout, headline
from mirror_console.domain.several import process_lines
from mirror_console.domain.verdict import answer
from mirror_console.domain.way_back import KnownWay


@dataclass(frozen=True, slots=True)
class EnvironmentShape:
    """One environment of a mirror."""

    id: str
    name: str
    status: str
    alignment: str
    health: str
    knowledge: str
    activity: str
    locked_by: str
    """Who else holds the lock; empty where nobody does."""
    running: str
    expected: str
    why: str
    behind: int | None
    drift: str | None
    sureness: str
    """Whether what runs was compared with what is expected, and how: proved, by our record, can't be told; or empty."""
    untold: str
    """Why it can't be told; empty where it is."""
    drift_words: str
    differences: Sequence[str]
    not_compared: str
    pending: bool
    held: bool
    held_until: datetime | None
    engine: str
    container: str
    checked_at: datetime | None
    running_since: datetime | None
    answer: str
    way_back: str
    """Whether it can go back to what it ran before its last rollout, as a target tells it; empty without a rollout."""
    way_back_words: str
    processes: Sequence[Mapping[str, str]]
    """Where it has several: ``name``, ``container`` and ``state`` of each, the one that serves first."""


@dataclass(frozen=True, slots=True)
class MirrorShape:
    """A mirror."""

    id: str
    name: str
    slug: str
    account: str
    source: str
    tags: Sequence[str]
    domains: Sequence[str]
    environments: Sequence[EnvironmentShape]


@dataclass(frozen=True, slots=True)
class EngineShape:
    """An engine and the last attempt to reach it."""

    id: str
    name: str
    address: str
    location: str
    environments: int
    knowledge: str
    answered: bool | None
    failure: str
    words: str
    asked_at: datetime | None
    version: str
    api: str
    kind: str
    limits: Sequence[str]
    """What doesn't work with it, a sentence each."""
    clock_offset: float | None
    """Seconds that its clock is ahead of this computer's; negative where it is behind."""


@dataclass(frozen=True, slots=True)
class StatusShape:
    """What `status --json` prints."""

    made_at: datetime
    counts: Mapping[str, int]
    mirrors: Sequence[MirrorShape]
    engines: Sequence[EngineShape]


@dataclass(frozen=True, slots=True)
class TargetShape:
    """A target of a plan or of a rollout."""

    environment_id: str
    mirror: str
    engine: str
    container: str
    wave: int
    change: str
    before: str
    after: str
    reference: str
    state: str
    words: str
    attempt: int
    way_back: str
    """Whether there is a way back from it: yes, by pull only, no, blocked, nothing before; empty where nobody told."""
    swap: str
    """How the new container takes over: create, recreate, start beside; or in place, where the container stays."""
    settings: Sequence[Mapping[str, str]]
    """The settings that become others: ``field``, ``before``, ``after``; secrets only as changed."""
    release_command: str = ""
    """What is run before it takes over."""
    backup: str = ""
    group: str = ""
    """The group whose data it shares."""
    processes: Sequence[Mapping[str, str]] = ()
    """The other processes that are rolled out with it: ``name``, ``container`` and ``change``, which is create, replace
    or take away."""


@dataclass(frozen=True, slots=True)
class CauseShape:
    """Targets that failed, or were skipped, for one reason. `number` names it on the command line."""

    number: int
    state: str
    words: str
    count: int
    environment_ids: Sequence[str]
    mirrors: Sequence[str]


@dataclass(frozen=True, slots=True)
class PlanShape:
    """What `rollout plan --json` prints."""

    id: str
    fingerprint: str
    environment: str
    made_at: datetime
    valid_until: datetime
    waves: Sequence[int]
    targets: Sequence[TargetShape]
    left_out: Sequence[Mapping[str, str]]
    canary: str
    lasts: Eta | None
    """Seconds, without pauses and fetching images, and from how many earlier turns; null where none is known."""
    kind: str
    """``rollback of …`` where it is one; empty for what takes a release to mirrors."""


@dataclass(frozen=True, slots=True)
class RolloutShape:
    """What `rollout start|resume|show --json` and `recover` print."""

    id: str
    fingerprint: str
    environment: str
    state: str
    headline: str
    words: str
    started_by: str
    why: str
    started_at: datetime
    ended_at: datetime | None
    targets: Sequence[TargetShape]
    fetches: Sequence[Fetch]
    kind: str
    causes: Sequence[CauseShape]
    overrides: Sequence[OverrideShape]


def status_shape(
    grid: Grid, rows: Sequence[Row], columns: Sequence[str], now: datetime, ways: Mapping[str, KnownWay]
) -> StatusShape:
    """The state of chosen mirrors, in chosen environments, with their ways back by environment."""
    mirrors = [_mirror(row, columns, now, ways) for row in rows]
    counted: dict[str, int] = {}
    for mirror in mirrors:
        for environment in mirror.environments:
            counted[environment.status] = counted.get(environment.status, 0) + 1
    return StatusShape(grid.made_at, counted, mirrors, [engine_shape(row) for row in grid.engines])


def engine_shape(row: EngineRow) -> EngineShape:
    """An engine."""
    contact = row.contact
    facts = contact.facts if contact else None
    return EngineShape(
        id=row.engine.id,
        name=row.engine.name,
        address=str(row.engine.address),
        location=row.engine.location,
        environments=row.environments,
        knowledge=row.knowledge.value,
        answered=contact.answered if contact else None,
        failure=contact.failure.value if contact and contact.failure else "",
        words=contact.words if contact else "",
        asked_at=contact.at if contact else None,
        version=facts.version if facts else "",
        api=facts.api if facts else "",
        kind=facts.kind.value if facts else "",
        limits=facts.limits if facts else (),
        clock_offset=round(facts.clock_offset, 1) if facts else None,
    )


def _prepared(target: PlannedTarget) -> dict[str, str]:
    preparation = target.preparation
    if preparation is None:
        return {}
    release, backup = preparation.release, preparation.backup
    return {
        "release_command": shlex.join(release.command) if release else "",
        "backup": shlex.join(backup.command) if backup else "",
        "group": preparation.group,
    }


def plan_shape(plan: Plan, learned: Learned) -> PlanShape:
    """A plan, and how long it would take."""
    targets = [
        TargetShape(
            environment_id=target.environment_id,
            mirror=target.application,
            engine=target.engine,
            container=target.container,
            wave=target.wave + 1,
            change=target.change.value,
            before=target.before_title,
            after=target.after_title,
            reference=target.reference,
            state="planned",
            words="",
            attempt=0,
            way_back=target.way_back.value if target.way_back else "",
            swap=target.swap.value,
            settings=_settings(target),
            processes=_beside(target),
            **_prepared(target),
        )
        for target in plan.targets
    ]
    left_out = [
        {
            "environment_id": one.environment_id,
            "mirror": one.application,
            "reason": one.reason.value,
            "words": one.words,
        }
        for one in plan.left_out
    ]
    return PlanShape(
        id=plan.id,
        fingerprint=plan.fingerprint,
        environment=plan.environment,
        made_at=plan.made_at,
        valid_until=plan.valid_until,
        waves=[len(wave) for wave in plan.waves],
        targets=targets,
        left_out=left_out,
        canary=plan.canary_words,
        lasts=eta_of_plan(plan, learned),
        kind=plan.kind,
    )


def _beside(target: PlannedTarget) -> list[dict[str, str]]:
    return [{"name": one.name, "container": one.container, "change": one.change} for one in target.companions]


def _settings(target: PlannedTarget) -> list[dict[str, str]]:
    return [{"field": one.field, "before": one.applied, "after": one.observed} for one in target.changes]


def rollout_shape(rollout: Rollout) -> RolloutShape:
    """A rollout."""
    targets = [
        TargetShape(
            environment_id=target.environment_id,
            mirror=target.planned.application,
            engine=target.planned.engine,
            container=target.planned.container,
            wave=target.planned.wave + 1,
            change=target.planned.change.value,
            before=target.planned.before_title,
            after=target.planned.after_title,
            reference=target.planned.reference,
            state=target.state.value,
            words=target.words,
            attempt=target.attempt,
            way_back=target.planned.way_back.value if target.planned.way_back else "",
            swap=target.planned.swap.value,
            settings=_settings(target.planned),
            processes=_beside(target.planned),
            **_prepared(target.planned),
        )
        for target in rollout.targets
    ]
    return RolloutShape(
        id=rollout.id,
        fingerprint=rollout.plan.fingerprint,
        environment=rollout.plan.environment,
        state=rollout.state.value,
        headline=headline(rollout),
        words=rollout.paused_because,
        started_by=rollout.started_by,
        why=rollout.why,
        started_at=rollout.started_at,
        ended_at=rollout.ended_at,
        targets=targets,
        fetches=rollout.fetches,
        kind=rollout.plan.kind,
        causes=[
            CauseShape(
                number=number,
                state=cause.state.value,
                words=cause.words,
                count=cause.count,
                environment_ids=cause.environment_ids,
                mirrors=[target.planned.application for target in cause.targets],
            )
            for number, cause in enumerate(causes(rollout.targets), 1)
        ],
        overrides=override_shapes(rollout),
    )


@dataclass(frozen=True, slots=True)
class ImageShape:
    """An image on an engine. `brought_by` is a rollout, ``prefetch`` or ``relay``; empty where it isn't ours."""

    id: str
    tags: Sequence[str]
    digests: Sequence[str]
    created: datetime | None
    size: int | None
    fingerprint: str
    brought_by: str


@dataclass(frozen=True, slots=True)
class LegShape:
    """What became of one engine of a relay. `bytes` were sent to it."""

    engine: str
    state: str
    words: str
    hint: str
    bytes: int
    image_id: str


@dataclass(frozen=True, slots=True)
class RelayShape:
    """A relay that is over."""

    fingerprint: str
    source: str
    complete: bool
    words: str
    targets: Sequence[LegShape]


def image_shape(listed: ListedImage, held: HeldImage | None) -> ImageShape:
    """An image on an engine."""
    return ImageShape(
        id=listed.id,
        tags=listed.tags,
        digests=listed.digests,
        created=listed.created,
        size=listed.size,
        fingerprint=held.fingerprint if held else "",
        brought_by=held.brought_by if held else "",
    )


def relay_shape(relay: Relay) -> RelayShape:
    """A relay."""
    legs = [LegShape(leg.engine, leg.state.value, leg.words, leg.hint, leg.octets, leg.image_id) for leg in relay.legs]
    return RelayShape(relay.fingerprint, relay.source, relay.complete, relay.sentence, legs)


def _mirror(row: Row, columns: Sequence[str], now: datetime, ways: Mapping[str, KnownWay]) -> MirrorShape:
    application = row.application
    return MirrorShape(
        id=application.id,
        name=application.name,
        slug=application.slug,
        account=application.account,
        source=row.source_name,
        tags=application.tags,
        domains=application.domains,
        environments=[
            _environment(cell, now, ways.get(cell.environment.id))
            for cell in (row.cells[name] for name in columns if name in row.cells)
        ],
    )


def _environment(cell: Cell, now: datetime, way: KnownWay | None) -> EnvironmentShape:
    seen = cell.observation
    return EnvironmentShape(
        id=cell.environment.id,
        name=cell.environment.name,
        status=cell.status.value,
        alignment=cell.alignment.value,
        health=cell.health.value,
        knowledge=cell.knowledge.value,
        activity=cell.activity.value,
        locked_by=seen.lock.holder if seen and seen.lock else "",
        running=cell.running_title,
        expected=cell.expected.title if isinstance(cell.expected, Expected) else "",
        why=cell.expected.why,
        behind=cell.behind,
        drift=cell.drift.value if cell.drift else None,
        sureness=cell.likeness.sureness.value if cell.likeness else "",
        untold=cell.likeness.why if cell.likeness else "",
        drift_words=drift_text(cell) if cell.drift else "",
        differences=[str(difference) for difference in cell.differences],
        not_compared=seen.not_compared if seen else "",
        pending=cell.pending,
        held=cell.held,
        held_until=cell.environment.hold.until if cell.held and cell.environment.hold else None,
        engine=cell.engine_name,
        container=cell.environment.container,
        checked_at=seen.at if seen else None,
        running_since=seen.running_since if seen else None,
        answer=answer(cell, now),
        way_back=way.way_back.value if way else "",
        way_back_words=way.words if way else "",
        processes=[
            {"name": name, "container": container, "state": words} for name, container, words in process_lines(cell)
        ],
    )
