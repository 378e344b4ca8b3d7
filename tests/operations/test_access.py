"""Several credentials an engine: each environment is reached with its account's, and with no other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.plan import Reason
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import Hop
from mirror_console.domain.status import Status
from mirror_console.errors import CatalogError, EngineError, FailureKind, InvalidInput
from mirror_console.jobs import Jobs
from mirror_console.operations.access import AccessInput, remove_access, save_access
from mirror_console.operations.console import Console
from mirror_console.operations.engines import remove_engine
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.heartbeat import Heartbeat
from mirror_console.operations.imports import export_catalog, import_catalog
from mirror_console.operations.plan import plan
from mirror_console.operations.ports.engine import Engines, EngineSession
from mirror_console.operations.preflight import check_engine, preflight
from mirror_console.operations.refresh import Refreshed, refresh
from mirror_console.operations.running import Running
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from mirror_console.operations.taking_turns import take_turn
from mirror_console.operations.watch import Watch
from tests.operations.desk import CERTIFICATE, KEY, empty_console, held
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow


@dataclass
class Doors:
    """Engines of the simulator behind TLS addresses: notes which key each was asked with, and refuses one."""

    behind: Engines
    sockets: Mapping[str, str]
    asked: list[tuple[str, str]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def session(self, engine: Engine) -> EngineSession:
        """A session with the simulated engine of that identity."""
        key = engine.tls.key.name if engine.tls else ""
        self.asked.append((engine.id, key))
        if key in self.refused:
            raise EngineError(FailureKind.SIGN_IN, f"{engine.name} refused the client certificate.", "Check it.")
        return self.behind.session(replace(engine, address=parse_address(self.sockets[engine.id]), tls=None))

    def try_out(self, engine: Engine, secrets: Mapping[str, Secret]) -> EngineSession:
        """The same."""
        return self.session(engine)

    def entrance(self, engine: Engine) -> Hop | None:
        """As the address says."""
        return Hop(engine.address.host, engine.address.port)

    def forget(self, engine_id: str) -> None:
        """Note it."""
        self.forgotten.append(engine_id)

    def renew(self) -> None:
        """Nobody slept."""

    def close(self) -> None:
        """They are closed by the fleet."""


@dataclass
class Agency:
    """A fleet whose mirrors 1 and 3 are on alpha for two accounts, 2 and 4 on berlin."""

    fleet: Fleet
    console: Console
    doors: Doors

    def status(self) -> dict[str, Status]:
        """The state of every mirror's live."""
        return {row.application.id: row.cells["live"].status for row in survey(self.console).rows}

    def give(self, account: str, engine: str = "alpha") -> str:
        """Give an account a credential; the name of its key."""
        access = save_access(
            self.console, self.console.engine(engine), AccessInput(account, "", CERTIFICATE, Secret(KEY))
        )
        return access.references["key"].name


@pytest.fixture
def agency() -> Iterator[Agency]:
    """Everything runs what the source's live has, but for mirror 1, which is one behind."""
    with small_fleet() as fleet:
        fleet.publish("1.0")
        fleet.run_mirrors("1.0")
        refresh(fleet.console, fleet.jobs)
        fleet.publish("1.1")
        sockets = {name: engine.address for name, engine in fleet.simulated.engines.items()}
        doors = Doors(fleet.console.engines, sockets)
        console = replace(fleet.console, engines=doors)
        with console.catalog.write() as books:
            for number, engine in enumerate(books.engines.all(), 10):
                tls = TlsReferences(*(SecretReference(f"engine/{engine.id}/{part}") for part in ("ca", "cert", "key")))
                address = parse_address(f"tcp://{engine.id}.example:23{number}")
                books.engines.save(replace(engine, address=address, tls=tls))
            for mirror, account in zip(fleet.mirrors, ("DUNES", "DUNES", "HARBOUR", ""), strict=True):
                books.applications.save(replace(mirror, account=account))
        yield Agency(fleet, console, doors)


def test_every_environment_is_asked_with_its_accounts_credential(agency: Agency) -> None:
    key = agency.give("DUNES")
    other = agency.give("HARBOUR")
    agency.doors.asked.clear()
    refreshed = refresh(agency.console, agency.fleet.jobs)
    # The source has no account, so alpha is asked with its own credential too; berlin knows no accounts.
    assert sorted(agency.doors.asked) == sorted(
        [("alpha", "engine/alpha/key"), ("alpha", key), ("alpha", other), ("berlin", "engine/berlin/key")]
    )
    assert refreshed.environments == 5
    assert refreshed.answered == ("alpha", "berlin")
    assert set(agency.status().values()) == {Status.BEHIND}


