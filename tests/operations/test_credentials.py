"""Which credentials there are, where each is used, and that one is replaced only by what works, and forgotten whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from mirror_console.domain.credential import Kept, UserKind
from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.domain.ssh import Hop
from mirror_console.errors import EngineError, FailureKind, InvalidInput, NotAllowed
from mirror_console.operations.access import AccessInput, save_access
from mirror_console.operations.console import Console
from mirror_console.operations.credentials import credentials, forget_credential, rotate, where
from mirror_console.operations.ports.engine import Engines, EngineSession
from mirror_console.operations.refresh import refresh
from mirror_console.vault import VaultLocked
from tests.operations.desk import CERTIFICATE, KEY, held
from tests.operations.fleet import Fleet, small_fleet

PASSWORD = "registry/simulated/password"
NEW_KEY = KEY.replace("MIIB", "MIIC")


@dataclass
class Gate:
    """Alpha behind a TLS address: it takes the new key only if it is told to; berlin stays as it is."""

    behind: Engines
    alpha: str
    takes: bool = True
    tried: list[Mapping[str, Secret]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def session(self, engine: Engine) -> EngineSession:
        """A session with the simulated engine."""
        if engine.id != "alpha":
            return self.behind.session(engine)
        return self.behind.session(replace(engine, address=parse_address(self.alpha), tls=None))

    def try_out(self, engine: Engine, secrets: Mapping[str, Secret]) -> EngineSession:
        """The same, if it takes the new ones."""
        self.tried.append(secrets)
        if not self.takes:
            raise EngineError(FailureKind.SIGN_IN, f"{engine.name} refused the client certificate.", "Check it.")
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
class Desk:
    """A console on a fleet, and the gate before alpha."""

    fleet: Fleet
    console: Console
    gate: Gate


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Alpha has certificates, the registry a password, and one mirror a secret variable."""
    with small_fleet() as fleet:
        fleet.publish("1.0")
        refresh(fleet.console, fleet.jobs)
        gate = Gate(fleet.console.engines, fleet.simulated.engines["alpha"].address)
        console = replace(fleet.console, engines=gate)
        parts = ("ca", "client-cert", "client-key")
        tls = TlsReferences(*(SecretReference(f"engine/alpha/{part}") for part in parts))
        token = SecretReference("environment/e1/TOKEN")
        fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), secrets={"TOKEN": token})
        with console.catalog.write() as books:
            engine = books.engines.get("alpha")
            books.engines.save(replace(engine, address=parse_address("tcp://alpha.example"), tls=tls))
        for reference, text in ((tls.authority, CERTIFICATE), (tls.certificate, CERTIFICATE), (tls.key, KEY)):
            console.vault.put(reference, Secret(text))
        yield Desk(fleet, console, gate)


def test_all_are_listed_with_their_users_and_none_with_its_value(desk: Desk) -> None:
    found = {one.reference.name: one for one in credentials(desk.console)}
    assert {name: one.kept for name, one in found.items()} == {
        "engine/alpha/ca": Kept.STORED,
        "engine/alpha/client-cert": Kept.STORED,
        "engine/alpha/client-key": Kept.STORED,
        "environment/e1/TOKEN": Kept.MISSING,
        PASSWORD: Kept.STORED,
    }
    assert [str(use) for use in found["engine/alpha/client-key"].uses] == [
        "engine alpha: key of the client certificate"
    ]
    assert [str(use) for use in found[PASSWORD].uses] == ["registry registry.test:5000: password of deploy"]
    assert [str(use) for use in found["environment/e1/TOKEN"].uses] == ["environment Mirror 01 live: variable TOKEN"]
    assert "MIIB" not in repr(found)
    assert "fleet-password" not in repr(found)


def test_what_an_account_shares_with_its_engine_names_both(desk: Desk) -> None:
    save_access(desk.console, desk.console.engine("alpha"), AccessInput("ACC-1", "", CERTIFICATE, Secret(KEY)))
    assert [use.kind for use in where(desk.console, "engine/alpha/ca").uses] == [UserKind.ENGINE, UserKind.ACCOUNT]
    own = [one for one in credentials(desk.console) if "/account/" in one.reference.name]
    assert {str(use) for one in own for use in one.uses} == {
        "account ACC-1 on alpha: client certificate",
        "account ACC-1 on alpha: key of the client certificate",
    }


