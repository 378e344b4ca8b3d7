"""Windows and freezes: typed, kept, checked before a rollout, and heeded before each turn; on the simulator."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.canary import Canary
from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.plan import Plan
from mirror_console.domain.release_command import BackupCommand, ReleaseCommand
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.schedule import Day, Freeze, Schedule, Window, clock_text
from mirror_console.domain.way import Way
from mirror_console.errors import InvalidInput
from mirror_console.operations.console import Console
from mirror_console.operations.evidence import evidence, evidence_text
from mirror_console.operations.hold import set_hold
from mirror_console.operations.imports import export_catalog, import_catalog
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.recovery import interrupted
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report import Format, report_text
from mirror_console.operations.report_content import report_content
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.schedule import (
    FreezeInput,
    ScopeInput,
    WindowInput,
    as_typed,
    save_freeze,
    save_window,
    slug_of,
    take_away,
    the_schedule,
)
from mirror_console.operations.schedule_typed import parse_clock, parse_days, parse_moment
from mirror_console.operations.starting import resume, start
from mirror_console.operations.status import survey
from tests.operations.fleet import QUICK, Fleet, now, small_fleet

MIGRATES = ReleaseCommand(("true",), reversible=True)

pytestmark = pytest.mark.slow


@dataclass(slots=True)
class Night:
    """A fleet whose console has a clock that can be put forward."""

    fleet: Fleet
    console: Console
    ahead: timedelta = timedelta()

    def window(self, mirror: str, since: int, until: int) -> Window:
        """A window of each day, told in minutes from now."""
        minutes = [(now() + timedelta(minutes=span)) for span in (since, until)]
        begins, ends = (at.hour * 60 + at.minute for at in minutes)
        typed = WindowInput("every day", clock_text(begins), clock_text(ends or 1440), "UTC", ScopeInput(mirror=mirror))
        return save_window(self.console, typed)

    def plan(self, way: Way = QUICK) -> Plan:
        return plan(self.console, "live", [mirror.id for mirror in self.fleet.mirrors], way)

    def start(self, made: Plan) -> Rollout:
        return start(self.console, made, preflight(self.console, self.fleet.jobs, made), "a test")

    def run(self, rollout: Rollout) -> Rollout:
        return Conductor(self.console, self.fleet.jobs, rollout).run()

    def go_on(self, rollout: Rollout) -> Rollout:
        return self.run(resume(self.console, rollout.id))

    def answers(self, check: Check) -> list[CheckResult]:
        checked = preflight(self.console, self.fleet.jobs, self.plan())
        return [result for result in checked.results if result.check is check]


@pytest.fixture
def night() -> Iterator[Night]:
    with small_fleet(prepared=Fleet.fall_behind) as fleet:
        made: Night
        console = replace(fleet.console, clock=lambda: now() + made.ahead)
        made = Night(fleet, console)
        yield made


def declare(fleet: Fleet, release: ReleaseCommand, backup: BackupCommand, group: str = "") -> None:
    """Have the source declare them, and all its mirrors share their data where a group is named."""
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), release_command=release, backup=backup))
        for mirror in fleet.mirrors:
            for environment in books.environments.of(mirror.id):
                books.environments.save(replace(environment, group=group))


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def test_what_could_not_be_over_when_its_window_closes_is_not_begun(night: Night) -> None:
    """A bake of half an hour doesn't fit into twenty minutes: it is told before, and nobody is begun."""
    night.window("mirror-02", -60, 20)
    long = replace(QUICK, bake=1800.0)
    checked = preflight(night.console, night.fleet.jobs, night.plan(long))
    (blocked,) = [result for result in checked.blocking if result.check is Check.WINDOW]
    told = "31 min: stop 1 s, health 3 s, bake 30 min, putting back 4 s."
    assert blocked.words.endswith(f" only, and its turn may last up to {told}")

    # It fitted when the plan was made; the hour has advanced since.
    short = replace(QUICK, bake=0.2, health_limit=400.0)
    rollout = night.start(night.plan(short))
    night.ahead = timedelta(minutes=15)
    rollout = night.run(rollout)
    assert rollout.state is RolloutState.PAUSED
    assert states(rollout) == [TargetState.DONE, TargetState.QUEUED, TargetState.DONE, TargetState.DONE]
    assert "its turn may last up to 14 min: " in rollout.targets[1].words
    assert "The first of them may be changed from " in rollout.paused_because


