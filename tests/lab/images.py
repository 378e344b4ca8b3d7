"""Builds the lab's images: a tiny web application on busybox, with versions and with ways to misbehave.

The application answers HTTP on $PORT (8080 unless set). `/` tells its version and the settings that it shows; `/health`
answers 200, or 503 when it never gets healthy. It ends at once on SIGTERM, except where it is told to ignore that.
Equal content gives an image with the same id everywhere, however often it is built.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from tests.lab import asking
from tests.lab.asking import ask
from tests.lab.docker_cli import Docker
from tests.lab.programs import find

APPLETS = ("sh", "cat", "date", "df", "echo", "env", "grep", "kill", "ls", "nc", "ps", "sed", "sleep", "true", "wget")
SHOWN = ("DOMAIN", "DOMAIN_ALIASES", "GREETING", "STAGE")
"""The settings that the application tells everyone; never those that may hold a password."""

FIRST_DAY = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)

MAIN = """\
#!/bin/sh
# $APP_BEHAVIOUR says how to behave, $APP_SECONDS for how long.
trap 'exit 0' TERM INT
case $APP_BEHAVIOUR in
    ignores-term) trap '' TERM ;;
    exits-at-once) echo 'cannot start: told to exit' >&2; exit 3 ;;
    slow-start) echo 'starting slowly'; sleep "$APP_SECONDS" & wait $! ;;
    well-once) if [ -e /app/ran ]; then : > /app/ill; fi; : > /app/ran ;;
esac
echo "version $APP_VERSION on port ${PORT:=8080}"
export PORT
nc -ll -p "$PORT" -e /app/answer &
server=$!
if [ "$APP_BEHAVIOUR" = healthy-then-dies ]; then
    sleep "$APP_SECONDS" & wait $!
    echo 'dying: told to die' >&2
    exit 4
fi
if [ "$APP_BEHAVIOUR" = eats-memory ]; then
    sleep "$APP_SECONDS" & wait $!
    x=0123456789abcdef
    while :; do x=$x$x; done
fi
wait $server
"""

ANSWER = """\
#!/bin/sh
# One request on standard input, one answer on standard output.
read -r method path rest
while read -r line && [ "${line%?}" ]; do :; done
answer() {
    printf 'HTTP/1.0 %s\\r\\nContent-Type: text/plain\\r\\nContent-Length: %s\\r\\nConnection: close\\r\\n\\r\\n%s' \\
        "$1" "${#2}" "$2"
}
case $path in
    /health)
        if [ "$APP_BEHAVIOUR" = never-healthy ] || [ -e /app/ill ]; then
            answer '503 Service Unavailable' 'unhealthy'
        else
            answer '200 OK' 'healthy'
        fi ;;
    /)
        text="version $APP_VERSION"
        for name in $APP_SHOWN; do
            eval "value=\\${$name-}"
            [ "$value" ] && text="$text
$name=$value"
        done
        answer '200 OK' "$text" ;;
    *) answer '404 Not Found' 'not found' ;;
