"""The survey: it equals the one that reads everything, whatever has changed, and reckons only what is concerned."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror_console.domain.access import Access
from mirror_console.domain.ages import Ages
from mirror_console.domain.application import Application, ImageSource, Kind
from mirror_console.domain.cell import Cell
from mirror_console.domain.engine import Contact
from mirror_console.domain.environment import Environment, Hold, Process
from mirror_console.domain.fleet import Grid
from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import Difference, Health, Observation, State
from mirror_console.domain.release import Release
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.status import Knowledge, Status
from mirror_console.engine import DockerEngines
from mirror_console.errors import CatalogError, FailureKind
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.status import Alignments
from mirror_console.store import Catalog
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.plain_survey import plain_survey
from tests.store import values

NOW = values.NOW
MINUTE = timedelta(minutes=1)
NAMES = ("test", "live", "qa")
ENGINES = ("engine0", "engine1", "engine2")
SOURCES = ("source", "source2")
MIRRORS = tuple(f"mirror{number}" for number in range(5))
RELEASES = 5


@dataclass
class Desk:
    """A catalog, its alignments, and a clock that is set by hand."""

    console: Console
    alignments: Alignments
    clock: list[datetime]
    ages: Ages = field(default_factory=Ages)
    times: dict[str, datetime] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """What the clock says."""
        return self.clock[0]

    def change(self, work: Callable[[Books], object]) -> None:
        """Change the catalog, as far as it lets itself be changed."""
        with suppress(CatalogError), self.console.catalog.write() as books:
            work(books)

    def grid(self) -> Grid:
        """The fleet as it stands."""
        return self.alignments.grid(self.ages, dict(self.times))

    def reckoned(self) -> int:
        """How many cells were reckoned for the next grid."""
        before = self.alignments.reckoned
        self.grid()
        return self.alignments.reckoned - before


@contextmanager
def desk(catalog: Catalog) -> Iterator[Desk]:
    """On a catalog."""
    clock = [NOW]
    vault = MemoryVault()
    engines = DockerEngines(vault, lambda: clock[0])
    console = Console(
        catalog, engines, vault, lambda: clock[0], time.monotonic, time.sleep, "operator", "desk", run="run"
    )
    alignments = Alignments(console)
    end = catalog.subscribe(alignments.tell)
    try:
        yield Desk(console, alignments, clock)
    finally:
        end()
        engines.close()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Desk]:
    """A source and five mirrors with two environments each, on two engines, all seen just now."""
    catalog = opened_catalog(tmp_path / "catalog.sqlite")
    with desk(catalog) as made:
        with catalog.write() as books:
            _fill(books)
        made.grid()
        yield made
    catalog.close()


def _fill(books: Books) -> None:
    values.fleet(books, 5)  # type: ignore[arg-type]  # the port is what the store has
    for engine_id in ENGINES[:2]:
        books.engines.save(values.engine(int(engine_id[-1])))
        books.engines.save_contact(Contact(engine_id, NOW, True, 0.1, None, "", NOW))
    for environment in books.environments.all():
        if environment.application_id in {"mirror3", "mirror4"}:
            moved = replace(environment, engine_id="engine1")
            books.environments.save(moved)
            books.observations.save_all([seen_of(moved, NOW, 1)])
    for number in range(3):
        release(books, "source-live", number)


# --- what may happen ----------------------------------------------------------------------------------------------


def seen_of(environment: Environment, at: datetime, number: int, **more: object) -> Observation:
    """A look at an environment that runs the image of a release, or another."""
    seen = values.observation(environment, f"26.8.{number}", at)
    running_since = NOW - timedelta(hours=number)
    made = replace(
        seen,
        process=environment.processes[0].name,
        fingerprint=f"fp1:{number}",
        image="x",
        image_id=f"sha256:{number}",
        running_since=running_since,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def release(books: Books, environment_id: str, number: int) -> None:
    """An image of a source's environment; a second time, one that it went back to."""
    at = NOW - timedelta(hours=9 - number)
    back = NOW - timedelta(hours=(number * 7) % 10)
    identity = f"{environment_id}-{number}"
    known = {one.id for one in books.releases.of([environment_id])}
    since = back if identity in known else at
    books.releases.save(
        Release(identity, environment_id, f"fp1:{number}", "x", f"sha256:{number}", at, since, f"26.8.{number}")
    )


