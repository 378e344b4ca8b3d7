"""Which database an address in a variable means: host, port, name and user, and never its password.

A name without a dot, and this computer's own addresses, mean another host on each engine: those are told apart by the
engine and the network in which they are looked up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from mirror_console.domain.environment import HOST_NETWORK

_KINDS = {
    "postgres": ("postgresql", 5432),
    "postgresql": ("postgresql", 5432),
    "pgsql": ("postgresql", 5432),
    "postgis": ("postgresql", 5432),
    "mysql": ("mysql", 3306),
    "mysql2": ("mysql", 3306),
    "mariadb": ("mysql", 3306),
    "mongodb": ("mongodb", 27017),
    "mongodb+srv": ("mongodb", 27017),
    "sqlserver": ("sqlserver", 1433),
    "mssql": ("sqlserver", 1433),
}
"""By the scheme of an address: what it is, and its usual port. Caches and queues are shared under names within them."""
_LONGEST = 2000
_NOT_FILLED_IN = re.compile(r"\$\{|\$\(|\{\{")
_OF_THE_ENGINE = ("host.docker.internal", "gateway.docker.internal")
_BRIDGES = ipaddress.ip_network("172.16.0.0/12")
"""From here Docker takes the addresses of its own networks, the same on each engine."""


def databases(value: str, engine_id: str, networks: Sequence[str]) -> frozenset[str]:
    """What identifies the database that a variable's value is the address of; none where it is no such address.

    It is found under several identities where its host is looked up in several networks of the engine.
    """
    if len(value) > _LONGEST or _NOT_FILLED_IN.search(value):
        return frozenset()
    try:
        parts = urlsplit(value.strip().removeprefix("jdbc:"))
        scheme = parts.scheme if parts.scheme == "mongodb+srv" else parts.scheme.partition("+")[0]
        if scheme not in _KINDS or not parts.hostname:
            return frozenset()
        kind, usual = _KINDS[scheme]
        port = parts.port or usual
    except ValueError:
        return frozenset()
    user = unquote(parts.username or "") or _asked(parts, "user")
    name = unquote(parts.path.strip("/")) or _asked(parts, "database") or user
    if not name:
        return frozenset()
    host = parts.hostname.rstrip(".")
    return frozenset(f"{kind} {where}:{port}/{name} {user}" for where in _hosts(host, engine_id, networks))


def _asked(parts: SplitResult, name: str) -> str:
    return next(iter(parse_qs(parts.query).get(name, ())), "")


def _hosts(host: str, engine_id: str, networks: Sequence[str]) -> list[str]:
    """The host, with all that it takes to tell it from others of that name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host in _OF_THE_ENGINE:
            return [f"{engine_id}/host"]
        if host == "localhost":
            # A container's own, unless it has the network of its host.
            return [f"{engine_id}/host"] if HOST_NETWORK in networks else []
        if "." in host:
            return [host]
        return [f"{engine_id}/{network}/{host}" for network in networks]
    if address.is_loopback:
        return [f"{engine_id}/host"] if HOST_NETWORK in networks else []
    if address.is_link_local or (address.version == 4 and address in _BRIDGES):
        return [f"{engine_id}/{host}"]
    return [str(address)]
