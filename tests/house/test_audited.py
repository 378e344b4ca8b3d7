"""Whatever changes an engine or the keyring is written down before: in the journal, or in the audit.

Changes of the catalog need no such list: SQLite hears them, see tests/store/test_audit.py.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "mirror_console"

SESSION = {"pull", "load", "tag", "remove_image", "create", "start", "stop", "rename", "set_restart", "remove"}
SESSION |= {"create_network", "create_volume", "grant"}
"""Verbs of an engine's session that change something on it."""
VAULT = {"put", "forget"}

PLACES = {
    "operations/steps.py session": "journal: each is the act of a step",
    "operations/release_command.py session": "journal: the acts of MAKE_COMMAND and RELEASE",
    "operations/permission.py session": "nothing is changed: it asks for containers and images that can't be there",
    "operations/turn_lock.py session": "journal: the lock's steps",
    "operations/heartbeat.py session": "journal: a number on a lock that a step has made; nothing else of it changes",
    "operations/containers.py session": "journal: the act of CREATE",
    "operations/providing.py session": "journal: the act of PROVIDE",
    "operations/fetching.py session": "journal of the rollout that wants it; else the audit's line of the prefetch",
    "operations/arrival.py session": "audit: the relay's line",
    "operations/relay.py session": "audit: the relay's line",
    "operations/cleanup.py session": "audit: the clean-up's line names all that was agreed to",
    "operations/keeping.py vault": "audit: the names of what is put or forgotten",
    "operations/credentials.py vault": "audit: the name of what is forgotten",
    "operations/keyed.py vault": "nobody's change: the key by which secrets are compared is made on first need",
    "operations/audit.py vault": "nobody's change: the audit's own last line",
}
"""Where something is changed on an engine or in the keyring, and where that is written down before it is done."""


def test_everything_that_changes_an_engine_or_the_keyring_is_named_with_its_record() -> None:
    found = set().union(*(_changing(path) for path in PROGRAM.rglob("*.py") if _may(path)))
    assert found == PLACES.keys(), "say where it is written down before it is done"


@pytest.mark.parametrize("module", ["cleanup", "relay", "prefetch", "keeping", "credentials"])
def test_whoever_begins_it_writes_the_line(module: str) -> None:
    assert "with audited(" in (PROGRAM / "operations" / f"{module}.py").read_text("utf-8")


def _may(path: Path) -> bool:
    return path.relative_to(PROGRAM).parts[0] in {"operations", "cli", "ui"}


def _changing(path: Path) -> set[str]:
    """What a module changes: ``operations/steps.py session``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            for receiver, verbs in (("session", SESSION), ("vault", VAULT)):
                if node.func.attr in verbs and _name(node.func.value).lstrip("_") == receiver:
                    found.add(f"{path.relative_to(PROGRAM).as_posix()} {receiver}")
    return found


def _name(node: ast.expr) -> str:
    """The last part of a name: ``session`` of ``self.session`` and of ``held.session``."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
    return ""
