"""A host and its port, as they stand in an address."""

from __future__ import annotations

import ipaddress
import re

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
_WRITTEN = re.compile(r"\[(?P<six>[0-9a-fA-F:.]+)\](?::(?P<port6>[0-9]+))?|(?P<host>[^:\[\]]+)(?::(?P<port>[0-9]+))?")


def host_and_port(text: str, default: int | None) -> tuple[str, int]:
    """Read ``host``, ``host:port``, ``[IPv6]`` or ``[IPv6]:port``. Raises ValueError with words.

    A name begins and ends with a letter or digit, so that no program takes it for an option. Without a `default` the
    port must be said.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError("host and port are missing or malformed")
    host = match["six"] or match["host"]
    if match["six"]:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise ValueError(f"'{host}' is not an IPv6 address") from None
    elif not _NAME.fullmatch(host):
        raise ValueError(f"'{host}' is not a host name")
    written = match["port6"] or match["port"]
    if written is None and default is None:
        raise ValueError("the port is missing")
    port = int(written or default or 0)
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port} is out of range 1 to 65535")
    return host, port


def is_loopback(host: str) -> bool:
    """Whether a host is this computer itself, whatever a name server says: 127.0.0.0/8, ::1 or localhost."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
