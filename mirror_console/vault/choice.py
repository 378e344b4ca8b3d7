"""Which keyring is trusted with secrets: the operating system's own, made here by class and never looked up.

The keyring package would take what PYTHON_KEYRING_BACKEND or keyringrc.cfg name, chain several backends, and fall
back to a file in plain text where one is installed. None of that is asked.
"""

from __future__ import annotations

import configparser
import os
import sys

from keyring.backend import KeyringBackend
from keyring.util import platform_

from mirror_console.vault.failures import VaultAbsent
from mirror_console.vault.patient import KEYRING_SECONDS, PatientRing, Within, asked_again
from mirror_console.vault.rings import ANSWER_SECONDS, Ring, SystemRing

_WINDOWS_LIMIT = 1280
"""UTF-16 units: CRED_MAX_CREDENTIAL_BLOB_SIZE is 2,560 bytes."""


def secure_ring(within: Within) -> Ring:
    """The keyring of this system, waited for by `within`. Raises VaultAbsent, which says what was tried."""
    if sys.platform == "win32":
        from keyring.backends.Windows import WinVaultKeyring

        return PatientRing(SystemRing(_made(WinVaultKeyring), limit=_WINDOWS_LIMIT), within, KEYRING_SECONDS)
    if sys.platform == "darwin":
        from keyring.backends.macOS import Keyring as Keychain

        # It asks the person in the middle of any call.
        return PatientRing(SystemRing(_made(Keychain)), within, ANSWER_SECONDS)
    from mirror_console.vault.secret_service import SecretService, SecretServiceRing

    # GNOME Keyring, KeePassXC, and KWallet from 5.97 on answer as a Secret Service.
    return PatientRing(SecretServiceRing(_made(SecretService)), within, KEYRING_SECONDS)


def _made(backend: type[KeyringBackend]) -> KeyringBackend:
    try:
        # Only asking for the priority tells whether a backend works here.
        if asked_again(lambda: backend.priority) > 0:
            return backend()
        why = "the system's keyring is switched off"
    except RuntimeError as error:
        why = str(error)
    except OSError:
        why = "the session bus can't be reached"
    raise VaultAbsent(why + _what_is_not_used())


def _what_is_not_used() -> str:
    """Words about another keyring that the person has set up for Python programs, or nothing."""
    chosen = os.environ.get("PYTHON_KEYRING_BACKEND", "")
    if not chosen:
        file = configparser.RawConfigParser()
        try:
            file.read(os.path.join(platform_.config_root(), "keyringrc.cfg"), encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            return ""
        chosen = file.get("backend", "default-keyring", fallback="")
    return f"; {chosen} is set up but not used, since it may keep them in plain text" if chosen else ""