def test_a_watch_uses_every_accounts_credential_and_hears_of_each_one_that_is_given(agency: Agency) -> None:
    jobs = Jobs()
    watch = Watch(agency.console, jobs, every=36000.0)
    first = watch.want()
    watching = jobs.submit("Watching engines", watch.run)
    try:
        jobs.submit("first", first.wait).result(30.0)
        assert set(agency.status().values()) == {Status.BEHIND}
        key = agency.give("DUNES")
        agency.doors.refused.add(agency.give("HARBOUR"))
        found = jobs.submit("check", watch.want().wait).result(30.0)
        assert found == Refreshed(("alpha", "berlin"), (("alpha for HARBOUR", "sign-in refused"),), 4)
        assert ("alpha", key) in agency.doors.asked
        assert agency.status()["mirror-03"] is Status.UNREACHABLE
        agency.doors.refused.clear()
        # Nobody asks: it is tried again by itself.
        end = time.monotonic() + 30.0
        while agency.status()["mirror-03"] is not Status.BEHIND and time.monotonic() < end:
            time.sleep(0.05)
        assert set(agency.status().values()) == {Status.BEHIND}
    finally:
        watching.cancel()
        assert jobs.close() == ()


def test_without_a_credential_the_cell_says_so_and_nothing_else_and_others_go_on(agency: Agency) -> None:
    refresh(agency.console, agency.fleet.jobs)
    agency.give("DUNES")
    refreshed = refresh(agency.console, agency.fleet.jobs)
    assert refreshed.failed == ()
    status = agency.status()
    assert status["mirror-03"] is Status.NO_ACCESS
    assert {status[name] for name in ("mirror-01", "mirror-02", "mirror-04")} == {Status.BEHIND}
    cell = survey(agency.console).row("mirror-03").cells["live"]
    assert cell.observation is None
    assert cell.running_title == ""
    assert not cell.pending
    # Given back, what it was is known again.
    agency.give("HARBOUR")
    refresh(agency.console, agency.fleet.jobs)
    assert agency.status()["mirror-03"] is Status.BEHIND


def test_a_refused_credential_costs_its_own_cells_only(agency: Agency) -> None:
    agency.give("DUNES")
    agency.doors.refused.add(agency.give("HARBOUR"))
    refreshed = refresh(agency.console, agency.fleet.jobs)
    assert refreshed.failed == (("alpha for HARBOUR", "sign-in refused"),)
    status = agency.status()
    assert status["mirror-03"] is Status.UNREACHABLE
    assert status["mirror-01"] is Status.BEHIND
    engines = {row.engine.id: row.contact for row in survey(agency.console).engines}
    assert engines["alpha"] is not None
    assert engines["alpha"].answered


def test_what_is_seen_with_one_credential_does_not_make_the_rest_look_fresh(agency: Agency) -> None:
    key = agency.give("DUNES")
    agency.give("HARBOUR")
    refresh(agency.console, agency.fleet.jobs)
    before = {row.application.id: row.cells["live"].observation for row in survey(agency.console).rows}
    agency.doors.refused.add(key)
    refresh(agency.console, agency.fleet.jobs)
    after = {row.application.id: row.cells["live"].observation for row in survey(agency.console).rows}
    assert after["mirror-01"] == before["mirror-01"]
    seen, earlier = after["mirror-03"], before["mirror-03"]
    assert seen is not None
    assert earlier is not None
    assert seen.at > earlier.at


def test_an_engine_of_accounts_alone_answers_when_one_of_them_is_answered(agency: Agency) -> None:
    with agency.console.catalog.write() as books:
        source = books.applications.get("source")
        books.applications.save(replace(source, account="HARBOUR"))
    agency.doors.refused.add(agency.give("DUNES"))
    agency.give("HARBOUR")
    agency.doors.asked.clear()
    refresh(agency.console, agency.fleet.jobs, ["alpha"])
    assert "engine/alpha/key" not in {key for _, key in agency.doors.asked}
    contact = next(row.contact for row in survey(agency.console).engines if row.engine.id == "alpha")
    assert contact is not None
    assert contact.answered


