"""Application input: what is typed for sources, mirrors and environments, and how an environment is made of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from mirror_console.domain.environment import (
    DEFAULT_PROCESS,
    Environment,
    HealthTest,
    Limits,
    Process,
    RestartPolicy,
    Settings,
    TagRule,
    environment_problems,
)
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import Problem
from mirror_console.operations.console import new_id
from mirror_console.operations.limits_typed import limits_of_text, parse_limits_of
from mirror_console.operations.route_input import NO_ROUTE, RouteInput, draft_route, route_input
from mirror_console.operations.typed import (
    answers_text,
    bytes_text,
    listed,
    number_text,
    parse_answers,
    parse_bytes,
    parse_command,
    parse_list,
    parse_number,
    parse_ports,
    parse_seconds,
    parse_signal,
    parse_span,
    parse_volumes,
    parse_whole,
    parsed,
    port_text,
    span_text,
    volume_text,
    without_echoes,
)

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class EnvironmentInput:
    """What is typed for an environment. `id` empty: a new one. `engine` is an engine's name; lists are comma separated.

    Of a secret the name always stands there; its value only where a new one is typed, else it is empty.
    """

    id: str = ""
    name: str = ""
    engine: str = ""
    container: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    ports: str = ""
    volumes: str = ""
    networks: str = ""
    memory: str = ""
    cpus: str = ""
    pids: str = ""
    restart: str = RestartPolicy.UNLESS_STOPPED.value
    health_path: str = ""
    health_port: str = ""
    health_answers: str = "200-399"
    health_settle: str = "3"
    health_limit: str = "60"
    stop_signal: str = ""
    stop_seconds: str = "10"
    command: str = ""
    init: bool = False
    protected: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    follows: bool = False
    """Of a source's environment: whether its image is what a registry's tag points to, and not what it runs."""
    tag: str = ""
    every: str = "15 min"
    """How often that tag is looked up."""
    route: RouteInput = NO_ROUTE
    group: str = ""
    """The name of the group that shares its data."""
    others: tuple[str, ...] = ()
    """The names of its other processes, which its source declares: shown, not typed."""
    process_limits: str = ""
    """Limits of these that are its own, one process a line."""
    swarm: bool = False
    """Whether `container` is the name of a service of a Swarm."""


@dataclass(frozen=True, slots=True)
class CommandsInput:
    """What is typed for what is run before a release takes over. Commands as in a shell, but without one."""

    release: str = ""
    """Empty: none is declared, or explicitly none where `explicitly_none` says so."""
    explicitly_none: bool = False
    limit: str = "10 min"
    reversible: bool = False
    idempotent: bool = False
    backup: str = ""
    """Empty: no backup is made."""
    backup_limit: str = "10 min"
    backup_image: str = ""


@dataclass(frozen=True, slots=True)
class ProcessesInput:
    """What is typed for the processes of a source."""

    lines: str = ""
    """One a line: the name and, behind a ``=``, the command; the one that serves has none. Empty: one process."""
    workers: str = ""
    """Names, comma separated, of those that stop before the release command."""
    limits: str = ""
    """What others are granted than the one that serves, one process a line."""


@dataclass(frozen=True, slots=True)
class ServicesInput:
    """What is typed for the services that a source's mirrors need."""

    lines: str = ""
    """One a line: the name and, behind a ``=``, the command that asks it."""
    limits: str = ""
    """How long others are given than is usual, one a line."""
    optional: str = ""
    """Names, comma separated, of those whose silence is only warned of."""


@dataclass(frozen=True, slots=True)
class SourceInput:
    """What is typed for a source. A slug left empty is made of the name; lists are comma separated."""

    name: str = ""
    slug: str = ""
    account: str = ""
    tags: str = ""
    domains: str = ""
    notes: str = ""
    repository: str = ""
    required_variables: str = ""
    own_variables: str = ""
    """Variables of which no two applications may have the same value."""
    shared: str = ""
    """Volumes and paths that its mirrors share on purpose."""
    notes_url: str = ""
    template: EnvironmentInput | None = None
    """Of an environment the settings alone; None: there is no template."""
    commands: CommandsInput = CommandsInput()
    processes: ProcessesInput = ProcessesInput()
    services: ServicesInput = ServicesInput()
    environments: tuple[EnvironmentInput, ...] = ()


