"""Keeping: secrets go into the keyring before the catalog names them, and out again where the catalog refuses."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import VaultError
from mirror_console.operations.ports import Vault

logger = logging.getLogger(__name__)


@contextmanager
def kept(vault: Vault, secrets: Mapping[str, Secret]) -> Iterator[dict[SecretReference, Secret | None]]:
    """Put secrets, by reference name, into the keyring; where the block fails, the keyring is as it was before.

    Gives what was there before. Raises VaultError where the keyring refuses one of them.
    """
    before: dict[SecretReference, Secret | None] = {}
    try:
        for name, secret in secrets.items():
            reference = SecretReference(name)
            before[reference] = vault.get(reference) if vault.has(reference) else None
            vault.put(reference, secret)
        yield before
    except BaseException:
        _restore(vault, before)
        raise


def forget(vault: Vault, references: Iterable[SecretReference]) -> None:
    """Take secrets out of the keyring that nothing names any more. What can't be taken out stays; that is logged."""
    for reference in references:
        try:
            vault.forget(reference)
        except VaultError as error:
            # The catalog names it no more, so nothing reads it: a locked keyring doesn't undo what was saved.
            logger.info("%s stays in the keyring: %s", reference, error.title)


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
