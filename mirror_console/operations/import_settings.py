"""Import settings: the settings and the hold of an environment, as an import file writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from mirror_console.domain.environment import (
    HealthTest,
    Hold,
    Limits,
    Port,
    RestartPolicy,
    Settings,
    TagRule,
    Volume,
)
from mirror_console.domain.image import DIGEST
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import Problem
from mirror_console.operations.application_input import references
from mirror_console.operations.import_fields import Fields, scalar
from mirror_console.operations.route_input import read_route
from mirror_console.operations.typed import (
    check_address,
    check_volume_source,
    parse_answers,
    parse_bytes,
    parse_command,
    parse_port,
    parse_port_number,
    parse_seconds,
    parse_signal,
    parse_span,
    parse_volume,
)
from mirror_console.operations.yaml_text import Node

SETTINGS = (
    "variables",
    "secrets",
    "ports",
    "volumes",
    "networks",
    "limits",
    "restart",
    "health",
    "stop_signal",
    "stop_seconds",
    "command",
    "init",
    "labels",
    "route",
)
TEMPLATE = tuple(name for name in SETTINGS if name != "secrets")
"""A template has no secrets: each environment has its own."""
HOLD = ("fingerprint", "version", "reason", "person", "since", "until", "digest")
FOLLOWS = ("tag", "every")


def read_settings(fields: Fields, before: Settings, secrets: Mapping[str, SecretReference]) -> Settings:
    """The settings that a mapping describes; what it leaves out stays as it was before."""
    limits = fields.below("limits", ("memory", "cpus", "pids"))
    health = fields.below("health", ("path", "port", "answers", "settle", "limit"))
    old = before.health
    answers = health.of("answers", parse_answers, (old.answers_from, old.answers_to))
    return Settings(
        variables=_texts(fields, "variables") if "variables" in fields else before.variables,
        secrets=secrets,
        ports=_ports(fields, before.ports),
        volumes=fields.items("volumes", before.volumes, lambda path, node: _volume(path, node, fields.problems)),
        networks=fields.texts("networks", before.networks),
        limits=Limits(
            memory=limits.of("memory", parse_bytes, before.limits.memory),
            cpus=limits.number("cpus", before.limits.cpus),
            pids=limits.whole("pids", before.limits.pids),
        ),
        restart=fields.word("restart", RestartPolicy, before.restart),
        health=HealthTest(
            path=health.text("path", old.path),
            port=health.whole("port", old.port),
            answers_from=answers[0],
            answers_to=answers[1],
            settle=health.of("settle", parse_seconds, old.settle),
            limit=health.of("limit", parse_seconds, old.limit),
        ),
        stop_signal=fields.of("stop_signal", parse_signal, before.stop_signal),
        stop_seconds=fields.whole("stop_seconds", before.stop_seconds),
        command=read_command(fields, before.command),
        init=fields.flag("init", before.init),
        labels=_texts(fields, "labels") if "labels" in fields else before.labels,
        route=read_route(fields, before.route),
    )


def read_template(fields: Fields, before: Settings | None) -> Settings | None:
    """What a source's template becomes; None where nothing stands there, or none was."""
    node = fields.node("template")
    if node is None:
        return before
    if node.is_nothing:
        return None
    return read_settings(fields.below("template", TEMPLATE), before or Settings(), {})


def read_secrets(
    fields: Fields,
    before: Mapping[str, SecretReference],
    environment_id: str,
    value: Callable[[str, Node], Secret | None],
) -> tuple[dict[str, SecretReference], dict[str, Secret]]:
    """References of the secret variables that are named, and the values that are given with them, by reference name.

    `value` reads a value that isn't a mere name: it gets the path and what stands there.
    """
    node = fields.node("secrets")
    if node is None:
        return dict(before), {}
    if isinstance(node.value, dict):
        given = {name: value(f"{fields.path('secrets')}.{name}", found) for name, found in node.value.items()}
    else:
        given = dict.fromkeys(fields.texts("secrets", ()))
    named = references(given, environment_id, fields.problems, fields.at)
    return named, {named[name].name: secret for name, secret in given.items() if secret and name in named}


def read_hold(fields: Fields, person: str, now: datetime) -> Hold | None:
    """The hold that a mapping describes; None where nothing stands there."""
    node = fields.node("hold")
    if node is None or node.is_nothing:
        return None
    hold = fields.below("hold", HOLD)
    return Hold(
        fingerprint=hold.text("fingerprint", needed="digest" not in hold),
        version=hold.text("version"),
        reason=hold.text("reason", needed=True),
        person=hold.text("person", person),
        since=hold.of("since", _moment, now),
        until=hold.of("until", _moment, now) if hold.text("until") else None,
        digest=hold.of("digest", _digest, ""),
    )


def read_follows(fields: Fields) -> TagRule | None:
    """The tag that a source's environment follows: its name alone, or with how often it is looked up; None for none."""
    node = fields.node("follows")
    if node is None or node.is_nothing:
        return None
    tag = scalar(node)
    if tag is not None:
        return TagRule(tag.strip())
    follows = fields.below("follows", FOLLOWS)
    return TagRule(follows.text("tag", needed=True), follows.of("every", parse_span, TagRule("").every))


def _texts(fields: Fields, which: str) -> dict[str, str]:
    found = {}
    for name, node in fields.pairs(which).items():
        text = scalar(node)
        if text is None:
            fields.problems.append(Problem(f"{fields.path(which)}.{name}", "a text belongs here"))
        found[name] = text or ""
    return found


def _ports(fields: Fields, before: tuple[Port, ...]) -> tuple[Port, ...]:
    """The ports that can be read: what stands in for a part that can't be would clash with others."""
    maybe: tuple[Port | None, ...] = before
    found = fields.items("ports", maybe, lambda path, node: _port(path, node, fields.problems))
    return tuple(port for port in found if port is not None)


def _port(path: str, node: Node, problems: list[Problem]) -> Port | None:
    text = scalar(node)
    if text is not None:
        return parse_port(text)
    already = len(problems)
    fields = Fields(node, path, ("container", "host", "address", "protocol"), problems)
    default = Port(0, 0)
    container = fields.node("container")
    if container is None or container.is_nothing:
        fields.wrong("container", "the container's port is missing")
    port = Port(
        container=fields.of("container", parse_port_number, 0),
        host=fields.of("host", parse_port_number, 0),
        address=fields.of("address", check_address, default.address),
        protocol=fields.text("protocol", default.protocol).lower(),
    )
    return port if len(problems) == already else None


def _volume(path: str, node: Node, problems: list[Problem]) -> Volume:
    text = scalar(node)
    if text is not None:
        return parse_volume(text)
    fields = Fields(node, path, ("source", "target", "read_only"), problems)
    if "source" not in fields:
        fields.wrong("source", "the volume's name is missing")
    return Volume(
        source=fields.of("source", check_volume_source, ""),
        target=fields.text("target", needed=True),
        read_only=fields.flag("read_only", False),
    )


def read_command(fields: Fields, before: tuple[str, ...]) -> tuple[str, ...]:
    """A command as a list of its words, or as it is typed."""
    node = fields.node("command")
    if node is not None and isinstance(node.value, list):
        return tuple(scalar(item) or "" for _, item in fields.several("command"))
    return fields.of("command", parse_command, before)


def _digest(text: str) -> str:
    if text.strip() and not DIGEST.fullmatch(text.strip()):
        raise ValueError(f"'{text.strip()}' is not a digest: sha256: and 64 digits")
    return text.strip()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"'{text.strip()}' is no time: write 2026-08-30 14:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
