"""Accounts by SSH, on a real server: each signs in as itself with its own key or password, and with no other's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.credential import Kept
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Environment, Process, Settings
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import HostKey, SignIn
from mirror_console.errors import EngineError, FailureKind, InvalidInput
from mirror_console.jobs import Jobs
from mirror_console.operations.access import AccessInput, for_account, reached, remove_access, save_access
from mirror_console.operations.console import Console
from mirror_console.operations.credentials import credentials, forget_credential, rotate, where
from mirror_console.operations.engines import EngineInput, SshInput, engine_input, save_engine
from mirror_console.operations.imports import export_catalog, import_catalog
from mirror_console.operations.refresh import refresh
from tests.canaries import SSH_PASSPHRASE
from tests.cli.terminal import CommandLine
from tests.engine.ssh_parts import pin
from tests.lab.engine import LabEngine
from tests.lab.ssh import PASSWORD, SshKey, make_key
from tests.operations.desk import CERTIFICATE, KEY, empty_console, held

DUNES = Secret("-----BEGIN OPENSSH PRIVATE KEY-----\nQUFB\n-----END OPENSSH PRIVATE KEY-----")
HARBOUR = Secret("h4rbour-pw")


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as opened:
        yield opened


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


def somewhere(console: Console) -> Engine:
    """An engine by SSH that is nowhere."""
    return save_engine(console, EngineInput("bern", "ssh://deploy@bern.example", ssh=SshInput(key=DUNES)))


@dataclass
class Bern:
    """The real engine by SSH, in the catalog; a key of its own for each account, and one mirror of each."""

    console: Console
    lab: LabEngine
    engine: Engine
    dunes: SshKey
    harbour: SshKey

    def signed_in(self, key: SshKey) -> set[str]:
        """The users that this key has let in, as the server says."""
        lines = self.lab.ssh.log.read_text().splitlines()
        accepted = [line.split() for line in lines if "Accepted publickey for" in line and fingerprint(key) in line]
        return {words[words.index("for") + 1] for words in accepted}


def fingerprint(key: SshKey) -> str:
    """As the server writes it."""
    return HostKey("x", 22, *key.public.split()).fingerprint


@pytest.fixture
def bern(console: Console, ssh_engine: LabEngine, tmp_path: Path) -> Bern:
    server = ssh_engine.ssh
    dunes, harbour = make_key(tmp_path / "dunes"), make_key(tmp_path / "harbour", passphrase=SSH_PASSPHRASE)
    server.allow(server.key.public, dunes.public, harbour.public)
    ssh = SshInput(key=Secret(server.key.private), host_keys=(pin(server),))
    engine = save_engine(console, EngineInput("bern", ssh_engine.url, ssh=ssh))
    with console.catalog.write() as books:
        for account in ("DUNES", "HARBOUR"):
            slug = account.lower()
            books.applications.save(Application(slug, Kind.SOURCE, slug, slug, account=account, repository="a/b"))
            web = (Process("web", f"{slug}-live"),)
            books.environments.save(Environment(f"{slug}-live", slug, "live", engine.id, web, Settings()))
    return Bern(console, ssh_engine, engine, dunes, harbour)


@pytest.mark.timeout(300)
def test_each_account_signs_in_as_itself_with_its_own_key(bern: Bern, jobs: Jobs) -> None:
    console, engine = bern.console, bern.engine
    save_access(console, engine, AccessInput("DUNES", ssh_key=Secret(bern.dunes.private)))
    typed = AccessInput(
        "HARBOUR", user="bare", ssh_key=Secret(bern.harbour.private), ssh_passphrase=Secret(SSH_PASSPHRASE)
    )
    save_access(console, engine, typed)
    before = bern.signed_in(bern.lab.ssh.key)
    refreshed = refresh(console, jobs)
    assert (refreshed.failed, refreshed.environments) == ((), 2)
    assert bern.signed_in(bern.dunes) == {"deploy"}
    assert bern.signed_in(bern.harbour) == {"bare"}
    assert bern.signed_in(bern.lab.ssh.key) == before, "the engine's own key was used though nobody is reached with it"

    # A password in place of the key: the key and its passphrase are gone from the keyring.
    with console.catalog.read() as books:
        old = {one.account: one for one in books.accesses.of(engine.id)}["HARBOUR"].references
    assert set(old) == {"ssh_key", "ssh_passphrase"}
    save_access(console, engine, AccessInput("HARBOUR", ssh_password=Secret(PASSWORD)))
    assert all(held(console, reference.name) is None for reference in old.values())
    assert refresh(console, jobs).failed == ()
    assert "Accepted password for bare" in bern.lab.ssh.log.read_text()

    # One that is refused costs its own account only.
    bern.lab.ssh.allow(bern.lab.ssh.key.public)
    console.engines.forget(engine.id)
    refreshed = refresh(console, jobs)
    with console.catalog.read() as books:
        words = {account: contact.words for (_, account), contact in books.accesses.contacts().items()}
    assert refreshed.failed == (("bern for DUNES", "sign-in refused"),), words
    assert refreshed.environments == 1


@pytest.mark.timeout(300)
def test_credentials_by_ssh_are_listed_tried_replaced_and_forgotten(bern: Bern, tmp_path: Path) -> None:
    console, engine = bern.console, bern.engine
    save_access(console, engine, AccessInput("DUNES", ssh_key=Secret(bern.dunes.private)))
    found = {one.reference.name: one for one in credentials(console)}
    assert [(str(use), found[name].kept) for name in found for use in found[name].uses] == [
        (str(where(console, name).uses[0]), Kept.STORED) for name in found
    ]
    assert {use.purpose for one in found.values() for use in one.uses} == {"SSH key"}
    assert {use.title for one in found.values() for use in one.uses} == {"bern", "DUNES on bern"}
    (account_key,) = (name for name in found if "/account/" in name)

    stranger = make_key(tmp_path / "stranger")
    with pytest.raises(EngineError) as refusal:
        rotate(console, {account_key: Secret(stranger.private)})
    assert refusal.value.kind is FailureKind.SIGN_IN
    kept = held(console, account_key)
    assert kept is not None
    assert kept.reveal() == bern.dunes.private
    with pytest.raises(InvalidInput, match="public key"):
        rotate(console, {account_key: Secret(stranger.public)})
    bern.lab.ssh.allow(bern.lab.ssh.key.public, stranger.public)
    assert rotate(console, {account_key: Secret(stranger.private)}).words == "bern took it."
    assert bern.signed_in(stranger) == {"deploy"}
    assert forget_credential(console, account_key).kept is Kept.MISSING
    with pytest.raises(EngineError) as missing:
        console.engines.session(for_account(console, engine, "DUNES"))
    assert missing.value.kind is FailureKind.NO_CREDENTIAL


def test_a_key_or_a_password_of_its_own_and_the_engines_user_where_it_names_none(console: Console) -> None:
    engine = somewhere(console)
    save_access(console, engine, AccessInput("DUNES", ssh_key=DUNES))
    save_access(console, engine, AccessInput("HARBOUR", user="harbour", ssh_password=HARBOUR))
    dunes, harbour = (for_account(console, engine, account) for account in ("DUNES", "HARBOUR"))
    assert (str(dunes.address), str(harbour.address)) == ("ssh://deploy@bern.example", "ssh://harbour@bern.example")
    assert dunes.ssh is not None
    assert harbour.ssh is not None
    assert engine.ssh is not None
    assert (dunes.ssh.sign_in, harbour.ssh.sign_in) == (SignIn.KEY, SignIn.PASSWORD)
    assert harbour.ssh.key is None
    assert dunes.ssh.key != engine.ssh.key
    # What isn't typed stays; an empty user is the engine's again.
    save_access(console, engine, AccessInput("HARBOUR", ssh_password=Secret("another")))
    assert for_account(console, engine, "HARBOUR").address.user == "harbour"
    save_access(console, engine, AccessInput("HARBOUR", user=""))
    assert for_account(console, engine, "HARBOUR").address.user == "deploy"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (AccessInput("DUNES"), "a private key or a password is needed"),
        (AccessInput("DUNES", certificate=CERTIFICATE, key=Secret(KEY)), "is reached by SSH"),
        (AccessInput("DUNES", ssh_key=DUNES, ssh_password=HARBOUR), "not with both"),
        (AccessInput("DUNES", user="-oProxyCommand=x", ssh_key=DUNES), "is not a user's name"),
        (AccessInput("DUNES", ssh_key=Secret("ssh-ed25519 AAAA x")), "this is a public key"),
        (AccessInput("DUNES", ssh_passphrase=HARBOUR), "a private key or a password is needed"),
    ],
)
def test_what_no_account_can_be_given(console: Console, typed: AccessInput, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        save_access(console, somewhere(console), typed)


def test_an_engine_by_tls_takes_no_ssh_and_one_by_the_persons_own_settings_no_accounts(console: Console) -> None:
    typed = EngineInput("paris", "tcp://paris.example", ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY))
    with pytest.raises(InvalidInput, match="is reached by TLS"):
        save_access(console, save_engine(console, typed), AccessInput("DUNES", ssh_key=DUNES))
    own = save_engine(console, EngineInput("oslo", "ssh://oslo.example", ssh=SshInput(SignIn.OWN)))
    with pytest.raises(InvalidInput, match="your own SSH settings"):
        save_access(console, own, AccessInput("DUNES", user="dunes", ssh_key=DUNES))


def test_after_the_engine_is_reached_by_another_way_nobody_comes_in_with_the_engines_own(console: Console) -> None:
    """What the account had doesn't fit any more: it has no access, until it is given what does."""
    engine = somewhere(console)
    save_access(console, engine, AccessInput("DUNES", ssh_key=DUNES))
    with console.catalog.write() as books:
        books.applications.save(Application("d", Kind.SOURCE, "d", "d", account="DUNES", repository="a/b"))
    typed = replace(engine_input(engine), address="tcp://bern.example", ssh=SshInput())
    typed = replace(typed, ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY))
    engine = save_engine(console, typed, engine.id)
    with pytest.raises(EngineError) as refusal:
        reached(console, engine, "d")
    assert refusal.value.kind is FailureKind.NO_ACCESS
    assert refusal.value.command == f"mirror-console engines access {engine.name} --account DUNES"
    (left,) = (one for one in credentials(console) if "ssh-key" in one.reference.name)
    assert left.uses[0].purpose == "SSH key"
    save_access(console, engine, AccessInput("DUNES", certificate=CERTIFICATE, key=Secret(KEY)))
    assert reached(console, engine, "d").tls is not None
    assert held(console, left.reference.name) is None


