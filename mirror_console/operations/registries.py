"""Registries: check what was typed for one, and keep it, its password in the keyring."""

from __future__ import annotations

from dataclasses import dataclass, field

from mirror_console.domain.engine import Registry
from mirror_console.domain.image import HUB, parse_reference, registry_host
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.keeping import forget, kept


@dataclass(frozen=True, slots=True)
class RegistryInput:
    """What is typed for a registry. A password left empty: what the keyring has already stays."""

    host: str = ""
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))


def save_registry(console: Console, typed: RegistryInput, registry_id: str | None = None) -> Registry:
    """Add a registry, or change the one of that identity.

    Raises InvalidInput with every problem, VaultError where the keyring refuses the password, NotAllowed.
    """
    console.demand_write()
    problems = registry_problems(console, typed, registry_id)
    if problems:
        raise InvalidInput("The registry was not saved.", problems)
    registry, secrets = draft_registry(typed, registry_id or new_id())
    with kept(console, secrets), console.catalog.write() as books:
        books.registries.save(registry)
    return registry


def registry_problems(console: Console, typed: RegistryInput, registry_id: str | None = None) -> list[Problem]:
    """Everything wrong with what is typed for a registry, by itself and beside those in the catalog."""
    with console.catalog.read() as books:
        there = books.registries.by_host(registry_host(typed.host.strip()))
    found = host_and_user_problems(typed)
    if there is not None and there.id != registry_id:
        found.append(Problem("host", f"the registry {there.host} is in the catalog already"))
    if registry_id is None and not typed.password:
        found.append(Problem("password", "a password is needed"))
    return found


def host_and_user_problems(typed: RegistryInput, at: str = "") -> list[Problem]:
    """What is wrong with host and user by themselves; `at` is put before the field names."""
    where = f"{at}." if at else ""
    found = []
    if not _is_registry(typed.host.strip()):
        words = f"'{typed.host.strip()}' is not a registry: host and port alone, such as registry.example:5000"
        found.append(Problem(f"{where}host", words))
    if not typed.user.strip():
        found.append(Problem(f"{where}user", "the name that the registry knows is needed"))
    return found


def draft_registry(typed: RegistryInput, registry_id: str) -> tuple[Registry, dict[str, Secret]]:
    """The registry that is typed, and what would go into the keyring, by reference name."""
    reference = SecretReference(f"registry/{registry_id}/password")
    registry = Registry(registry_id, registry_host(typed.host.strip()), typed.user.strip(), reference)
    return registry, {reference.name: typed.password} if typed.password else {}


def remove_registry(console: Console, registry_id: str) -> None:
    """Take a registry out of the catalog and its password out of the keyring."""
    console.demand_write()
    with console.catalog.write() as books:
        found = [registry for registry in books.registries.all() if registry.id == registry_id]
        books.registries.remove(registry_id)
    forget(console, [registry.password for registry in found])


def _is_registry(host: str) -> bool:
    if registry_host(host) == HUB:
        return True
    try:
        reference = parse_reference(f"{host}/image")
    except InvalidInput:
        return False
    return reference.registry == host and reference.path == "image"