@dataclass(frozen=True, slots=True)
class MirrorInput:
    """What is typed for a mirror. `source` is the slug of its source; lists are comma separated."""

    name: str = ""
    slug: str = ""
    account: str = ""
    tags: str = ""
    domains: str = ""
    notes: str = ""
    source: str = ""
    image_source: str = "always live"
    environments: tuple[EnvironmentInput, ...] = ()


def environment_input(environment: Environment, engine: str) -> EnvironmentInput:
    """What a form shows of an environment on an engine of that name. Values of secrets are never shown."""
    return replace(
        settings_input(environment.settings),
        id=environment.id,
        name=environment.name,
        engine=engine,
        container=environment.container,
        protected=environment.protected,
        follows=environment.follows is not None,
        tag=environment.follows.tag if environment.follows else "",
        every=span_text((environment.follows or TagRule("")).every),
        group=environment.group,
        others=tuple(one.name for one in environment.processes[1:]),
        process_limits=limits_of_text(own_limits(environment)),
        swarm=environment.swarm,
    )


def own_limits(environment: Environment) -> dict[str, Limits]:
    """What an environment itself grants its other processes, by their names."""
    return {one.name: one.own_limits for one in environment.processes[1:] if one.own_limits is not None}


def settings_input(settings: Settings) -> EnvironmentInput:
    """What a form shows of settings alone: a template, or a new environment that starts from it."""
    health = settings.health
    return EnvironmentInput(
        variables=dict(settings.variables),
        secrets={name: Secret("") for name in settings.secrets},
        ports=listed(port_text(port) for port in settings.ports),
        volumes=listed(volume_text(volume) for volume in settings.volumes),
        networks=listed(settings.networks),
        memory=bytes_text(settings.limits.memory),
        cpus=number_text(settings.limits.cpus),
        pids=number_text(settings.limits.pids),
        restart=settings.restart.value,
        health_path=health.path,
        health_port=number_text(health.port),
        health_answers=answers_text(health.answers_from, health.answers_to),
        health_settle=f"{health.settle:g}",
        health_limit=f"{health.limit:g}",
        stop_signal=settings.stop_signal,
        stop_seconds=str(settings.stop_seconds),
        command=shlex.join(settings.command),
        init=settings.init,
        labels=dict(settings.labels),
        route=route_input(settings.route),
    )


def draft_template(typed: EnvironmentInput, problems: list[Problem]) -> Settings:
    """The template that is typed; what can't be read is added to `problems`."""
    return _settings(typed, "", problems, "template")


def draft_environment(
    typed: EnvironmentInput,
    application_id: str,
    engines: Mapping[str, str],
    before: Environment | None,
    problems: list[Problem],
    at: str,
) -> tuple[Environment, dict[str, Secret]]:
    """The environment that is typed, in place of `before` where there is one, and the secrets that are new.

    `engines` gives identities by name. What is wrong is added to `problems`, with `at` before the names of fields.
    """
    environment_id = before.id if before else new_id()
    engine = typed.engine.strip()
    if engine not in engines:
        words = f"there is no engine '{engine}' in the catalog" if engine else "choose the engine that it runs on"
        problems.append(Problem(f"{at}.engine", words))
    web = Process(before.processes[0].name if before else DEFAULT_PROCESS, typed.container.strip())
    environment = Environment(
        id=environment_id,
        application_id=application_id,
        name=typed.name.strip(),
        engine_id=engines.get(engine, ""),
        processes=(web, *_others(typed, before, problems, at)),
        going=before.going if before else (),
        settings=_settings(typed, environment_id, problems, f"{at}.settings"),
        protected=typed.protected,
        hold=before.hold if before else None,
        follows=_follows(typed, problems, at),
        group=typed.group.strip(),
        swarm=typed.swarm,
    )
    problems += without_echoes(environment_problems(environment, at), problems, f"{at}.settings")
    problems += new_secret_problems(typed.secrets, before, at)
    return environment, {
        environment.settings.secrets[name].name: secret
        for name, secret in typed.secrets.items()
        if secret and name in environment.settings.secrets
    }


