"""Private keys for SSH, read from their text in memory: OpenSSH, PEM and PKCS8, with or without a passphrase."""

from __future__ import annotations

import io
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SshError, Stage
from mirror_console.errors import FailureKind

_KINDS: tuple[tuple[type, type[paramiko.PKey]], ...] = (
    (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
    (rsa.RSAPrivateKey, paramiko.RSAKey),
    (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
)


def read_key(engine: str, text: Secret, passphrase: Secret | None) -> paramiko.PKey:
    """The key that a text holds.

    Raises SshError, each in its own words: the passphrase is missing, is wrong, or the text is no key that SSH takes.
    """
    octets = text.reveal().strip().encode("utf-8", "replace") + b"\n"
    given = passphrase.reveal().encode() if passphrase else None
    own_form = b"OPENSSH PRIVATE KEY" in octets
    load = serialization.load_ssh_private_key if own_form else serialization.load_pem_private_key
    try:
        key = load(octets, given)
    except TypeError as error:
        if given is None:
            raise _unusable(engine, "it asks for a passphrase, and none was given", "Give its passphrase.") from error
        # A passphrase for a key that needs none is no reason to refuse it.
        return read_key(engine, text, None)
    except UnsupportedAlgorithm as error:
        raise _unusable(engine, "it is of a kind that isn't supported", _GIVE_ANOTHER) from error
    except ValueError as error:
        if given is not None and _is_locked(octets):
            raise _unusable(engine, "its passphrase is another one", "Give the right passphrase.") from error
        raise _unusable(engine, "it is no private key, or not a whole one", _GIVE_ANOTHER) from error
    for kind, made in _KINDS:
        if isinstance(key, kind):
            return made.from_private_key(io.StringIO(_in_own_form(key)))
    raise _unusable(engine, "it is of a kind that isn't supported", _GIVE_ANOTHER)


_GIVE_ANOTHER = "Give an Ed25519, ECDSA or RSA key, whole, as ssh-keygen writes it."


def _in_own_form(key: Any) -> str:
    """The key without its passphrase, which only ever exists in memory."""
    private = serialization.PrivateFormat.OpenSSH
    octets: bytes = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    return octets.decode()


def _is_locked(octets: bytes) -> bool:
    """Whether a passphrase is needed at all, by what stands in clear at the beginning of each form."""
    if b"OPENSSH PRIVATE KEY" not in octets:
        return b"ENCRYPTED" in octets
    try:
        serialization.load_ssh_private_key(octets, None)
    except TypeError:
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return False


def _unusable(engine: str, why: str, hint: str) -> SshError:
    title = f"The private key for {engine} can't be used: {why}."
    return SshError(Stage.SIGN_IN, FailureKind.NO_CREDENTIAL, title, hint)