def applications(desk: Desk, dice: random.Random) -> None:
    """A source or a mirror is added, or changed."""
    one = dice.choice(SOURCES + MIRRORS)
    if one in SOURCES:
        made = replace(values.source(), id=one, slug=one, name=dice.choice(("Webshop", "Shop")))
    else:
        made = Application(
            one,
            Kind.MIRROR,
            dice.choice(("Dunes", "dunes", "Quay")),
            one,
            account=dice.choice(("", "dunes", "quay")),
            source_id=dice.choice(SOURCES),
            image_source=dice.choice(list(ImageSource)),
        )
    desk.change(lambda books: books.applications.save(made))


def environments(desk: Desk, dice: random.Random) -> None:
    """An environment is added, or changed: placed elsewhere, held, renamed, given another process."""
    application_id, name = dice.choice(SOURCES + MIRRORS), dice.choice(NAMES)
    identity = f"{application_id}-{name}"
    until = dice.choice((None, NOW + 20 * MINUTE, NOW + timedelta(days=200)))
    hold = Hold(f"fp1:{dice.randint(0, RELEASES)}", "", "a campaign", "operator", NOW, until)
    made = Environment(
        identity,
        application_id,
        dice.choice((name, name, "other")),
        dice.choice(ENGINES),
        (Process(dice.choice(("web", "web", "worker")), identity),),
        hold=dice.choice((None, None, hold)),
    )
    desk.change(lambda books: books.environments.save(made))


def removals(desk: Desk, dice: random.Random) -> None:
    """A source, a mirror, an environment or an engine goes."""
    application_id = dice.choice(SOURCES + MIRRORS)
    what = dice.randint(0, 3)
    if what == 0:
        desk.change(lambda books: books.applications.remove(application_id))
    elif what == 1:
        desk.change(lambda books: books.engines.remove(dice.choice(ENGINES)))
    else:
        desk.change(lambda books: books.environments.remove(f"{application_id}-{dice.choice(NAMES)}"))


def engines(desk: Desk, dice: random.Random) -> None:
    """An engine is changed, or it was tried to reach it."""
    one = replace(values.engine(dice.randrange(3)), at_once=dice.randint(1, 2))
    at, answered = desk.now, dice.random() < 0.7
    failure = None if answered else FailureKind.REFUSED
    desk.change(lambda books: books.engines.save(one))
    desk.change(lambda books: books.engines.save_contact(Contact(one.id, at, answered, 0.1, failure, "", at)))


def accesses(desk: Desk, dice: random.Random) -> None:
    """An account is given a credential on an engine, or it is taken away, or tried."""
    engine_id, account = dice.choice(ENGINES), dice.choice(("dunes", "quay"))
    contact = Contact(engine_id, desk.now, dice.random() < 0.7, 0.1, None, "", desk.now)
    if dice.random() < 0.3:
        desk.change(lambda books: books.accesses.remove(engine_id, account))
        return

    def give(books: Books) -> None:
        books.accesses.save(Access(engine_id, account, {"key": SecretReference("engine/key")}))
        if dice.random() < 0.7:
            books.accesses.save_contact(account, contact)

    desk.change(give)


def releases(desk: Desk, dice: random.Random) -> None:
    """A source's environment has another image."""
    environment_id = f"{dice.choice(SOURCES)}-{dice.choice(NAMES)}"
    desk.change(lambda books: release(books, environment_id, dice.randrange(RELEASES)))


def looks(desk: Desk, dice: random.Random) -> None:
    """Environments on an engine were looked at: all of them, one, or none of them had changed."""
    engine_id, at = dice.choice(ENGINES), desk.now

    def look(books: Books) -> None:
        placed = [one for one in books.environments.all() if one.engine_id == engine_id]
        if dice.random() < 0.5:
            books.observations.touch(engine_id, at)
        for one in placed if dice.random() < 0.4 else dice.sample(placed, min(1, len(placed))):
            number = dice.randint(0, RELEASES)
            by_hand = (Difference("memory limit", "1 GiB", "2 GiB"),) if dice.random() < 0.2 else ()
            seen = seen_of(
                one,
                at,
                number,
                differences=by_hand,
                health=dice.choice(list(Health)),
                state=dice.choice(list(State)),
                settings_hash=dice.choice(("", one.settings.hash, "another")),
                recorded=dice.choice(("", "fp1:1")),
            )
            if dice.random() < 0.2:
                seen = replace(seen, fingerprint="")
            none = Observation(one.id, one.processes[0].name, engine_id, at)
            books.observations.save_all([none if dice.random() < 0.2 else seen])

    desk.change(look)


