"""Audit: its lines, and whether they are as they were written.

The keyring keeps the last line that it was told of. A chain of hashes alone says nothing of lines that were cut off at
its end, nor of one that was made anew as a whole.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mirror_console.domain.audit import ALL, AnchorState, AuditFilter, AuditLine, Head, Verified
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.errors import InvalidInput, Problem, VaultError
from mirror_console.operations.console import Console
from mirror_console.operations.written import moment

ANCHOR = SecretReference("catalog/audit-head")
"""No secret: the keyring is where whoever edits the catalog's file can't reach without the person's password."""
THIS_RUN_ONLY = "there is no keyring that outlasts this run."

logger = logging.getLogger(__name__)


def audit_lines(console: Console, which: AuditFilter = ALL, most: int | None = None) -> Sequence[AuditLine]:
    """The lines that are wanted, newest first; no more than `most`. Raises InvalidInput where no time is between."""
    demand_span(which)
    with console.catalog.read() as books:
        return books.audit.lines(which, most)


def demand_span(which: AuditFilter) -> None:
    """Refuse times between which there is none: it would look as if nothing had been done. Raises InvalidInput."""
    if which.since is not None and which.until is not None and which.until <= which.since:
        words = f"{moment(which.until)} isn't after {moment(which.since)}, where it begins"
        raise InvalidInput("There is no time between these two.", [Problem("until", words)])


def verify(console: Console) -> Verified:
    """Read the whole audit and the whole journal, and compare their last line with the one that the keyring keeps.

    Changes nothing, and never asks for the keyring's password: where that can't be read, it is said.
    """
    # First, as it may take long: what is written meanwhile comes after it.
    kept = _kept(console)
    with console.catalog.read() as books:
        head = books.audit.head()
        broken_at, journal_broken_at = books.audit.broken_at(), books.journal.broken_at()
        if isinstance(kept, str):
            return Verified(head.sequence, broken_at, journal_broken_at, AnchorState.UNREADABLE, why=kept)
        if kept is None:
            return Verified(head.sequence, broken_at, journal_broken_at, AnchorState.NONE)
        state = AnchorState.HOLDS if books.audit.has(kept) else AnchorState.BROKEN
        return Verified(head.sequence, broken_at, journal_broken_at, state, kept.sequence)


def anchor(console: Console) -> bool:
    """Have the keyring keep the last line, unless it does; whether it keeps it now.

    A kept line that isn't in the audit any more stays kept: it is the proof. The keyring's password is never asked for.
    """
    kept = _kept(console)
    if isinstance(kept, str):
        logger.info("the audit's last line isn't kept: %s", kept)
        return False
    with console.catalog.read() as books:
        head = books.audit.head()
        if kept is not None and not books.audit.has(kept):
            logger.info("line %d of the audit, which the keyring keeps, isn't there any more", kept.sequence)
            return False
    if head.sequence and head != kept:
        try:
            console.vault.put(ANCHOR, Secret(f"{head.sequence} {head.hash}"))
        except VaultError as error:
            logger.info("the audit's last line isn't kept: %s", error.title)
            return False
    return True


def _kept(console: Console) -> Head | str | None:
    """The line that the keyring keeps; None where it keeps none; else why it can't be read, in words."""
    if console.vault.for_this_run_only:
        return THIS_RUN_ONLY
    match console.vault.state():
        case VaultState.ABSENT:
            return "there is no keyring."
        case VaultState.LOCKED | VaultState.DISMISSED:
            return "the keyring is locked. Unlock it and verify again."
        case VaultState.UNLOCKED:
            pass
    try:
        kept = console.vault.find(ANCHOR)
    except VaultError as error:
        return error.title
    if kept is None:
        return None
    number, _, link = kept.reveal().partition(" ")
    return Head(int(number) if number.isdigit() else 0, link)