def test_commands_that_could_not_be_over_when_its_window_closes_are_not_begun(night: Night) -> None:
    """By their limits an hour and ten minutes may pass before anything that serves is changed."""
    declare(night.fleet, replace(MIGRATES, limit=3600.0), BackupCommand(("true",), 600.0))
    night.window("mirror-02", -60, 60)

    checked = preflight(night.console, night.fleet.jobs, night.plan())
    (blocked,) = [result for result in checked.blocking if result.check is Check.WINDOW]

    assert "its turn may last up to 71 min: backup 10 min, release command 60 min, stop 1 s, " in blocked.words


@pytest.mark.parametrize(("group", "second"), [("shop", TargetState.DONE), ("", TargetState.QUEUED)])
def test_a_command_that_was_run_by_then_needs_no_time_any_more(night: Night, group: str, second: TargetState) -> None:
    """Twenty-five minutes fitted into forty; when the second one's turn comes, twenty are left."""
    declare(night.fleet, replace(MIGRATES, limit=1200.0), BackupCommand(("true",), 300.0), group)
    night.window("mirror-02", -60, 40)
    rollout = night.start(night.plan(replace(QUICK, pause_after_canary=True)))
    assert states(night.run(rollout))[:2] == [TargetState.DONE, TargetState.QUEUED]

    night.ahead = timedelta(minutes=20)
    rollout = night.go_on(rollout)

    assert states(rollout) == [TargetState.DONE, second, TargetState.DONE, TargetState.DONE]
    if not group:
        assert rollout.targets[1].words.startswith("window closed: it may be changed until ")
        assert "its turn may last up to 26 min: backup 5 min, release command 20 min, " in rollout.targets[1].words


def test_a_window_that_closes_leaves_its_targets_waiting_and_only_them(night: Night) -> None:
    """The story of a rollout in the night: a window closes, a freeze is called, and both end."""
    night.window("mirror-02", -60, 20)
    warned = [result for result in night.answers(Check.WINDOW) if result.answer is Answer.WARNING]
    assert len(warned) == 1
    assert warned[0].words.startswith("It may be changed until ")
    rollout = night.run(night.start(night.plan(replace(QUICK, pause_after_canary=True))))
    assert (rollout.state, states(rollout)) == (
        RolloutState.PAUSED,
        [TargetState.DONE] + [TargetState.QUEUED] * 3,
    )

    night.ahead = timedelta(minutes=30)
    rollout = night.go_on(rollout)
    # The others had their turn; only then it pauses.
    assert states(rollout) == [TargetState.DONE, TargetState.QUEUED, TargetState.DONE, TargetState.DONE]
    assert rollout.state is RolloutState.PAUSED
    assert rollout.paused_because.startswith("Paused: Mirror 02 may not be changed now; the list says why")
    assert " The first of them may be changed from " in rollout.paused_because
    assert rollout.targets[1].words.startswith("window closed: outside its window (every day ")
    assert night.fleet.version_of("mirror-02-live") == "26.8.2"

    zone = ScopeInput(environment="live")
    begins, ends = (f"{night.console.clock() + timedelta(hours=hours):%Y-%m-%d %H:%M}" for hours in (-1, 48))
    freeze = save_freeze(night.console, FreezeInput(begins, ends, "UTC", "an audit", zone))
    night.ahead = timedelta(hours=24)
    rollout = night.go_on(rollout)
    # Its window is open again, and it is frozen.
    assert rollout.targets[1].words.startswith("freeze: frozen until ")
    assert ": an audit; it may be changed from " in rollout.targets[1].words
    assert night.fleet.version_of("mirror-02-live") == "26.8.2"

    take_away(night.console, freeze.id)
    rollout = night.go_on(rollout)
    assert (rollout.state, states(rollout)) == (RolloutState.COMPLETED, [TargetState.DONE] * 4)
    assert rollout.targets[1].words == "its health check says healthy"
    assert night.fleet.version_of("mirror-02-live") == "26.8.3"


