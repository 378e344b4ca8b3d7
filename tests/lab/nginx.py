"""Images of nginx, a real proxy from Debian's packages: its program, the libraries that it loads, and a configuration.

As a web application it answers fast, and ends what it was asked before it stops. As a proxy it looks a name up again
every second.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from tests.lab.docker_cli import Docker
from tests.lab.images import BuiltImage, built_of, own_architecture, packed
from tests.lab.programs import find, run

COMMON = """\
daemon off;
user root root;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_timeout 0;
    %s
}
"""
APPLICATION = 'server { listen 8080; location / { return 200 "version %s\\n"; } }'
PROXY = """\
    # The engine's own resolver, asked again after a second; a name in a variable is looked up for each request.
    resolver 127.0.0.11 valid=1s ipv6=off;
    proxy_connect_timeout 2s;
    proxy_read_timeout 5s;
    proxy_next_upstream %s;
    server { listen 8080; location / { set $to $host; proxy_pass http://$to:8080; } }
"""


def application(docker: Docker, reference: str) -> str:
    """An application that tells its version, which is the reference's tag. Its reference."""
    return _load(docker, reference, APPLICATION % reference.rpartition(":")[2])


def proxy(docker: Docker, reference: str, *, tries_next: bool) -> str:
    """A proxy that sends what is asked of a host to that name. `tries_next` is nginx's own default. Its reference."""
    return _load(docker, reference, PROXY % ("error timeout" if tries_next else "off"))


def _load(docker: Docker, reference: str, servers: str) -> str:
    docker.run("load", "--quiet", feed=_built(reference, servers).archive)
    return reference


def _built(reference: str, servers: str) -> BuiltImage:
    program = Path(find("nginx"))
    files = {str(path).lstrip("/"): path.read_bytes() for path in (program, *_libraries(program))}
    files |= {"etc/passwd": b"root:x:0:0:root:/:/bin/false\n", "etc/group": b"root:x:0:\n"}
    files["nginx.conf"] = (COMMON % servers).encode()
    folders = sorted({str(parent) for name in files for parent in Path(name).parents if str(parent) != "."})
    layer = packed(files, folders=(*folders, "tmp", "var", "var/lib", "var/lib/nginx", "var/log", "var/log/nginx"))
    version = reference.rpartition(":")[2]
    config = {
        "architecture": own_architecture(),
        "os": "linux",
        "config": {
            "Cmd": [str(program), "-e", "stderr", "-c", "/nginx.conf"],
            "ExposedPorts": {"8080/tcp": {}},
            # Told so, it answers what it was asked before it ends.
            "StopSignal": "SIGQUIT",
            "Labels": {"org.opencontainers.image.version": version},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    return built_of(reference, json.dumps(config, sort_keys=True).encode(), [layer])


def _libraries(program: Path) -> list[Path]:
    """The shared libraries that a program loads, and what loads them."""
    told = run(["ldd", str(program)])
    return [Path(found) for found in dict.fromkeys(re.findall(r"(/\S+)", told.stdout))]
