"""Engines: list, add, change, remove and test engines, and the registries that they pull from."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli import access, contexts, trust
from mirror_console.cli.files import read_key, read_secret, read_text
from mirror_console.cli.session import ExitCode, JsonOption, Session, YesOption, session_of, told
from mirror_console.cli.shapes.engines import engine_shape
from mirror_console.cli.ssh import (
    AgentOption,
    HostKeyOption,
    JumpOption,
    PassphraseOption,
    PasswordFileOption,
    PasswordOption,
    SocketOption,
    SshKeyOption,
    with_acceptance,
    with_accepted_keys,
    with_ssh,
)
from mirror_console.cli.surveyed import engine_ids, surveyed
from mirror_console.domain.engine import Engine
from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.image import registry_host
from mirror_console.domain.secret import Secret
from mirror_console.errors import EngineError, InvalidInput, Problem
from mirror_console.operations.access import for_account
from mirror_console.operations.cleanup import look
from mirror_console.operations.console import Console
from mirror_console.operations.engines import (
    ConnectionStep,
    EngineInput,
    RegistryInput,
    StepState,
    engine_input,
    engine_problems,
    remove_engine,
    remove_registry,
    save_engine,
    save_registry,
    test_connection,
)
from mirror_console.operations.refresh import refresh
from mirror_console.operations.written import moment

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The engine's name.")]
LocationOption = Annotated[str | None, typer.Option("--location", help="Where it stands.")]
CaOption = Annotated[Path | None, typer.Option("--ca", help="File with the certificate of its authority (PEM).")]
CertOption = Annotated[Path | None, typer.Option("--cert", help="File with the client certificate (PEM).")]
KeyOption = Annotated[Path | None, typer.Option("--key", help="File with the key of the client certificate (PEM).")]
OfflineOption = Annotated[bool | None, typer.Option("--often-offline/--always-online", help="Whether it often sleeps.")]
AtOnceOption = Annotated[str | None, typer.Option("--at-once", help="Swaps at once on it.")]
TimeoutOption = Annotated[str | None, typer.Option("--timeout", help="Seconds to wait for an answer.")]
NotesOption = Annotated[str | None, typer.Option("--notes")]

_STATES = {StepState.OK: ("✓", "green"), StepState.FAILED: ("✕", "red"), StepState.SKIPPED: ("–", "bright_black")}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="engines",
        help="Engines and registries: list, show, add, edit, remove, test, trust, access, contexts, add-registry.",
        short_help="Engines and registries.",
    )
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("add")(add)
    group.command("edit")(edit)
    group.command("remove")(remove)
    group.command("test")(try_out)
    trust.add_to(group)
    access.add_to(group)
    contexts.add_to(group)
    group.command("add-registry")(add_registry)
    group.command("remove-registry")(forget_registry)


@told
def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List engines and registries, as far as the catalog knows them."""
    session = session_of(context)
    with session.console() as (console, _):
        grid = surveyed(session, console)
        with console.catalog.read() as books:
            registries = books.registries.all()
    if as_json:
        session.out.json(
            {
                "engines": [engine_shape(row) for row in grid.engines],
                "registries": [{"host": registry.host, "user": registry.user} for registry in registries],
            }
        )
        return
    if not grid.engines:
        session.out.say("There is no engine in the catalog yet. Add one with: mirror-console engines add NAME ADDRESS")
    rows: list[list[str | tuple[str, str]]] = []
    for row in grid.engines:
        shape = engine_shape(row)
        answered = {None: "never asked", True: "answers", False: shape.failure}[shape.answered]
        what = f"{shape.kind} {shape.version} (API {shape.api})" if shape.version else ""
        line = [shape.name, shape.address, shape.location, str(shape.environments), answered, what]
        rows.append([*line, _clock(row)])
    if rows:
        session.out.table(["engine", "address", "location", ">environments", "state", "engine is", "clock"], rows)
        limited = [row.engine.name for row in grid.engines if engine_shape(row).limits]
        if limited:
            session.out.say(f"Not all works with {', '.join(limited)}. See: mirror-console engines show NAME")
    if registries:
        session.out.say("")
        session.out.table(["registry", "user"], [[registry.host, registry.user] for registry in registries])


@told
def show(context: typer.Context, name: NameArgument, as_json: JsonOption = False) -> None:
    """Show an engine, as far as the catalog knows it, what doesn't work with it, and what is kept there as way back."""
    session = session_of(context)
    with session.console() as (console, _):
        engine = _engine(console, name)
        row = next(row for row in surveyed(session, console).engines if row.engine.id == engine.id)
        kept = _ways_back(console, row)
    shape = engine_shape(row)
    if as_json:
        session.out.json({**asdict(shape), "ways_back": kept})
        return
    facts = row.contact.facts if row.contact else None
    session.out.say(f"{shape.name}: {shape.address}" + (f", {shape.location}" if shape.location else ""))
    session.out.say(f"{facts.title}, {facts.platform}" if facts else "It never answered.")
    if facts and facts.swarm_words:
        session.out.say(facts.swarm_words)
    if row.contact and not row.contact.answered:
        session.out.say(f"At {moment(row.contact.at)} it didn't: {row.contact.words}", "yellow")
    session.out.say(kept)
    for limit in shape.limits:
        session.out.say(f"- {limit}")