def test_one_that_was_told_so_goes_on_by_itself_once_its_window_opens(night: Night) -> None:
    """It runs on meanwhile, says what it waits for, and asks the checks again before it goes on."""
    night.window("mirror-02", -60, 20)
    said: list[str] = []

    def watch(rollout: Rollout) -> None:
        if rollout.paused_because and rollout.paused_because not in said:
            said.append(rollout.paused_because)
            assert rollout.state is RolloutState.RUNNING
            # The night is over.
            night.ahead = timedelta(hours=24)

    rollout = night.start(night.plan(replace(QUICK, resumes=True)))
    night.ahead = timedelta(minutes=30)
    rollout = Conductor(night.console, night.fleet.jobs, rollout, watch).run()

    assert (rollout.state, states(rollout)) == (RolloutState.COMPLETED, [TargetState.DONE] * 4)
    assert rollout.paused_because == ""
    (words,) = said
    assert words.startswith("Waits: Mirror 02 may not be changed now; the list says why. It goes on by itself from ")
    starts = {target.planned.application: target.started_at for target in rollout.targets}
    assert max(starts, key=lambda name: starts[name] or now()) == "Mirror 02"


def test_one_that_waits_by_itself_is_stopped_and_left_without_anything_to_recover(night: Night) -> None:
    night.window("mirror-02", -60, 20)
    stopped = night.start(night.plan(replace(QUICK, resumes=True)))
    night.ahead = timedelta(minutes=30)
    conductors: list[Conductor] = []

    def stop(rollout: Rollout) -> None:
        if rollout.paused_because:
            conductors[0].stop()

    conductors.append(Conductor(night.console, night.fleet.jobs, stopped, stop))
    ended = conductors[0].run()
    assert (ended.state, ended.targets[1].state) == (RolloutState.STOPPED, TargetState.NOT_STARTED)
    assert ended.paused_because == ""

    # The program ends while it waits.
    night.ahead = timedelta(0)
    night.fleet.publish("26.8.4", health_interval=0.02)
    refresh(night.console, night.fleet.jobs)
    left = night.start(night.plan(replace(QUICK, resumes=True)))
    night.ahead = timedelta(minutes=30)
    waits = threading.Event()
    job = night.fleet.jobs.submit(
        "Rollout",
        Conductor(
            night.console, night.fleet.jobs, left, lambda rollout: waits.set() if rollout.paused_because else None
        ).run,
    )
    assert waits.wait(20)
    job.cancel()
    assert job.over_within(10)
    with night.console.catalog.read() as books:
        left = books.rollouts.get(left.id)
    assert left.state is RolloutState.PAUSED
    assert left.paused_because.startswith("The program ended. Waits: Mirror 02 may not be changed now;")
    assert interrupted(night.console) == ()


def test_what_may_not_be_changed_when_it_starts_is_left_out_with_the_reason(night: Night) -> None:
    night.window("mirror-01", 60, 120)
    begins, ends = (f"{now() + timedelta(hours=hours):%Y-%m-%d %H:%M}" for hours in (-1, 1))
    save_freeze(night.console, FreezeInput(begins, ends, "UTC", "an audit", ScopeInput("", "mirror-03", "live")))
    made = night.plan()
    # Since the plan was made: what is held is left out of a plan that is made now.
    set_hold(night.console, night.fleet.environment(night.fleet.mirrors[1], "live").id, "a campaign", None)

    rollout = night.start(made)

    words = [target.words for target in rollout.targets]
    assert states(rollout) == [TargetState.SKIPPED] * 3 + [TargetState.QUEUED]
    assert words[0].startswith("inside its window: Outside its window (every day ")
    assert words[1].startswith("no hold against it: It is held on 26.8.2: a campaign.")
    assert words[2].startswith("no freeze: Frozen until ")