def test_a_locked_keyring_is_asked_once_and_says_that_it_is_not_known(desk: Desk) -> None:
    class Locked:
        asked = 0

        def has(self, reference: SecretReference) -> bool:
            self.asked += 1
            raise VaultLocked

        def state(self) -> VaultState:
            return VaultState.LOCKED

    locked = Locked()
    found = credentials(replace(desk.console, vault=locked))  # type: ignore[arg-type] # all that is asked of it
    assert {one.kept for one in found} == {Kept.UNKNOWN}
    assert locked.asked == 1


def test_a_certificate_and_its_key_are_tried_kept_and_the_old_connections_closed(desk: Desk) -> None:
    new = {"engine/alpha/client-cert": Secret(CERTIFICATE), "engine/alpha/client-key": Secret(NEW_KEY)}
    rotated = rotate(desk.console, new)
    assert rotated.words == "alpha took it."
    assert [dict(tried) for tried in desk.gate.tried] == [new]
    assert held(desk.console, "engine/alpha/client-key") == Secret(NEW_KEY)
    assert desk.gate.forgotten == ["alpha"]


def test_what_is_refused_leaves_the_old_one(desk: Desk) -> None:
    desk.gate.takes = False
    with pytest.raises(EngineError, match="refused the client certificate"):
        rotate(desk.console, {"engine/alpha/client-key": Secret(NEW_KEY)})
    assert held(desk.console, "engine/alpha/client-key") == Secret(KEY)
    assert desk.gate.forgotten == []
    assert rotate(desk.console, {"engine/alpha/client-key": Secret(NEW_KEY)}, untried=True).words == "It was not tried."
    assert held(desk.console, "engine/alpha/client-key") == Secret(NEW_KEY)


def test_a_password_is_tried_by_an_engine_at_the_registry(desk: Desk) -> None:
    with pytest.raises(EngineError) as refused:
        rotate(desk.console, {PASSWORD: Secret("a wrong password")})
    assert refused.value.kind is FailureKind.REGISTRY_SIGN_IN
    assert held(desk.console, PASSWORD) == Secret("fleet-password")
    desk.console.vault.put(SecretReference(PASSWORD), Secret("what it was before"))
    assert rotate(desk.console, {PASSWORD: Secret("fleet-password")}).words == "registry.test:5000 took it."
    assert held(desk.console, PASSWORD) == Secret("fleet-password")


def test_a_registry_that_nobody_can_ask_is_not_believed(desk: Desk) -> None:
    with desk.console.catalog.write() as books:
        source = books.applications.get("source")
        books.applications.save(replace(source, repository="elsewhere.example/shop/webshop"))
        for release in books.releases.all():
            books.releases.save(replace(release, repository="elsewhere.example/shop/webshop"))
    with pytest.raises(EngineError, match="could not be tried"):
        rotate(desk.console, {PASSWORD: Secret("another-password")})
    assert held(desk.console, PASSWORD) == Secret("fleet-password")


def test_a_variable_takes_effect_with_the_next_rollout(desk: Desk) -> None:
    rotated = rotate(desk.console, {"environment/e1/TOKEN": Secret("value")})
    assert "next rollout" in rotated.words
    assert held(desk.console, "environment/e1/TOKEN") == Secret("value")


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ({"engine/alpha/client-key": Secret(CERTIFICATE)}, "this is no private key"),
        ({"engine/alpha/client-cert": Secret(KEY)}, "this is a private key"),
        ({"engine/alpha/ca": Secret("nonsense")}, "this is no certificate"),
        ({PASSWORD: Secret(" ")}, "it is empty"),
        ({"engine/beta/ca": Secret(CERTIFICATE)}, "nothing in the catalog uses"),
        ({"engine/alpha/ca": Secret(CERTIFICATE), PASSWORD: Secret("x")}, "name those of one engine"),
        ({}, "name those of one engine"),
    ],
)
def test_what_cannot_be_replaced_is_said(desk: Desk, new: dict[str, Secret], words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rotate(desk.console, new)
    assert words in str(refused.value)
    assert desk.gate.tried == []


def test_forgotten_it_is_missing_and_what_was_open_with_it_is_closed(desk: Desk) -> None:
    assert forget_credential(desk.console, "engine/alpha/client-key").kept is Kept.MISSING
    assert held(desk.console, "engine/alpha/client-key") is None
    assert desk.gate.forgotten == ["alpha"]
    assert where(desk.console, "engine/alpha/client-key").uses


def test_reading_only_nothing_is_replaced_or_forgotten(desk: Desk) -> None:
    reading = replace(desk.console, read_only="It was started with --read-only.")
    with pytest.raises(NotAllowed):
        rotate(reading, {PASSWORD: Secret("x")})
    with pytest.raises(NotAllowed):
        forget_credential(reading, PASSWORD)
