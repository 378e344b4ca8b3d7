"""Keeping: secrets go into the keyring before the catalog names them, and out again where the catalog refuses.

That they were put there or taken out is written to the audit by their names; never their values.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from mirror_console.domain.audit import Noun
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import VaultError
from mirror_console.operations.audited import audited
from mirror_console.operations.console import Console
from mirror_console.operations.ports.vault import Vault

logger = logging.getLogger(__name__)


@contextmanager
def kept(console: Console, secrets: Mapping[str, Secret]) -> Iterator[dict[SecretReference, Secret | None]]:
    """Put secrets, by reference name, into the keyring; where the block fails, the keyring is as it was before.

    Gives what was there before. Raises VaultError where the keyring refuses one of them. No transaction may be open.
    """
    if not secrets:
        yield {}
        return
    before: dict[SecretReference, Secret | None] = {}
    vault, names = console.vault, sorted(secrets)
    with audited(console, Noun.SECRET, names[0], _title(names), {"put": names}), _restoring(vault, before):
        for name, secret in secrets.items():
            reference = SecretReference(name)
            before[reference] = vault.find(reference)
            vault.put(reference, secret)
        yield before


@contextmanager
def _restoring(vault: Vault, before: Mapping[SecretReference, Secret | None]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _restore(vault, before)
        raise


def forget(console: Console, references: Iterable[SecretReference]) -> None:
    """Take secrets out of the keyring that nothing names any more. What can't be taken out stays; that is logged."""
    names = sorted({reference.name for reference in references})
    if not names:
        return
    with audited(console, Noun.SECRET, names[0], _title(names), {"forget": names}) as doings:
        stays = []
        for name in names:
            try:
                console.vault.forget(SecretReference(name))
            except VaultError as error:
                # The catalog names it no more, so nothing reads it: a locked keyring doesn't undo what was saved.
                logger.info("%s stays in the keyring: %s", name, error.title)
                stays.append(name)
        if stays:
            doings.result, doings.after = f"{len(stays)} stayed in the keyring", {"stays": stays}


def _title(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _restore(vault: Vault, before: Mapping[SecretReference, Secret | None]) -> None:
    for reference, secret in before.items():
        try:
            if secret is None:
                vault.forget(reference)
            else:
                vault.put(reference, secret)
        except VaultError as error:
            # The failure that led here is the one to be told.
            logger.info("%s couldn't be put back: %s", reference, error.title)