def test_reports_and_evidence_name_the_windows_and_freezes_that_counted(night: Night) -> None:
    night.window("mirror-02", -60, 20)
    begins, ends = (f"{now() + timedelta(days=days):%Y-%m-%d}" for days in (30, 31))
    freeze = save_freeze(night.console, FreezeInput(begins, ends, "UTC", "Christmas business"))
    others = Application("others", Kind.MIRROR, "Others", "others", account="ACC-2", source_id="source")
    with night.console.catalog.write() as books:
        books.applications.save(others)

    rollout = night.run(night.start(night.plan()))

    assert rollout.state is RolloutState.COMPLETED
    (group,) = report_content(night.console, rollout.id).windows
    assert (group.name.startswith("inside its window (every day "), group.targets) == (True, 1)
    assert "- When: inside its window (every day " in report_text(night.console, rollout.id, Format.MARKDOWN)
    assert "<dt>Windows</dt><dd>inside its window (" in report_text(night.console, rollout.id, Format.HTML)
    own, theirs = (evidence(night.console, account) for account in ("ACC-1", "ACC-2"))
    assert [words.partition(":")[0] for words in own.schedule] == ["window of Mirror 02", "freeze of everything"]
    assert [words.partition(":")[0] for words in theirs.schedule] == ["freeze of everything"]
    told = {(line.mirror, line.what) for line in own.changes}
    assert {("Mirror 02", "maintenance window added"), ("all mirrors", "freeze added")} <= told
    assert [line.what for line in theirs.changes] == ["freeze added", "application added"]

    # Taken away, it is still among what was done.
    take_away(night.console, freeze.id)
    later = evidence(night.console, "ACC-2")
    assert (later.schedule, later.changes[-1].what) == ((), "freeze removed")
    for form in (Format.HTML, Format.MARKDOWN):
        assert "Mirror 02" not in evidence_text(night.console, "ACC-2", form)


def test_evidence_tells_what_held_when_it_was_added_changed_and_taken_away(night: Night) -> None:
    scope = ScopeInput(mirror="mirror-02")
    window = save_window(night.console, WindowInput("every day", "0:00", "2:00", "UTC", scope))
    freeze = save_freeze(night.console, FreezeInput("2999-12-20", "2999-12-27", "UTC", "Christmas"))
    save_window(night.console, WindowInput("sat, sun", "0:00", "2:00", "UTC", ScopeInput("", "", "live"), window.id))
    for one in (window, freeze):
        take_away(night.console, one.id)

    told = [line for line in evidence(night.console, "ACC-1").changes if line.what.startswith(("maint", "freeze"))]

    held, changed = "every day 00:00–02:00 UTC, Mirror 02", "sat, sun 00:00–02:00 UTC, live"
    christmas = "20 Dec 2999 00:00:00 – 28 Dec 2999 00:00:00, everything"
    assert [(line.what, line.words) for line in told] == [
        ("maintenance window added", held),
        ("freeze added", christmas),
        ("maintenance window changed: mirror, days, environment", f"{held} → {changed}"),
        ("maintenance window removed", changed),
        ("freeze removed", f"{christmas}: Christmas"),
    ]
    for form in (Format.HTML, Format.CSV, Format.JSON):
        assert f"{held} → {changed}" in evidence_text(night.console, "ACC-1", form)


