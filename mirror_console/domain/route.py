"""A route: how requests come to an environment's container, so that a new one can start beside the old one.

By an alias, that a proxy looks up in a network that both share: containers join and leave the route one by one. Or by
labels or variables that a proxy follows by itself, by a convention of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from mirror_console.errors import Problem

ALIAS = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
WITHOUT_ALIASES = frozenset({"host", "none", "bridge", "default"})
"""Networks of every engine, in which there are no aliases."""
ALONE = frozenset({"host", "none"})
"""Networks that a container is in alone, or not at all."""
LONGEST_DRAIN = 3600.0
DEFAULT_DRAIN = 10.0


@dataclass(frozen=True, slots=True)
class Route:
    """How requests come to a container.

    By an `alias` in the proxy's `network`: the proxy sends them to that name, at the container's `port`. Or by the
    labels of a `convention`, by its name. `drain`, in seconds, is for how long the old container goes on after it was
    taken from the route; of labels, for how long both run. `overlap` says that two copies may run at once: without it
    the container is replaced, as without a route. `proof` is an address that is asked through the proxy of the same
    engine before the old container goes; empty for none.
    """

    network: str = ""
    alias: str = ""
    port: int = 0
    convention: str = ""
    drain: float = DEFAULT_DRAIN
    overlap: bool = False
    proof: str = ""

    @property
    def by_alias(self) -> bool:
        """Whether containers join and leave it by an alias."""
        return bool(self.alias)


@dataclass(frozen=True, slots=True)
class Convention:
    """How a proxy that follows labels knows a container that it is to send requests to.

    `labels` and `variables` are patterns, of a name or of ``name=value``; one that fits is enough. `waits_for_health`
    says that it sends nothing to a container whose health check hasn't passed yet.
    """

    name: str
    title: str
    labels: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    waits_for_health: bool = False

    def marks(self, labels: Mapping[str, str], variables: Mapping[str, str]) -> bool:
        """Whether a container with these labels and variables gets requests."""
        return _fits(self.labels, labels) or _fits(self.variables, variables)

    @property
    def marks_words(self) -> str:
        """What marks a container, in words: ``a label traefik.enable=true or traefik.http.routers.*``."""
        found = [
            f"a {kind} {' or '.join(patterns)}"
            for kind, patterns in (("label", self.labels), ("variable", self.variables))
            if patterns
        ]
        return ", or ".join(found)


def _fits(patterns: Collection[str], there: Mapping[str, str]) -> bool:
    return any(
        fnmatchcase(f"{name}={value}" if "=" in pattern else name, pattern)
        for pattern in patterns
        for name, value in there.items()
    )


def without_alias(route: Route | None) -> bool:
    """Whether nothing of a route is part of a container."""
    return route is None or not route.by_alias


def may_start_beside(route: Route | None, host_ports: Iterable[int]) -> bool:
    """Whether a new container may run beside the old one: it is routed, both may run, and no host port is fixed."""
    return route is not None and route.overlap and not any(host_ports)


def alias_words(route: Route) -> str:
    """``shop-a in edge``."""
    return f"{route.alias} in {route.network}"


# --- what is wrong with it --------------------------------------------------------------------------------------------


def route_problems(route: Route, networks: Collection[str], host_ports: Collection[int], at: str) -> list[Problem]:
    """Everything wrong with a route beside these networks and fixed host ports; `at` is put before the field names."""
    found = [*_by_alias(route, networks, at), *_proof_problems(route.proof, at)]
    if route.overlap and any(host_ports):
        ports = ", ".join(str(port) for port in sorted(host_ports) if port)
        words = (
            f"two copies can't both publish host port {ports}: leave the port to the proxy, or say that they may not "
            "overlap"
        )
        found.append(Problem(f"{at}.overlap", words))
    if not 0 <= route.drain <= LONGEST_DRAIN:
        found.append(Problem(f"{at}.drain", "0 seconds to an hour"))
    return found


def _by_alias(route: Route, networks: Collection[str], at: str) -> list[Problem]:
    found = []
    if route.convention:
        if route.alias or route.network or route.port:
            found.append(Problem(f"{at}.labels", "it goes by labels, or by an alias in a network, not by both"))
        return found
    if route.network in WITHOUT_ALIASES:
        found.append(Problem(f"{at}.network", f"there are no aliases in '{route.network}': give the proxy's network"))
    elif not route.network:
        found.append(Problem(f"{at}.network", "say the proxy's network and an alias in it, or whose labels it follows"))
    if route.network and route.network in networks:
        words = f"'{route.network}' stands among the networks too: leave it out there, as it is joined last"
        found.append(Problem(f"{at}.network", words))
    if ALONE & set(networks):
        words = f"a container in the network '{min(ALONE & set(networks))}' can't be in another one"
        found.append(Problem(f"{at}.network", words))
    if route.alias and not ALIAS.fullmatch(route.alias):
        words = f"'{route.alias}' is not an alias: lower-case letters, digits, '-' and '.', 63 at most"
        found.append(Problem(f"{at}.alias", words))
    if not 0 <= route.port <= 65535:
        found.append(Problem(f"{at}.port", f"{route.port} is out of range 1 to 65535"))
    return found


def alias_needed(route: Route | None, at: str) -> list[Problem]:
    """That an environment's route by an alias has none: a template has none, as two mirrors can't share one."""
    if route is None or route.alias or route.convention or not route.network:
        return []
    return [Problem(f"{at}.alias", f"say under which alias the proxy finds it in '{route.network}'")]


def no_alias(route: Route | None, at: str) -> list[Problem]:
    """That a template has an alias."""
    if route is None or not route.alias:
        return []
    return [Problem(f"{at}.alias", "each environment has an alias of its own")]


@dataclass(frozen=True, slots=True)
class Proof:
    """What is asked through the proxy: a published port of the engine, for a host, at a path."""

    host: str
    port: int
    path: str


def proof_of(address: str) -> Proof:
    """Read ``http://shop.example/up``. Raises ValueError."""
    try:
        parts = urlsplit(address)
        port = parts.port or 80
    except ValueError:
        raise ValueError(f"'{address}' is not an address") from None
    if parts.scheme != "http" or not parts.hostname or parts.username or not address.isprintable():
        raise ValueError(f"'{address}' is not an address to ask: write http://shop.example/up")
    path = parts.path or "/"
    host = parts.hostname if port == 80 else f"{parts.hostname}:{port}"
    return Proof(host, port, f"{path}?{parts.query}" if parts.query else path)


def _proof_problems(address: str, at: str) -> list[Problem]:
    if not address:
        return []
    try:
        proof_of(address)
    except ValueError as error:
        return [Problem(f"{at}.proof", str(error))]
    return []