esac
"""

PROBE = """\
#!/bin/sh
# Exits with 0 when the application says that it is healthy.
printf 'GET /health HTTP/1.0\\r\\n\\r\\n' | nc -w 2 127.0.0.1 "${PORT:-8080}" | grep -q '^HTTP/1.0 200 '
"""


class Behaviour(StrEnum):
    """How an image's application behaves."""

    OK = "ok"
    SLOW_START = "slow-start"
    NEVER_HEALTHY = "never-healthy"
    HEALTHY_THEN_DIES = "healthy-then-dies"
    IGNORES_TERM = "ignores-term"
    EXITS_AT_ONCE = "exits-at-once"
    WELL_ONCE = "well-once"
    """From its second start on it isn't healthy."""
    EATS_MEMORY = "eats-memory"
    """Only to be started with a memory limit."""


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """One image. `seconds` is how long a slow start takes, or how long it lives before it dies or eats memory.

    With `probe` it has Docker's own health check, asked every `probe` seconds; a slow start gets time for it.
    `payload` is a number of bytes of ballast that no compression makes smaller.
    """

    repository: str
    version: str
    behaviour: Behaviour = Behaviour.OK
    seconds: float = 2.0
    probe: float | None = None
    revision: str = ""
    created: datetime | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    payload: int = 0
    architecture: str = ""
    """Which it calls its own; empty is this machine's. The programs in it are this machine's in any case."""

    @property
    def reference(self) -> str:
        """Repository and version, as the engine names it."""
        return f"{self.repository}:{self.version}"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image as an archive that `docker load` reads, with the id that a classic image store gives it."""

    reference: str
    id: str
    archive: bytes


def load(docker: Docker, spec: ImageSpec) -> str:
    """Build an image and put it on an engine (nothing when it is there); returns its id."""
    built = build(spec)
    present = ask(docker.engine.socket, "GET", f"/images/{built.reference}/json")
    if present is None or present["Id"] != built.id:
        asking.load(docker.engine.socket, built.archive)
    return built.id


def build(spec: ImageSpec) -> BuiltImage:
    """Build an image without an engine."""
    return built_of(spec.reference, *parts(spec))


def built_of(reference: str, config: bytes, layers: list[bytes]) -> BuiltImage:
    """An image of its configuration and its layers."""
    identifier = hashlib.sha256(config).hexdigest()
    names = [f"{hashlib.sha256(layer).hexdigest()}/layer.tar" for layer in layers]
    manifest = [{"Config": f"{identifier}.json", "RepoTags": [reference], "Layers": names}]
    files = {f"{identifier}.json": config, "manifest.json": json.dumps(manifest).encode()}
    return BuiltImage(reference, f"sha256:{identifier}", packed(files | dict(zip(names, layers, strict=True))))


def parts(spec: ImageSpec) -> tuple[bytes, list[bytes]]:
    """What an image is made of: its configuration, and its layers as they are before they are packed."""
    layers = [_base_layer(), _application_layer(spec)]
    if spec.payload:
        layers.append(_payload_layer(spec))
    return json.dumps(_config(spec, layers), sort_keys=True, separators=(",", ":")).encode(), layers


def _config(spec: ImageSpec, layers: list[bytes]) -> dict[str, object]:
    created = (spec.created or _day_of(spec.version)).isoformat().replace("+00:00", "Z")
    revision = spec.revision or hashlib.sha256(spec.reference.encode()).hexdigest()[:12]
    variables = {
        "PATH": "/bin",
        "APP_VERSION": spec.version,
        "APP_BEHAVIOUR": spec.behaviour.value,
        "APP_SECONDS": f"{spec.seconds:g}",
        "APP_SHOWN": " ".join(SHOWN),
    }
    container: dict[str, object] = {
        "Env": [f"{name}={value}" for name, value in (variables | dict(spec.variables)).items()],
        "Cmd": ["/app/main"],
        "WorkingDir": "/app",
        "ExposedPorts": {"8080/tcp": {}},
        "Labels": {
            "org.opencontainers.image.version": spec.version,
            "org.opencontainers.image.revision": revision,
            "org.opencontainers.image.created": created,
            **spec.labels,
        },
    }
    if spec.probe is not None:
        grace = spec.seconds + 5 if spec.behaviour is Behaviour.SLOW_START else 0.0
        container["Healthcheck"] = {
            "Test": ["CMD", "/app/probe"],
            "Interval": int(spec.probe * 1e9),
            # The probe answers at once; on a computer that is busy its process alone may take seconds to begin.
            "Timeout": int(10e9),
            "StartPeriod": int(grace * 1e9),
            "Retries": 2,
        }
    return {
        "architecture": spec.architecture or own_architecture(),
        "os": "linux",
        "created": created,
        "config": container,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
        "history": [{"created": created, "created_by": "lab"} for _ in layers],
    }


def own_architecture() -> str:
    """This machine's, as images call it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@functools.cache
def _base_layer() -> bytes:
    """Busybox with a name for each program that is used: the same for every image, so engines keep it once."""
    links = {f"bin/{applet}": "busybox" for applet in APPLETS}
    return packed(
        {"bin/busybox": Path(find("busybox")).read_bytes()}, folders=("bin", "tmp", "data", "app"), links=links
    )


def _application_layer(spec: ImageSpec) -> bytes:
    files = {"app/main": MAIN, "app/answer": ANSWER, "app/probe": PROBE, "app/version": f"{spec.reference}\n"}
    return packed({name: text.encode() for name, text in files.items()})


def _payload_layer(spec: ImageSpec) -> bytes:
    return packed({"app/payload": hashlib.shake_256(spec.reference.encode()).digest(spec.payload)})


def _day_of(version: str) -> datetime:
    """A date that only the version decides: later versions get later dates, a week apart by their last number."""
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    weeks = sum(number * scale for number, scale in zip(reversed(numbers[-2:]), (1, 4), strict=False))
    return FIRST_DAY + timedelta(weeks=weeks)


def packed(files: Mapping[str, bytes], folders: tuple[str, ...] = (), links: Mapping[str, str] | None = None) -> bytes:
    """An archive in which nothing depends on when or by whom it was made."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in folders:
            entry = _entry(name, 0o1777 if name in ("tmp", "data") else 0o755)
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
        for name, content in files.items():
            entry = _entry(name, 0o755)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = _entry(name, 0o777)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return buffer.getvalue()


def _entry(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime = mode, int(FIRST_DAY.timestamp())
    return entry