def _ways_back(console: Console, row: EngineRow) -> str:
    """What is kept there for putting back, as the engine itself tells it now."""
    if row.contact is None or not row.contact.answered:
        return "Ways back can be counted once it answers."
    try:
        return f"{look(console, row.engine).ways_back}."
    except EngineError as error:
        return f"Ways back couldn't be counted: {error.title}"


@told
def add(
    context: typer.Context,
    name: NameArgument,
    address: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS", help="unix:///var/run/docker.sock, tcp://engine.example:2376 or ssh://user@host"
        ),
    ],
    location: LocationOption = None,
    ca: CaOption = None,
    cert: CertOption = None,
    key: KeyOption = None,
    often_offline: OfflineOption = None,
    at_once: AtOnceOption = None,
    timeout: TimeoutOption = None,
    notes: NotesOption = None,
    ssh_key: SshKeyOption = None,
    ssh_passphrase_file: PassphraseOption = None,
    ssh_password_file: PasswordFileOption = None,
    ssh_password: PasswordOption = False,
    agent: AgentOption = False,
    jump: JumpOption = None,
    socket: SocketOption = None,
    host_key: HostKeyOption = None,
    no_test: Annotated[bool, typer.Option("--no-test", help="Save it without trying the way to it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Add an engine, and try the way to it. Files with keys and passwords are read into the keyring and needed no more.

    By SSH the keys of the servers on the way are shown and asked about, unless --host-key names them. It is in the
    catalog also where it doesn't answer: nothing of what was typed is lost.
    """
    session = session_of(context)
    session.demand_write()
    typed = EngineInput(name=name, address=address)
    typed = _with(typed, location, ca, cert, key, often_offline, at_once, timeout, notes)
    by_ssh = (ssh_key, ssh_passphrase_file, ssh_password_file, ssh_password, agent, jump, socket, host_key)
    typed = with_acceptance(session, with_ssh(session, typed, *by_ssh))
    with session.console(write=True) as (console, jobs):
        if not engine_problems(console, typed):
            typed = with_accepted_keys(session, console, typed)
        engine = save_engine(console, typed)
        if not as_json:
            session.out.say(f"Saved {engine.name}.")
        steps = [] if no_test else _tried(session, console, engine, as_json=as_json)
        if steps:
            # What came of it is kept: whether it answered, what it says of itself, and the key that its server has.
            refresh(console, jobs, [engine.id])
    if as_json:
        session.out.json({**_saved(engine), "steps": steps})
    if _any_failed(steps):
        change = f"mirror-console engines edit {shlex.quote(engine.name)}"
        session.out.note(f"{engine.name} is in the catalog all the same. Change what is wrong: {change}", "yellow")
        raise typer.Exit(ExitCode.ATTENTION)


@told
def edit(
    context: typer.Context,
    name: NameArgument,
    new_name: Annotated[str | None, typer.Option("--name", help="Give it another name.")] = None,
    address: Annotated[str | None, typer.Option("--address")] = None,
    location: LocationOption = None,
    ca: CaOption = None,
    cert: CertOption = None,
    key: KeyOption = None,
    often_offline: OfflineOption = None,
    at_once: AtOnceOption = None,
    timeout: TimeoutOption = None,
    notes: NotesOption = None,
    ssh_key: SshKeyOption = None,
    ssh_passphrase_file: PassphraseOption = None,
    ssh_password_file: PasswordFileOption = None,
    ssh_password: PasswordOption = False,
    agent: AgentOption = False,
    jump: JumpOption = None,
    socket: SocketOption = None,
    host_key: HostKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change an engine. What isn't said stays; PEM files replace what the keyring has."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        before = _engine(console, name)
        typed = engine_input(before)
        typed = replace(typed, name=new_name or typed.name, address=address or typed.address)
        typed = _with(typed, location, ca, cert, key, often_offline, at_once, timeout, notes)
        by_ssh = (ssh_key, ssh_passphrase_file, ssh_password_file, ssh_password, agent, jump, socket, host_key)
        typed = with_ssh(session, typed, *by_ssh)
        if not before.unencrypted_accepted or str(before.address) != typed.address:
            typed = with_acceptance(session, typed)
        engine = save_engine(console, typed, before.id)
    words = f"Saved {engine.name}. Try the way to it: mirror-console engines test {shlex.quote(engine.name)}"
    session.out.done(words, _saved(engine), as_json=as_json)


@told
def remove(context: typer.Context, name: NameArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Take an engine out of the catalog, and its credentials out of the keyring. Nothing is changed on it."""
    session = session_of(context)
    session.demand_write()
    with session.console() as (console, _):
        _engine(console, name)
    session.agreed(f"Remove {name} and forget its credentials?", "Nothing was removed.", yes=yes)
    with session.console(write=True) as (console, _):
        remove_engine(console, _engine(console, name).id)
    session.out.done(f"Removed {name}.", {"removed": name}, as_json=as_json)


@told
def try_out(
    context: typer.Context,
    name: NameArgument,
    account: Annotated[str, typer.Option("--account", help="Try it with this account's credential.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Try the way to an engine in ten steps. Nothing is changed on it."""
    session = session_of(context)
    with session.console() as (console, _):
        # The catalog is only read here; whether more may be tried is for --read-only to say.
        asking = replace(console, read_only=session.read_only)
        engine = _engine(console, name)
        reached = for_account(console, engine, account) if account else engine
        steps = _tried(session, asking, reached, as_json=as_json)
    if as_json:
        session.out.json(steps)
    if _any_failed(steps):
        raise typer.Exit(ExitCode.ATTENTION)


@told
def add_registry(
    context: typer.Context,
    host: Annotated[
        str, typer.Argument(metavar="HOST", help="Host and port, such as registry.example:5000, or docker.io")
    ],
    user: Annotated[str, typer.Argument(metavar="USER", help="The name that the registry knows.")],
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="File with the password; - reads standard input.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a registry, or change the one at that host. The password goes into the keyring."""
    session = session_of(context)
    session.demand_write()
    password = _password(session, host, password_file)
    with session.console(write=True) as (console, _):
        with console.catalog.read() as books:
            before = books.registries.by_host(registry_host(host))
        registry = save_registry(console, RegistryInput(host, user, password), before.id if before else None)
    saved = {"id": registry.id, "host": registry.host, "user": registry.user}
    session.out.done(f"Saved {registry.host}.", saved, as_json=as_json)


@told
def forget_registry(
    context: typer.Context,
    host: Annotated[str, typer.Argument(metavar="HOST", help="Its host and port.")],
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a registry out of the catalog, and its password out of the keyring."""
    session = session_of(context)
    session.demand_write()
    with session.console() as (console, _), console.catalog.read() as books:
        before = books.registries.by_host(registry_host(host))
    if before is None:
        raise InvalidInput("This registry isn't in the catalog.", [Problem("host", f"there is no '{host}'")])
    session.agreed(f"Remove {host} and forget its password?", "Nothing was removed.", yes=yes)
    with session.console(write=True) as (console, _):
        remove_registry(console, before.id)
    session.out.done(f"Removed {host}.", {"removed": host}, as_json=as_json)


def _clock(row: EngineRow) -> tuple[str, str]:
    """How an engine's clock stands to this computer's, marked where it is too far off."""
    facts = row.contact.facts if row.contact else None
    if facts is None:
        return "", ""
    return (f"! {facts.clock_words}", "yellow") if facts.clock_is_off else (facts.clock_words, "")


def _engine(console: Console, name: str) -> Engine:
    return console.engine(engine_ids(console, [name])[0])


def _with(
    typed: EngineInput,
    location: str | None,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    often_offline: bool | None,
    at_once: str | None,
    timeout: str | None,
    notes: str | None,
) -> EngineInput:
    return replace(
        typed,
        location=typed.location if location is None else location,
        ca=read_text(ca, "ca") if ca else "",
        certificate=read_text(cert, "cert") if cert else "",
        key=read_key(key, "key") if key else Secret(""),
        often_offline=typed.often_offline if often_offline is None else often_offline,
        at_once=typed.at_once if at_once is None else at_once,
        timeout=typed.timeout if timeout is None else timeout,
        notes=typed.notes if notes is None else notes,
    )


def _saved(engine: Engine) -> dict[str, str]:
    return {"id": engine.id, "name": engine.name, "address": str(engine.address)}


def _tried(session: Session, console: Console, engine: Engine, *, as_json: bool) -> list[ConnectionStep]:
    """The ten steps of the way to an engine; each is said as soon as it is over."""
    steps = []
    for step in test_connection(console, engine, None):
        if step.state is StepState.RUNNING:
            continue
        steps.append(step)
        if not as_json:
            sign, style = _STATES[step.state]
            took = f" ({step.seconds:.2f} s)" if step.state is StepState.OK else ""
            session.out.say(f"{sign} {step.number:2} {step.title}: {step.words}{took}", style)
            for words in filter(None, (step.remedy, step.command)):
                session.out.say(f"     {words}")
    return steps


def _any_failed(steps: Sequence[ConnectionStep]) -> bool:
    return any(step.state is StepState.FAILED for step in steps)


def _password(session: Session, host: str, password_file: Path | None) -> Secret:
    if password_file is not None:
        return read_secret(password_file, "password_file")
    if not session.parts.interactive():
        problem = Problem(
            "password", "nobody can be asked here: give a file with --password-file, or - for standard input"
        )
        raise InvalidInput("The registry was not saved.", [problem])
    return Secret(typer.prompt(f"Password for {host}", hide_input=True, err=True))