def images(desk: Desk, dice: random.Random) -> None:
    """An engine was seen to hold an image, under other names perhaps, or not to hold it any more."""
    engine_id, number = dice.choice(ENGINES), dice.randint(0, RELEASES)
    digest = f"x@sha256:{number}"
    held = HeldImage(
        engine_id,
        f"sha256:{number}",
        f"fp1:{dice.choice((number, 9))}",
        dice.choice(("", "linux/amd64", "linux/arm64")),
        desk.now,
        tags=(f"x:{number}",),
        digests=dice.choice(((), (digest,))),
    )
    desk.change(
        lambda books: (
            books.images.save_all([held]) if dice.random() < 0.8 else books.images.remove(engine_id, [held.id])
        )
    )


def again(desk: Desk, dice: random.Random) -> None:
    """An engine was found unchanged, as the watch keeps it."""
    engine_id, at = dice.choice(ENGINES), desk.now

    def keep(books: Books) -> None:
        before = books.engines.contact(engine_id)
        if before is None or not before.answered or books.accesses.of(engine_id):
            return
        books.engines.save_contact(replace(before, at=at, last_answer=at), news=False)
        books.observations.touch(engine_id, at, news=False)
        desk.times[engine_id] = at

    desk.change(keep)


def rollouts(desk: Desk, dice: random.Random) -> None:
    """A rollout begins, goes on, or ends."""

    def roll(books: Books) -> None:
        running = books.rollouts.unfinished()
        if not running:
            chosen = [one for one in books.environments.all() if one.application_id in MIRRORS][:3]
            books.rollouts.add(values.rollout(chosen, f"rollout{len(books.rollouts.all())}"))
            return
        (head,) = running
        for target in head.targets:
            books.rollouts.save_target(head.id, replace(target, state=dice.choice(list(TargetState))))
        if dice.random() < 0.3:
            books.rollouts.save_head(replace(head, state=dice.choice(list(RolloutState))))

    desk.change(roll)


def hours(desk: Desk, dice: random.Random) -> None:
    """Time passes; seldom the clock is set back, the computer slept, or a person calls other ages old."""
    what = dice.random()
    if what < 0.1:
        desk.clock[0] -= dice.choice((3, 50)) * MINUTE
        desk.times.clear()  # every engine is looked at anew
    elif what < 0.2:
        desk.ages = replace(desk.ages, trusted_since=desk.now)
    elif what < 0.3:
        desk.ages = replace(desk.ages, ageing_after=dice.choice((2, 5, 40)) * MINUTE)
    else:
        desk.clock[0] += dice.choice((1, 4, 5, 6, 26, 30)) * MINUTE


HAPPENINGS = (
    applications, environments, removals, engines, accesses, releases, images,
    looks, looks, again, rollouts, hours, hours,
)  # fmt: skip
STORIES = st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 2**16)), min_size=1, max_size=30)


@settings(max_examples=20, deadline=None)
@given(story=STORIES)
def test_after_whatever_changes_it_equals_the_survey_that_reads_everything(
    story: list[tuple[Callable[[Desk, random.Random], None], int]],
) -> None:
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        catalog = opened_catalog(Path(folder) / "catalog.sqlite")
        try:
            with desk(catalog) as here:
                here.change(_fill)
                _tell(here, story)
        finally:
            catalog.close()


def _tell(here: Desk, story: list[tuple[Callable[[Desk, random.Random], None], int]]) -> None:
    shown = here.grid()
    for happening, seed in story:
        happening(here, random.Random(seed))  # noqa: S311 - a story that can be told again
        before, shown = shown, here.grid()
        ages = here.ages
        plain = plain_survey(here.console, ages.ageing_after, ages.stale_after, ages.trusted_since)
        assert comparable(shown) == comparable(plain), happening.__name__
        old = {cell.environment.id: cell for row in before.rows for cell in row.cells.values()}
        for cell in (cell for row in shown.rows for cell in row.cells.values()):
            same = old.get(cell.environment.id)
            assert cell is same or cell != same, "what is the same is another object"
        assert here.grid() is shown


def comparable(grid: Grid) -> Grid:
    """The grid without when it was made, and since when an account is known to have no access."""

    def without(cell: Cell) -> Cell:
        contact = cell.contact
        shut_out = contact is not None and contact.failure is FailureKind.NO_ACCESS
        return cell._replace(contact=replace(contact, at=NOW)) if contact is not None and shut_out else cell

    rows = tuple(replace(row, cells={name: without(cell) for name, cell in row.cells.items()}) for row in grid.rows)
    return replace(grid, rows=rows, made_at=NOW)


# --- what is reckoned ---------------------------------------------------------------------------------------------


def cells_of(grid: Grid) -> dict[str, Cell]:
    """All cells, by environment."""
    return {cell.environment.id: cell for row in grid.rows for cell in row.cells.values()}