def test_a_window_that_goes_from_one_account_to_another_tells_each_its_own(night: Night) -> None:
    others = Application("others", Kind.MIRROR, "Others", "others", account="ACC-2", source_id="source")
    with night.console.catalog.write() as books:
        books.applications.save(others)
    typed = WindowInput("sat", "1:00", "2:00", "UTC", ScopeInput(mirror="others"))
    window = save_window(night.console, typed)
    save_window(night.console, replace(typed, days="sun", scope=ScopeInput(mirror="mirror-02"), id=window.id))

    ours, theirs = (
        [
            (line.mirror, line.words)
            for line in evidence(night.console, account).changes
            if line.what.startswith("maintenance window")
        ]
        for account in ("ACC-1", "ACC-2")
    )

    assert ours == [("Mirror 02", "sun 01:00–02:00 UTC, Mirror 02")]
    own = "sat 01:00–02:00 UTC, Others"
    assert theirs == [("Others", own), ("Others", f"{own}; since then it doesn't hold here")]


def test_who_goes_first_is_among_those_that_were_chosen(night: Night) -> None:
    made = night.plan(replace(QUICK, canary=Canary(mirrors=("mirror-03",))))
    assert made.canary_words == "Mirror 03 goes first: chosen by name"
    assert [target.application for target in made.targets] == ["Mirror 03", "Mirror 01", "Mirror 02", "Mirror 04"]
    with pytest.raises(InvalidInput) as refused:
        night.plan(replace(QUICK, canary=Canary(mirrors=("mirror-99",))))
    assert [str(problem) for problem in refused.value.problems] == [
        "canary: 'mirror-99' is not among the chosen mirrors"
    ]
    with pytest.raises(InvalidInput) as refused:
        night.plan(replace(QUICK, canary=Canary(tag="early")))
    assert refused.value.problems[0].words == "none of the chosen mirrors has the tag 'early'"


def test_the_limit_of_a_way_takes_the_place_of_how_long_each_waits_for_health(night: Night) -> None:
    for mirror in night.fleet.mirrors:
        environment = night.fleet.environment(mirror, "live")
        night.fleet.with_settings(environment, health=replace(environment.settings.health, limit=300.0))
    night.fleet.publish("26.8.4", health_interval=600.0)
    refresh(night.console, night.fleet.jobs)
    rollout = night.run(night.start(night.plan(replace(QUICK, health_limit=0.3))))
    assert states(rollout)[0] is TargetState.PUT_BACK
    assert "not well after 0.3 s" in rollout.targets[0].words


def test_what_is_kept_goes_out_and_comes_in_again_the_same(night: Night) -> None:
    scopes = [ScopeInput(), ScopeInput("ACC-1"), ScopeInput("", "mirror-02"), ScopeInput("ACC-1", "mirror-02", "live")]
    import_catalog(night.console, "format: 1\naccounts:\n  - name: ACC-1\n")
    for scope in scopes:
        save_window(night.console, WindowInput("sat, sun", "22:00", "4:00", "Europe/Berlin", scope))
        save_freeze(night.console, FreezeInput("2999-12-20", "2999-12-27", "Europe/Berlin", "Christmas", scope))
    before, names = the_schedule(night.console)
    text = export_catalog(night.console)
    again = import_catalog(night.console, text)

    assert (again.counts["window"], again.counts["freeze"], again.new, again.changed) == (4, 4, 0, 0)
    assert the_schedule(night.console)[0] == before
    assert names == {"mirror-02": "Mirror 02"}
    for one in before.all:
        take_away(night.console, one.id)
    import_catalog(night.console, text)
    after, _ = the_schedule(night.console)
    assert _unnamed(after) == _unnamed(before)
    assert survey(night.console).schedule == after
    with pytest.raises(InvalidInput) as refused:
        import_catalog(night.console, _WRONG)
    assert [str(problem) for problem in refused.value.problems] == [
        "line 3: windows[0].mirror: there is no mirror 'nobody', neither in the file nor in the catalog",
        "line 4: windows[0].days: 'caturday' is no day: write sat, sun, or mon-fri, or every day",
        "line 7: windows[0].zone: 'Mars/Olympus' is no time zone: write Europe/Berlin, or UTC",
        "line 9: freezes[0].until: it ends before it begins",
    ]


