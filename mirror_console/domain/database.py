"""Which database an address in a variable means: host, port, name, user and schema, and never its password.

A name without a dot, and this computer's own addresses, mean another host on each engine: those are told apart by the
engine and the networks in which they are looked up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
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


def database(value: str, engine_id: str, networks: Collection[str]) -> str:
    """What identifies the database that a variable's value is the address of; empty where it is no such address."""
    if len(value) > _LONGEST or _NOT_FILLED_IN.search(value):
        return ""
    try:
        parts = urlsplit(value.strip().removeprefix("jdbc:"))
        scheme = parts.scheme if parts.scheme == "mongodb+srv" else parts.scheme.partition("+")[0]
        # With an '@' there, the path is the rest of a password in which a '/' stands as it is.
        if scheme not in _KINDS or not parts.hostname or "@" in parts.path:
            return ""
        kind, usual = _KINDS[scheme]
        port = parts.port or usual
    except ValueError:
        return ""
    user = unquote(parts.username or "") or _asked(parts, "user")
    name = unquote(parts.path.strip("/")) or _asked(parts, "database") or user
    where = _host(parts.hostname.rstrip("."), engine_id, networks)
    if not name or not where:
        return ""
    schema = _asked(parts, "schema") or _asked(parts, "currentSchema")
    return f"{kind} {where}:{port}/{name} {user} {schema}".rstrip()


def _asked(parts: SplitResult, name: str) -> str:
    return next(iter(parse_qs(parts.query).get(name, ())), "")


def _host(host: str, engine_id: str, networks: Collection[str]) -> str:
    """The host, with all that it takes to tell it from others of that name; empty where that can't be told.

    In which of several networks a name is found isn't known: it is the same where all of them are.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host in _OF_THE_ENGINE:
            return f"{engine_id}/host"
        if host == "localhost":
            # A container's own, unless it has the network of its host.
            return f"{engine_id}/host" if HOST_NETWORK in networks else ""
        if "." in host:
            return host
        return f"{engine_id}/{','.join(sorted(set(networks)))}/{host}" if networks else ""
    if address.is_loopback:
        return f"{engine_id}/host" if HOST_NETWORK in networks else ""
    if address.is_link_local or (address.version == 4 and address in _BRIDGES):
        return f"{engine_id}/{host}"
    return str(address)
