"""Export: the catalog as a YAML file that imports again, without any secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from mirror_console.domain.access import Access
from mirror_console.domain.application import Application
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Environment, HealthTest, Hold, Port, Settings, TagRule
from mirror_console.domain.route import Route
from mirror_console.domain.ssh import SshAccess
from mirror_console.operations.command_input import commands_content
from mirror_console.operations.console import Console
from mirror_console.operations.import_batch import Known
from mirror_console.operations.import_file import FORMAT
from mirror_console.operations.import_schedule import freezes_content, windows_content
from mirror_console.operations.process_input import containers_content, process_limits_content, processes_content
from mirror_console.operations.route_input import route_content
from mirror_console.operations.service_input import services_content
from mirror_console.operations.typed import answers_text, span_text


def export_catalog(console: Console) -> str:
    """Everything that an import takes, as YAML that imports again. Of secrets it has the names alone."""
    return as_yaml(exported(console))


def as_yaml(document: dict[str, Any]) -> str:
    """An exported document as it stands in a file."""
    return yaml.dump(document, Dumper=_WithoutAnchors, sort_keys=False, allow_unicode=True, width=110)


def exported(console: Console) -> dict[str, Any]:
    """The document that an export is, before it is written down."""
    with console.catalog.read() as books:
        known = Known.of(books)
        schedule = books.schedule.all()
    engines = {engine.id: engine.name for engine in known.engines}
    slugs = {application.id: application.slug for application in known.applications}
    sources = {application.id: application.source_id for application in known.applications}
    routes = {application.id: application.template.route for application in known.applications if application.template}
    environments: dict[str, list[dict[str, Any]]] = {application.id: [] for application in known.applications}
    for environment in known.environments:
        template = routes.get(sources[environment.application_id])
        content = _environment(environment, engines[environment.engine_id], template)
        environments[environment.application_id].append(content)
    applications = [
        (application, {**_application(application, slugs), "environments": environments[application.id]})
        for application in known.applications
    ]
    return {
        "format": int(FORMAT),
        "accounts": [
            _filled({"name": account.name, "title": account.title, "contact": account.contact})
            for account in known.accounts
        ],
        "engines": [_engine(engine, known.accesses) for engine in known.engines],
        "registries": [{"host": registry.host, "user": registry.user} for registry in known.registries],
        "sources": [content for application, content in applications if not application.is_mirror],
        "mirrors": [content for application, content in applications if application.is_mirror],
        "windows": windows_content(schedule, slugs),
        "freezes": freezes_content(schedule, slugs),
    }


class _WithoutAnchors(yaml.SafeDumper):
    """Writes what stands in a document twice out twice: anchors are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always."""
        return True


def _filled(content: Mapping[str, Any], always: Iterable[str] = ()) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value or name in always}


def _engine(engine: Engine, accesses: Iterable[Access]) -> dict[str, Any]:
    default = Engine("", "", engine.address)
    return _filled(
        {
            "name": engine.name,
            "address": str(engine.address),
            "location": engine.location,
            "often_offline": engine.often_offline,
            "at_once": engine.at_once if engine.at_once != default.at_once else None,
            "timeout": engine.timeout if engine.timeout != default.timeout else None,
            "notes": engine.notes,
            "probe_host": engine.probe_host,
            "simulated": engine.simulated,
            "ssh": _ssh(engine.ssh) if engine.ssh else None,
            "server_key": engine.server_key,
            "accounts": [_access(one) for one in accesses if one.engine_id == engine.id],
        }
    )


def _access(access: Access) -> dict[str, Any]:
    return _filled({"account": access.account, "ssh": {"user": access.user} if access.user else None})


def _ssh(access: SshAccess) -> dict[str, Any]:
    default = SshAccess()
    return _filled(
        {
            "sign_in": access.sign_in.value,
            "jumps": [str(hop) for hop in access.jumps],
            "to_socket": access.to_socket.value if access.to_socket != default.to_socket else None,
            "host_keys": [str(key) for key in access.host_keys],
        }
    )


def _application(application: Application, slugs: Mapping[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": application.name,
        "slug": application.slug,
        "account": application.account,
        "tags": list(application.tags),
        "domains": list(application.domains),
        "notes": application.notes,
    }
    if application.is_mirror:
        content |= {
            "source": slugs.get(application.source_id, ""),
            "image_source": application.image_source.value,
        }
    else:
        content |= {
            "repository": application.repository,
            "required_variables": list(application.required_variables),
            "notes_url": application.notes_url,
            "template": _settings(application.template) if application.template else None,
            **commands_content(application),
            "own_variables": list(application.own_variables),
            "shared": list(application.shared),
            "processes": processes_content(application),
            "services": services_content(application),
        }
    return _filled(content)


def _environment(environment: Environment, engine: str, template: Route | None) -> dict[str, Any]:
    return _filled(
        {
            "name": environment.name,
            "engine": engine,
            "container": environment.container,
            "containers": containers_content(environment),
            "process_limits": process_limits_content(environment),
            "protected": environment.protected,
            "hold": _hold(environment.hold) if environment.hold else None,
            "follows": _follows(environment.follows) if environment.follows else None,
            "group": environment.group,
            "swarm": environment.swarm,
            "settings": _settings(environment.settings, template),
        }
    )


def _follows(rule: TagRule) -> dict[str, Any]:
    return {"tag": rule.tag, "every": span_text(rule.every)}


def _hold(hold: Hold) -> dict[str, Any]:
    return _filled(
        {
            "fingerprint": hold.fingerprint,
            "version": hold.version,
            "reason": hold.reason,
            "person": hold.person,
            "since": hold.since.isoformat(),
            "until": hold.until.isoformat() if hold.until else None,
            "digest": hold.digest,
        }
    )


def _settings(settings: Settings, template: Route | None = None) -> dict[str, Any]:
    limits = settings.limits
    return _filled(
        {
            "variables": dict(settings.variables),
            "secrets": list(settings.secrets),
            "ports": [_port(port) for port in settings.ports],
            "volumes": [
                _filled({"source": volume.source, "target": volume.target, "read_only": volume.read_only})
                for volume in settings.volumes
            ],
            "networks": list(settings.networks),
            "limits": _filled({"memory": limits.memory, "cpus": limits.cpus, "pids": limits.pids}),
            "restart": settings.restart.value,
            "health": _health(settings.health),
            "stop_signal": settings.stop_signal,
            "stop_seconds": settings.stop_seconds,
            "command": list(settings.command),
            "init": settings.init,
            "labels": dict(settings.labels),
            "route": route_content(settings.route, template),
        },
        # Left out, it would be the template's.
        always=("stop_seconds", "route") if template != settings.route else ("stop_seconds",),
    )


def _port(port: Port) -> dict[str, Any]:
    default = Port(0, 0)
    return _filled(
        {
            "host": port.host,
            "container": port.container,
            "address": port.address if port.address != default.address else "",
            "protocol": port.protocol if port.protocol != default.protocol else "",
        }
    )


def _health(health: HealthTest) -> dict[str, Any]:
    return {
        **_filled({"path": health.path, "port": health.port}),
        "answers": answers_text(health.answers_from, health.answers_to),
        "settle": health.settle,
        "limit": health.limit,
    }
