"""Pictures of the ways into an engine: forms, the ten steps, host keys, accounts, a locked keyring, Docker's contexts.

They are taken with those of the other pages: python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from PySide6.QtWidgets import QScrollArea, QWidget

from mirror_console.domain.credential import Kept
from mirror_console.domain.engine import Engine, TlsReferences, Way, parse_address
from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.server_key import ServerKeyChanged, fingerprint
from mirror_console.domain.ssh import Hop, HostKey, HostKeyRefused, SignIn, SshAccess
from mirror_console.domain.status import Knowledge
from mirror_console.errors import FailureKind, Problem
from mirror_console.operations.account_credentials import AccountCredential
from mirror_console.operations.connection import TITLES, titles
from mirror_console.operations.console import Console
from mirror_console.operations.contexts import DockerContext
from mirror_console.operations.engines import ConnectionStep, EngineInput, StepState
from mirror_console.ui.engines.access_editor import AccessEditor
from mirror_console.ui.engines.contexts import ContextsEditor
from mirror_console.ui.engines.editor import EngineEditor
from mirror_console.ui.engines.host_keys import trust_question
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.engines.other_engine import identity_question
from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.engines.server_keys import server_key_question
from mirror_console.ui.questions import QuestionDialog
from mirror_console.ui.window import MainWindow
from tests.ui.pictures import rest
from tests.ui.sample import NOW, engine_row, sample_grid

Scene = Callable[[MainWindow], QWidget]


def made_up_key(host: str, seed: bytes, port: int = 22) -> HostKey:
    """A key that no server has."""
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + (seed * 32)[:32]
    return HostKey(host, port, kind.decode(), base64.b64encode(blob).decode())


ACCEPTED = made_up_key("ber-1.lab", b"before")
OFFERED = made_up_key("ber-1.lab", b"after")
OLD_KEY, NEW_KEY = fingerprint(b"before"), fingerprint(b"after")
JUMP = made_up_key("jump.lab", b"jump", 2222)
BY_SSH = Engine(
    "engine-2",
    "ber-1",
    parse_address("ssh://deploy@ber-1.lab"),
    location="Berlin",
    ssh=SshAccess(
        SignIn.KEY,
        jumps=(Hop("jump.lab", 2222, "deploy"),),
        host_keys=(JUMP, ACCEPTED),
        key=SecretReference("engine/engine-2/ssh-key"),
        passphrase=SecretReference("engine/engine-2/ssh-passphrase"),
    ),
)
BY_TLS = replace(
    engine_row(1).engine,
    tls=TlsReferences(*(SecretReference(f"engine/engine-1/{name}") for name in ("ca", "client-cert", "client-key"))),
)
ACCOUNTS = (
    AccountCredential("Account 1001", frozenset({"certificate", "key"}), Kept.STORED),
    AccountCredential("Account 1002", frozenset({"certificate", "key"}), Kept.MISSING),
)
SSH_ACCOUNTS = (
    AccountCredential("Account 1001", frozenset({"ssh_key", "ssh_passphrase"}), Kept.STORED, user="dunes"),
    AccountCredential("Account 1002", frozenset({"ssh_password"}), Kept.STORED),
)
CONTEXTS = (
    (DockerContext("DOCKER_HOST", "tcp://10.77.2.9:2376", "of this environment's variables"), ()),
    (DockerContext("hamburg", "ssh://deploy@ham-1.lab", "The engine in Hamburg"), ()),
    (
        DockerContext("old-build", "tcp://build.lab:2375"),
        (
            Problem(
                "context",
                "port 2375 is Docker's unencrypted port: whoever reaches it is root there; use TLS, usually port 2376",
            ),
        ),
    ),
    (
        DockerContext("paris", "unix:///run/engine.sock"),
        (Problem("address", "engine 'fra-1' has this address already"),),
    ),
)


def passing() -> tuple[ConnectionStep, ...]:
    """A test by SSH in which all goes well."""
    words = (
        "ssh://deploy@ber-1.lab",
        "10.77.2.4",
        "port 2222 accepts connections",
        f"{ACCEPTED.words}, as accepted",
        "as 'deploy' by private key",
        "Docker 20.10.24, API 1.41, linux/amd64",
        "17 containers",
        "may create; whether it can pull shows with the checks of a rollout",
        "38.2 GB free for images",
        "differs by 0.4 s",
    )
    named = zip(titles(Way.SSH), words, strict=True)
    return tuple(
        ConnectionStep(number, title, StepState.OK, told, 0.01 * number * number)
        for number, (title, told) in enumerate(named, 1)
    )


def stopped(accepted: tuple[HostKey, ...] = ()) -> tuple[ConnectionStep, ...]:
    """A test by SSH that ends at a key that isn't accepted."""
    refusal = HostKeyRefused("ber-1", OFFERED, accepted)
    failed = ConnectionStep(4, "Host key", StepState.FAILED, refusal.title, 0.08, refusal.hint, OFFERED, accepted)
    skipped = (ConnectionStep(number, title, StepState.SKIPPED, "not tried") for number, title in enumerate(TITLES, 1))
    return (*passing()[:3], failed, *list(skipped)[4:])