def test_checks_and_rollouts_use_the_environments_credential(agency: Agency) -> None:
    console, jobs = agency.console, agency.fleet.jobs
    keys = {"mirror-01": agency.give("DUNES"), "mirror-03": agency.give("HARBOUR")}
    refresh(console, jobs)
    made = plan(console, "live", [mirror.id for mirror in agency.fleet.mirrors], QUICK)
    assert len(made.targets) == 4
    agency.doors.asked.clear()
    checked = preflight(console, jobs, made)
    assert not checked.blocking
    # The source is nobody's account: what runs there is looked at with the engine's own.
    asked = {key for engine, key in agency.doors.asked if engine == "alpha"}
    assert asked == {*keys.values(), "engine/alpha/key"}
    rollout = start(console, made, checked, "a test")
    agency.doors.asked.clear()
    target = next(one for one in rollout.targets if one.planned.application_id == "mirror-03")
    running = Running(console, rollout, lambda _rollout: None)
    with Heartbeat(console, jobs, ["alpha"]) as heart:
        take_turn(console, running, target, {}, Fetcher(console, QUICK), heart)
    ended = running.rollout.target(target.environment_id)
    assert ended.state is TargetState.DONE, ended.words
    assert set(agency.doors.asked) == {("alpha", keys["mirror-03"])}


def test_a_target_whose_account_lost_its_credential_is_blocked_and_left_out(agency: Agency) -> None:
    console, jobs = agency.console, agency.fleet.jobs
    agency.give("DUNES")
    agency.give("HARBOUR")
    refresh(console, jobs)
    mirrors = [mirror.id for mirror in agency.fleet.mirrors]
    made = plan(console, "live", mirrors, QUICK)
    remove_access(console, console.engine("alpha"), "HARBOUR")
    targets = [target for target in made.targets if target.engine_id == "alpha"]
    blocked = [one for one in check_engine(console, jobs, console.engine("alpha"), targets) if one.blocks]
    assert [(one.check, one.answer) for one in blocked] == [(Check.REACHABLE, Answer.BLOCKED)]
    assert "HARBOUR" in blocked[0].words
    assert blocked[0].remedy.endswith("or with 'mirror-console engines access alpha --account HARBOUR'.")
    left = plan(console, "live", mirrors, QUICK).left_out
    assert [(one.application, one.reason) for one in left] == [("Mirror 03", Reason.NO_ACCESS)]


def test_credentials_are_kept_replaced_and_taken_away_with_their_connections(agency: Agency) -> None:
    console = agency.console
    key = agency.give("DUNES")
    agency.doors.forgotten.clear()
    changed = KEY.replace("MIIB", "MIIC")
    access = save_access(console, console.engine("alpha"), AccessInput("DUNES", key=Secret(changed)))
    assert access.references["key"].name == key
    assert held(console, key) == Secret(changed)
    assert agency.doors.forgotten == ["alpha"]
    remove_access(console, console.engine("alpha"), "DUNES")
    assert held(console, key) is None
    with pytest.raises(InvalidInput, match="nothing to remove"):
        remove_access(console, console.engine("alpha"), "DUNES")


def test_an_engine_that_goes_takes_the_accounts_credentials_along(tmp_path: Path) -> None:
    with empty_console(tmp_path) as console:
        account = {"account": "DUNES", "certificate": CERTIFICATE, "key": KEY}
        engine = {"name": "paris", "address": "tcp://paris.example:2376", "accounts": [account]}
        import_catalog(console, yaml.safe_dump({"engines": [engine]}))
        with console.catalog.read() as books:
            (access,) = books.accesses.all()
        name = access.references["key"].name
        assert held(console, name) is not None
        text = export_catalog(console)
        assert "account: DUNES" in text
        assert "PRIVATE KEY" not in text
        assert import_catalog(console, text).changed == 0
        with console.catalog.read() as books:
            assert books.accesses.all() == [access]
        remove_engine(console, access.engine_id)
        assert held(console, name) is None


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (AccessInput("", "", CERTIFICATE, Secret(KEY)), "the account's name is needed"),
        (AccessInput("DUNES", "", "", Secret(KEY)), "a client certificate is needed"),
        (AccessInput("DUNES", "", CERTIFICATE), "the key of the client certificate is needed"),
        (AccessInput("DUNES", "", KEY, Secret(KEY)), "this is a private key"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_kept(agency: Agency, typed: AccessInput, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        save_access(agency.console, agency.console.engine("alpha"), typed)
    assert words in str(refused.value)
    with agency.console.catalog.read() as books:
        assert books.accesses.all() == []


def test_a_local_socket_takes_none(agency: Agency) -> None:
    engine = replace(agency.console.engine("alpha"), address=parse_address("unix:///run/docker.sock"), tls=None)
    with pytest.raises(InvalidInput, match="asks for no credential"):
        save_access(agency.console, engine, AccessInput("DUNES", "", CERTIFICATE, Secret(KEY)))


def test_of_an_engine_that_is_not_there_nothing_is_kept(agency: Agency) -> None:
    engine = replace(agency.console.engine("alpha"), id="gone")
    with pytest.raises(CatalogError):
        save_access(agency.console, engine, AccessInput("DUNES", "", CERTIFICATE, Secret(KEY)))
