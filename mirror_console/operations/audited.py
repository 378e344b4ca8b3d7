"""Audited: what is done on an engine or in the keyring without a rollout, written down before it is done, and after.

Changes of the catalog are heard by the catalog itself, and steps of a rollout have the journal. Whoever changes
anything else does it inside of `audited`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mirror_console.domain.audit import Act, Doing, Noun
from mirror_console.domain.plain import clean
from mirror_console.domain.redaction import redacted
from mirror_console.errors import ConsoleError
from mirror_console.operations.console import Console

CUT_OFF = "broken off"


@dataclass(slots=True)
class Doings:
    """What came of something, to be filled in while it is done."""

    result: str = "done"
    after: dict[str, Any] = field(default_factory=dict)


@contextmanager
def audited(
    console: Console,
    noun: Noun,
    of: str,
    title: str,
    before: Mapping[str, Any],
    *,
    account: str = "",
    why: str = "",
) -> Iterator[Doings]:
    """Write that something is begun, with what is to be done to what (`before`), and how it ended.

    No line, no deed: raises CatalogError where the first can't be written. Killed in between, only that one is there.
    No transaction may be open.
    """
    began = Act(noun, Doing.BEGAN, of, title, account, why, before=dict(before))
    with console.catalog.write() as books:
        number = books.audit.append(began)
    doings = Doings()
    try:
        yield doings
    except ConsoleError as error:
        doings.result = f"failed: {clean(redacted(error.title))}"
        raise
    except BaseException:
        doings.result = CUT_OFF
        raise
    finally:
        ended = replace(began, doing=Doing.ENDED, before={}, after=doings.after, result=doings.result, begun=number)
        with console.catalog.write() as books:
            books.audit.append(ended)