def _others(
    typed: EnvironmentInput, before: Environment | None, problems: list[Problem], at: str
) -> tuple[Process, ...]:
    """The other processes of an environment, with the limits that are typed for them."""
    others = before.processes[1:] if before else ()
    nothing: dict[str, Limits] = {}
    limits = parsed(problems, f"{at}.process_limits", parse_limits_of, typed.process_limits, nothing)
    unknown = sorted(limits.keys() - {one.name for one in others})
    problems += [Problem(f"{at}.process_limits", f"'{name}' is none of its other processes") for name in unknown]
    return tuple(replace(one, own_limits=limits.get(one.name)) for one in others)


def _follows(typed: EnvironmentInput, problems: list[Problem], at: str) -> TagRule | None:
    if not typed.follows:
        return None
    tag = typed.tag.strip()
    return TagRule(tag, parsed(problems, f"{at}.follows.every", parse_span, typed.every, TagRule(tag).every))


def secret_reference(environment_id: str, variable: str) -> SecretReference:
    """Under which name the keyring keeps a secret variable. Raises ValueError where no secret can be called so."""
    return SecretReference(f"environment/{environment_id}/{variable}")


def new_secret_problems(secrets: Mapping[str, Secret], before: Environment | None, at: str) -> list[Problem]:
    """A secret that wasn't there before needs a value."""
    there = before.settings.secrets if before else {}
    return [
        Problem(f"{at}.settings.secrets", f"{name} needs a value")
        for name, secret in secrets.items()
        if not secret and name not in there
    ]


def _settings(typed: EnvironmentInput, environment_id: str, problems: list[Problem], at: str) -> Settings:
    default = Settings()
    answers = parsed(problems, f"{at}.health.answers", parse_answers, typed.health_answers, (200, 399))
    health = HealthTest(
        path=typed.health_path.strip(),
        port=parsed(problems, f"{at}.health.port", parse_whole, typed.health_port, 0),
        answers_from=answers[0],
        answers_to=answers[1],
        settle=parsed(problems, f"{at}.health.settle", parse_seconds, typed.health_settle, default.health.settle),
        limit=parsed(problems, f"{at}.health.limit", parse_seconds, typed.health_limit, default.health.limit),
    )
    limits = Limits(
        memory=parsed(problems, f"{at}.limits.memory", parse_bytes, typed.memory, 0),
        cpus=parsed(problems, f"{at}.limits.cpus", parse_number, typed.cpus, 0.0),
        pids=parsed(problems, f"{at}.limits.pids", parse_whole, typed.pids, 0),
    )
    settings = Settings(
        variables=dict(typed.variables),
        ports=parsed(problems, f"{at}.ports", parse_ports, typed.ports, ()),
        volumes=parsed(problems, f"{at}.volumes", parse_volumes, typed.volumes, ()),
        networks=parse_list(typed.networks),
        limits=limits,
        restart=_word(RestartPolicy, typed.restart, problems, f"{at}.restart"),
        health=health,
        stop_signal=parsed(problems, f"{at}.stop_signal", parse_signal, typed.stop_signal, ""),
        stop_seconds=parsed(problems, f"{at}.stop_seconds", parse_whole, typed.stop_seconds, default.stop_seconds),
        command=parsed(problems, f"{at}.command", parse_command, typed.command, ()),
        init=typed.init,
        labels=dict(typed.labels),
        route=draft_route(typed.route, problems, f"{at}.route"),
    )
    return replace(settings, secrets=references(typed.secrets, environment_id, problems, at))


def references(
    names: Mapping[str, object], environment_id: str, problems: list[Problem], at: str
) -> dict[str, SecretReference]:
    """A reference for each secret variable; a name that no variable can have is a problem."""
    found = {}
    for name in names:
        try:
            found[name] = secret_reference(environment_id, name)
        except ValueError:
            words = f"'{name}' can't be the name of a secret: letters, digits and '_', a letter first"
            problems.append(Problem(f"{at}.secrets", words))
    return found


def _word(kind: type[Word], text: str, problems: list[Problem], at: str) -> Word:
    try:
        return kind(text.strip().lower())
    except ValueError:
        problems.append(Problem(at, f"'{text.strip()}' is not one of {', '.join(kind)}"))
        return next(iter(kind))