_WRONG = """format: 1
windows:
  - mirror: nobody
    days: caturday
    from: "02:00"
    to: "04:00"
    zone: Mars/Olympus
freezes:
  - {from: 2026-12-27, until: 2026-12-20, reason: Christmas}
"""


def _unnamed(schedule: Schedule) -> list[Window | Freeze]:
    return sorted((replace(one, id="") for one in schedule.all), key=repr)


def test_what_is_there_is_changed_as_it_is_typed(night: Night) -> None:
    window = save_window(
        night.console, WindowInput("sat", "02:00", "24:00", "Europe/Berlin", ScopeInput("", "", "live"))
    )
    ends = now() + timedelta(days=9)
    day = FreezeInput(f"{now():%Y-%m-%d}", f"{ends:%Y-%m-%d %H:%M}", "UTC", "an audit", ScopeInput("", "mirror-03"))
    freeze = save_freeze(night.console, day)
    shown = as_typed(window, slug_of(night.console, window), "UTC")
    assert shown == WindowInput("sat", "02:00", "24:00", "Europe/Berlin", ScopeInput("", "", "live"), window.id)
    assert isinstance(shown, WindowInput)
    typed = as_typed(freeze, slug_of(night.console, freeze), "America/New_York")
    assert isinstance(typed, FreezeInput)
    assert typed.scope == ScopeInput("", "mirror-03")

    # Saved as it is shown nothing is another than it was.
    assert (save_window(night.console, shown), save_freeze(night.console, typed)) == (window, freeze)
    changed = save_window(night.console, replace(shown, days="sat, sun", scope=ScopeInput(mirror="mirror-02")))
    schedule, names = the_schedule(night.console)
    assert (changed.id, schedule.windows) == (window.id, (changed,))
    assert (str(changed), names[changed.application_id]) == ("sat, sun 02:00–24:00 Europe/Berlin", "Mirror 02")
    with pytest.raises(InvalidInput, match="not saved"):
        save_freeze(night.console, replace(typed, ends=typed.begins))
    assert the_schedule(night.console)[0].freezes == (freeze,)


def test_everything_wrong_with_what_was_typed_is_told_at_once(night: Night) -> None:
    with pytest.raises(InvalidInput) as refused:
        save_window(night.console, WindowInput("", "25:00", "x", "Here", ScopeInput("nobody", "webshop", "prod")))
    assert [problem.field for problem in refused.value.problems] == [
        "days",
        "from",
        "to",
        "zone",
        "mirror",
        "account",
        "environment",
    ]
    with pytest.raises(InvalidInput) as refused:
        save_freeze(night.console, FreezeInput("soon", "2026-99-99", "UTC", "x" * 300))
    assert [problem.field for problem in refused.value.problems] == ["from", "until", "reason"]
    with pytest.raises(InvalidInput) as refused:
        save_freeze(night.console, FreezeInput("2020-01-01", "2020-01-02", "UTC", "gone"))
    assert [str(problem) for problem in refused.value.problems] == ["until: it has passed"]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("sat, sun", (Day.SATURDAY, Day.SUNDAY)),
        ("Saturday", (Day.SATURDAY,)),
        ("fri-mon", (Day.MONDAY, Day.FRIDAY, Day.SATURDAY, Day.SUNDAY)),
        ("Every Day", tuple(Day)),
    ],
)
def test_days_are_typed_by_their_first_letters(text: str, days: tuple[Day, ...]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["24:01", "2", "12:60", "-1:00", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of day"):
        parse_clock(text)


def test_a_day_is_that_of_its_time_zone_and_its_end_is_the_next_midnight() -> None:
    # The day on which Berlin's clocks are put back has 25 hours.
    first, last = parse_moment("2026-10-25", "Europe/Berlin"), parse_moment("2026-10-25", "Europe/Berlin", end=True)
    assert (first, last - first) == (datetime(2026, 10, 24, 22, tzinfo=UTC), timedelta(hours=25))
    assert parse_moment("2026-12-20 18:00", "Europe/Berlin") == datetime(2026, 12, 20, 17, tzinfo=UTC)