def test_a_change_of_one_engine_reckons_its_cells_alone(filled: Desk) -> None:
    before = filled.grid()
    with filled.console.catalog.write() as books:
        here = [one for one in books.environments.all() if one.engine_id == "engine1"]
        books.observations.save_all([seen_of(one, NOW, 2, health=Health.FAILING) for one in here])
    assert filled.reckoned() == len(here) == 4
    old, new = cells_of(before), cells_of(filled.grid())
    assert {one for one in new if new[one] is not old[one]} == {one.id for one in here}
    assert [row.application.id for row, was in zip(filled.grid().rows, before.rows, strict=True) if row is not was] == [
        "mirror3",
        "mirror4",
    ]
    assert filled.reckoned() == 0
    filled.change(lambda books: books.engines.save_contact(Contact("engine1", NOW, False, 1.0, FailureKind.TIMEOUT)))
    assert filled.reckoned() == 4
    assert {cell.status for cell in cells_of(filled.grid()).values() if cell.environment.engine_id == "engine1"} == {
        Status.UNREACHABLE
    }


def test_what_was_seen_again_reckons_the_cells_of_its_engine_alone_and_reads_nothing(
    filled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.clock[0] += 3 * MINUTE
    filled.times["engine1"] = filled.now

    def read(_catalog: Catalog) -> None:
        raise AssertionError("the catalog was read")

    monkeypatch.setattr(Catalog, "read", read)
    assert filled.reckoned() == 4
    seen = cells_of(filled.grid())["mirror3-live"].observation
    assert seen is not None
    assert seen.at == filled.now
    filled.clock[0] += 3 * MINUTE
    # The others were not seen again: they have become older than five minutes.
    assert filled.reckoned() == 6
    known = {one: cell.knowledge for one, cell in cells_of(filled.grid()).items()}
    assert known["mirror3-live"] is Knowledge.FRESH
    assert known["mirror0-live"] is Knowledge.AGEING
    filled.clock[0] += MINUTE
    assert filled.reckoned() == 0, "no time has come, and yet it is looked"


def test_a_new_release_reckons_the_mirrors_of_its_source_and_leaves_what_it_is_not_for(filled: Desk) -> None:
    other = replace(values.source(), id="source2", slug="source2", name="Another")
    matching = replace(values.mirror(0), image_source=ImageSource.MATCHING)
    of_other = replace(values.mirror(1), source_id="source2")
    with filled.console.catalog.write() as books:
        for one in (other, matching, of_other):
            books.applications.save(one)
    before = cells_of(filled.grid())
    with filled.console.catalog.write() as books:
        release(books, "source-live", 4)
    assert filled.reckoned() == 8
    after = cells_of(filled.grid())
    same = {one for one in after if after[one] is before[one]}
    assert same == {"mirror1-test", "mirror1-live", "mirror0-test"}, "its test follows the source's test"


def test_a_catalog_that_another_program_changes_is_read_whole(filled: Desk) -> None:
    reading = replace(filled.console, read_only="another one has it")
    alignments = Alignments(reading)
    before = alignments.grid(filled.ages)
    with filled.console.catalog.write() as books:
        release(books, "source-live", 4)
    after = alignments.grid(filled.ages)
    assert after is not before
    assert comparable(after) == comparable(filled.grid())


def test_where_the_catalog_cannot_be_read_nothing_is_lost(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with filled.console.catalog.write() as books:
        release(books, "source-live", 4)

    def locked(_catalog: Catalog) -> None:
        raise CatalogError("The catalog is locked.", "Wait.")

    with monkeypatch.context() as patched:
        patched.setattr(Catalog, "read", locked)
        with pytest.raises(CatalogError, match="locked"):
            filled.grid()
    assert comparable(filled.grid()) == comparable(plain_survey(filled.console))


@given(
    at=st.integers(-90, 90),
    now=st.integers(-90, 90),
    later=st.integers(0, 200),
    ages=st.builds(Ages, *[st.sampled_from([0, 5, 30]).map(lambda number: number * MINUTE)] * 2),
)
def test_until_its_moment_comes_what_is_known_stays_known(at: int, now: int, later: int, ages: Ages) -> None:
    seen = Observation("environment", "web", "engine", NOW + at * MINUTE)
    from_now = NOW + now * MINUTE
    until = ages.until(seen, None, from_now)
    then = from_now + later * MINUTE
    if until is None or then < until:
        assert ages.knowledge(seen, None, then) is ages.knowledge(seen, None, from_now)
    else:
        assert until >= from_now