def test_files_bring_them_and_exports_name_the_user_alone(console: Console, tmp_path: Path) -> None:
    (tmp_path / "dunes.key").write_text(DUNES.reveal())
    (tmp_path / "dunes.key").chmod(0o600)
    (tmp_path / "harbour.txt").write_text(HARBOUR.reveal() + "\n")
    accounts = [
        {"account": "DUNES", "ssh": {"key": "dunes.key"}},
        {"account": "HARBOUR", "ssh": {"user": "harbour", "password_file": "harbour.txt"}},
    ]
    entry = {"name": "bern", "address": "ssh://deploy@bern.example", "ssh": {"key": "dunes.key"}, "accounts": accounts}
    import_catalog(console, yaml.safe_dump({"format": 1, "engines": [entry]}), tmp_path)
    with console.catalog.read() as books:
        dunes, harbour = books.accesses.all()
    assert held(console, dunes.references["ssh_key"].name) == Secret(DUNES.reveal() + "\n")
    assert held(console, harbour.references["ssh_password"].name) == HARBOUR
    exported = export_catalog(console)
    assert yaml.safe_load(exported)["engines"][0]["accounts"] == [
        {"account": "DUNES"},
        {"account": "HARBOUR", "ssh": {"user": "harbour"}},
    ]
    import_catalog(console, exported)
    with console.catalog.read() as books:
        assert books.accesses.all() == [dunes, harbour]
    wrong = [{"account": "DUNES", "ssh": {"user": "-x"}}]
    with pytest.raises(InvalidInput) as refusal:
        import_catalog(console, yaml.safe_dump({"format": 1, "engines": [{"name": "bern", "accounts": wrong}]}))
    assert [problem.field for problem in refusal.value.problems] == ["engines[0].accounts[0].ssh.user"]
    remove_access(console, console.engine(dunes.engine_id), "HARBOUR")
    assert held(console, harbour.references["ssh_password"].name) is None


