"""What is done without a rollout stands in the audit before it is done, and then with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mirror_console.domain.audit import Act, Doing, Noun
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import ConsoleError, VaultError
from mirror_console.operations.audited import CUT_OFF, audited
from mirror_console.operations.console import Console
from mirror_console.operations.keeping import forget, kept
from tests.operations.desk import Raced, empty_console


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


def acts(console: Console) -> list[Act]:
    """What stands in the audit, oldest first."""
    with console.catalog.read() as books:
        return [line.act for line in reversed(books.audit.lines())]


def test_the_line_is_there_before_the_deed_and_after_it_what_came_of_it(console: Console) -> None:
    with audited(console, Noun.CLEAN_UP, "e1", "alpha", {"agreed": ["image a"]}) as doings:
        (began,) = acts(console)
        assert (began.doing, began.before, began.title) == (Doing.BEGAN, {"agreed": ["image a"]}, "alpha")
        doings.after = {"removed": ["image a"]}
    (_, ended) = acts(console)
    assert (ended.doing, ended.result, ended.begun, ended.after) == (Doing.ENDED, "done", 1, {"removed": ["image a"]})


@pytest.mark.parametrize(
    ("failure", "result"),
    [(ConsoleError("alpha refused: password=hunter2hunter2", ""), "failed: alpha refused: password=•••"),
     (KeyboardInterrupt(), CUT_OFF)],
)  # fmt: skip
def test_what_failed_says_so_without_a_secret(console: Console, failure: BaseException, result: str) -> None:
    with pytest.raises(type(failure)), audited(console, Noun.RELAY, "fp1:a", "26.8.3", {}):
        raise failure
    assert acts(console)[-1].result == result


def test_without_a_line_there_is_no_deed(console: Console) -> None:
    class Full:
        def __init__(self, console: Console) -> None:
            self._catalog = console.catalog

        def write(self) -> object:
            raise ConsoleError("The disk is full.", "")

    done: list[str] = []
    full = replace(console, catalog=Full(console))  # type: ignore[arg-type]
    with pytest.raises(ConsoleError, match="full"), audited(full, Noun.RELAY, "fp1:a", "26.8.3", {}):
        done.append("it")
    assert done == []


def raced(console: Console, meanwhile: Callable[[], None]) -> Console:
    return replace(console, vault=Raced(console.vault, meanwhile))


def test_secrets_are_named_before_they_are_put_and_never_told(console: Console) -> None:
    seen: list[Act] = []
    watching = raced(console, lambda: seen.append(acts(console)[-1]))
    with kept(watching, {"engine/e1/ca": Secret("very-secret-1"), "engine/e1/key": Secret("very-secret-2")}):
        pass
    assert [act.doing for act in seen] == [Doing.BEGAN, Doing.BEGAN]
    assert seen[0].before == {"put": ["engine/e1/ca", "engine/e1/key"]}
    assert acts(console)[-1].result == "done"
    assert "very-secret" not in repr(acts(console))


def test_a_keyring_that_keeps_a_secret_back_is_told(console: Console) -> None:
    class Locked(Raced):
        def forget(self, reference: SecretReference) -> None:
            raise VaultError("The keyring is locked.", "")

    locked = replace(console, vault=Locked(console.vault, lambda: None))
    forget(locked, [SecretReference("engine/e1/ca")])
    ended = acts(console)[-1]
    assert (ended.result, ended.after) == ("1 stayed in the keyring", {"stays": ["engine/e1/ca"]})


def test_nothing_to_keep_or_forget_has_no_line(console: Console) -> None:
    with kept(console, {}):
        forget(console, [])
    assert acts(console) == []