def steps_of(_console: Console, typed: EngineInput, _id: str | None) -> Iterator[ConnectionStep]:
    """What a test says of what is typed: the server's key is OFFERED."""
    known = [key for key in typed.ssh.host_keys if key.place == OFFERED.place]
    yield from passing() if OFFERED in known else stopped(tuple(known))


def stopped_by_tls() -> tuple[ConnectionStep, ...]:
    """A test by TLS that ends at another key than the remembered one."""
    refusal = ServerKeyChanged("fra-2", NEW_KEY, OLD_KEY)
    words = ("tcp://10.77.2.2:2376", "10.77.2.2", "port 2376 accepts connections")
    fine = (
        ConnectionStep(number, TITLES[number - 1], StepState.OK, told, 0.01) for number, told in enumerate(words, 1)
    )
    failed = ConnectionStep(
        4, TITLES[3], StepState.FAILED, refusal.title, 0.08, refusal.hint, server_key=NEW_KEY, remembered=OLD_KEY
    )
    skipped = (ConnectionStep(number, TITLES[number - 1], StepState.SKIPPED, "not tried") for number in range(5, 11))
    return (*fine, failed, *skipped)


def tls_steps_of(console: Console, _typed: EngineInput, engine_id: str | None) -> Iterator[ConnectionStep]:
    """What a test says of an engine by TLS: its server's key is NEW_KEY."""
    known = console.engine(engine_id).server_key if engine_id else ""
    yield from stopped_by_tls() if known not in {"", NEW_KEY} else passing()


def page_of(window: MainWindow, *rows: EngineRow) -> EnginesPage:
    """The engines page with these rows in place of the sample's of the same engines."""
    new = {row.engine.id: row for row in rows}
    grid = sample_grid()
    engines = tuple(new.get(row.engine.id, row) for row in grid.engines)
    window.context.set_grid(replace(grid, engines=engines))
    window.open_page("engines")
    page = window.pages["engines"]
    assert isinstance(page, EnginesPage)
    rest(window)
    return page


def ssh_row() -> EngineRow:
    """The engine by SSH, which answered."""
    return replace(engine_row(2), engine=BY_SSH)


BEFORE, ANEW = "QX5C:7K2M:VJ4T:N6RD", "ZB3W:9HPA:C8LE:4FYU"
"""What an engine knows itself by, before and after it was set up anew."""


# --- scenes -------------------------------------------------------------------------------------------------------


def _staged(**more: object) -> EngineOperations:
    return EngineOperations(problems=lambda *_all: (), accounts=lambda *_all: ACCOUNTS, test_input=steps_of, **more)  # type: ignore[arg-type] # by name


def _form(window: MainWindow, engine: Engine | None, steps: tuple[ConnectionStep, ...] = ()) -> EngineEditor:
    page = page_of(window, ssh_row())
    editor = EngineEditor(window.context, _staged(), engine)
    page.open_editor(editor)
    if steps:
        editor.connection.run(lambda: iter(steps))
        rest(window)
    return editor


def _ssh_form(window: MainWindow) -> QWidget:
    _form(window, BY_SSH, passing())
    return window


def _ssh_keys(window: MainWindow) -> QWidget:
    editor = _form(window, BY_SSH, passing())
    editor.parts.ssh.host_keys.removers[1].setFocus()
    return window


def _ssh_new(window: MainWindow) -> QWidget:
    editor = _form(window, None)
    editor.name.setText("ber-1")
    editor.address.setText("ssh://deploy@ber-1.lab")
    editor.connection.run(lambda: iter(stopped()))
    rest(window)
    return window


def _plain_form(window: MainWindow) -> QWidget:
    editor = _form(window, None)
    editor.name.setText("here")
    editor.address.setText("http://127.0.0.1:2375")
    return window


def _socket_form(window: MainWindow) -> QWidget:
    editor = _form(window, None)
    editor.address.setText("unix:///var/run/docker.sock")
    return window


def _tested(window: MainWindow, steps: tuple[ConnectionStep, ...]) -> QWidget:
    page = page_of(window, ssh_row())
    page.view.move_to("engine-2")
    page.details.connection.run(lambda: iter(steps))
    rest(window)
    return window