def test_the_command_line_gives_them(console: Console, jobs: Jobs, tmp_path: Path) -> None:
    call = CommandLine(console, jobs, tmp_path)
    engine = somewhere(console)
    key = make_key(tmp_path / "locked", passphrase=SSH_PASSPHRASE)
    (tmp_path / "passphrase").write_text(f"{SSH_PASSPHRASE}\n")
    access = ("engines", "access", "bern", "--account", "DUNES")
    given = call(
        *access, "--user", "dunes", "--ssh-key", str(key.file), "--ssh-passphrase-file", str(tmp_path / "passphrase")
    )
    assert given.code == 0, given.err
    reached_as = for_account(console, engine, "DUNES")
    assert reached_as.address.user == "dunes"
    assert reached_as.ssh is not None
    assert reached_as.ssh.passphrase is not None
    assert held(console, reached_as.ssh.passphrase.name) == Secret(SSH_PASSPHRASE)
    call.interactive = True
    assert call(*access, "--ssh-password", typed="h4rbour\n").code == 0
    reached_as = for_account(console, engine, "DUNES")
    assert reached_as.ssh is not None
    assert reached_as.ssh.password is not None
    assert held(console, reached_as.ssh.password.name) == Secret("h4rbour")
    assert call("engines", "access", "bern", "--ssh-password").code == 2