def _changed_by_tls(window: MainWindow) -> QWidget:
    page = page_of(window, replace(engine_row(1), engine=BY_TLS))
    page.view.move_to("engine-1")
    page.details.connection.run(lambda: iter(stopped_by_tls()))
    rest(window)
    decide = page.details.connection._lines[3].decide
    decide.setFocus()
    for area in page.details.findChildren(QScrollArea):
        area.ensureWidgetVisible(decide)
    return window


def _locked(window: MainWindow) -> QWidget:
    row = engine_row(1, answered=False)
    assert row.contact is not None
    contact = replace(
        row.contact, failure=FailureKind.KEYRING, words="The keyring is locked", at=NOW - timedelta(seconds=38)
    )
    page = page_of(window, EngineRow(BY_TLS, contact, 8, Knowledge.UNREACHABLE))
    page.view.move_to("engine-1")
    return window


def _accounts(window: MainWindow) -> QWidget:
    row = engine_row(1)
    assert row.contact is not None
    assert row.contact.facts is not None
    late = replace(row.contact, facts=replace(row.contact.facts, clock_offset=-312.0))
    page = page_of(window, replace(row, engine=BY_TLS, contact=late))
    page.view.move_to("engine-1")
    page.details.accounts._show(BY_TLS, ACCOUNTS)
    page.details.accounts.view.move_to("Account 1002")
    rest(window)
    page.details.accounts._show(BY_TLS, ACCOUNTS)
    return window


def _access_form(window: MainWindow) -> QWidget:
    page = page_of(window)
    page.open_editor(AccessEditor(window.context, _staged(access_problems=lambda *_all: ()), BY_TLS, ACCOUNTS[0]))
    return window


def _ssh_accounts(window: MainWindow) -> QWidget:
    page = page_of(window, ssh_row())
    page.view.move_to("engine-2")
    rest(window)
    page.details.accounts._show(BY_SSH, SSH_ACCOUNTS)
    page.details.accounts.view.move_to("Account 1001")
    return window


def _ssh_access_form(window: MainWindow) -> QWidget:
    page = page_of(window, ssh_row())
    editor = AccessEditor(window.context, _staged(access_problems=lambda *_all: ()), BY_SSH, SSH_ACCOUNTS[0])
    page.open_editor(editor)
    return window


def _own_ssh(window: MainWindow) -> QWidget:
    own = replace(BY_SSH, ssh=SshAccess(SignIn.OWN))
    page = page_of(window, replace(ssh_row(), engine=own))
    page.view.move_to("engine-2")
    rest(window)
    return window


def _contexts(window: MainWindow) -> QWidget:
    page = page_of(window)
    editor = ContextsEditor(window.context, EngineOperations())
    page.open_editor(editor)
    rest(window)
    editor._show(CONTEXTS)
    editor.lines["hamburg"].box.setChecked(True)
    return window


def _other(window: MainWindow) -> QWidget:
    row = engine_row(2)
    assert row.contact is not None
    assert row.contact.facts is not None
    now = replace(row.contact, facts=replace(row.contact.facts, identity=ANEW))
    page = page_of(window, replace(row, engine=replace(row.engine, identity=BEFORE), contact=now))
    page.view.move_to(row.engine.id)
    page.details.other.button.setFocus()
    return window


SCENES: dict[str, Scene] = {
    "engines-ssh-form": _ssh_form,
    "engines-ssh-keys": _ssh_keys,
    "engines-ssh-new": _ssh_new,
    "engines-plain-form": _plain_form,
    "engines-socket-form": _socket_form,
    "engines-steps-passing": lambda window: _tested(window, passing()),
    "engines-steps-unknown-key": lambda window: _tested(window, stopped()),
    "engines-steps-changed-key": lambda window: _tested(window, stopped((ACCEPTED,))),
    "engines-question-unknown": lambda _window: QuestionDialog(trust_question(OFFERED, ())),
    "engines-question-changed": lambda _window: QuestionDialog(trust_question(OFFERED, (ACCEPTED,))),
    "engines-steps-changed-tls": _changed_by_tls,
    "engines-question-tls": lambda _window: QuestionDialog(server_key_question(NEW_KEY, OLD_KEY)),
    "engines-other": _other,
    "engines-question-other": lambda _window: QuestionDialog(
        identity_question(replace(engine_row(2).engine, identity=BEFORE), ANEW)
    ),
    "engines-locked": _locked,
    "engines-accounts": _accounts,
    "engines-access-form": _access_form,
    "engines-access-ssh-list": _ssh_accounts,
    "engines-access-ssh-form": _ssh_access_form,
    "engines-access-ssh-own": _own_ssh,
    "engines-contexts": _contexts,
}
