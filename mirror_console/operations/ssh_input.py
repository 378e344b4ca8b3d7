"""What is typed for the SSH way to an engine: checked, and made into what is kept and what goes into the keyring."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mirror_console.domain.engine import Address
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import Hop, HostKey, SignIn, SshAccess, ToSocket, parse_hops
from mirror_console.errors import Problem

LONGEST_KEY = 64 * 1024

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_BODY = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_MAGIC = b"openssh-key-v1\0"


def _nothing() -> Secret:
    return Secret("")


@dataclass(frozen=True, slots=True)
class SshInput:
    """The way by SSH as it is typed. Secrets left empty: what the keyring has already stays.

    `jumps` are hosts between commas (``user@host:port``). `host_keys` are all that are accepted, also those of before.
    """

    sign_in: SignIn = SignIn.KEY
    key: Secret = field(default_factory=_nothing)
    passphrase: Secret = field(default_factory=_nothing)
    password: Secret = field(default_factory=_nothing)
    jumps: str = ""
    to_socket: ToSocket = ToSocket.COMMAND
    host_keys: tuple[HostKey, ...] = ()


def ssh_input(access: SshAccess | None) -> SshInput:
    """What a form shows of the way. Credentials are never shown."""
    if access is None:
        return SshInput()
    jumps = ", ".join(str(hop) for hop in access.jumps)
    return SshInput(access.sign_in, jumps=jumps, to_socket=access.to_socket, host_keys=access.host_keys)


def ssh_names(engine_id: str) -> dict[str, str]:
    """Under which names the keyring keeps what one signs in with, by the field of the input."""
    return {
        "ssh_key": f"engine/{engine_id}/ssh-key",
        "ssh_passphrase": f"engine/{engine_id}/ssh-passphrase",
        "ssh_password": f"engine/{engine_id}/ssh-password",
    }


def draft_ssh(
    typed: SshInput, address: Address, engine_id: str, before: SshAccess | None, problems: list[Problem], where: str
) -> tuple[SshAccess, Mapping[str, Secret]]:
    """The way that is typed, and what would go into the keyring, by reference name.

    What is wrong is added to `problems`, with `where` before the names of fields. That credentials are missing isn't.
    """
    jumps = _jumps(typed, problems, where)
    if not address.user and typed.sign_in is not SignIn.OWN:
        problems.append(Problem(f"{where}address", "the user is missing: ssh://user@host"))
    names = ssh_names(engine_id)
    secrets: dict[str, Secret] = {}
    key = passphrase = password = None
    match typed.sign_in:
        case SignIn.KEY:
            problems += key_problems(typed, where)
            if typed.key.reveal().strip():
                secrets[names["ssh_key"]] = Secret(typed.key.reveal().strip() + "\n")
            if typed.passphrase:
                secrets[names["ssh_passphrase"]] = typed.passphrase
            key = _kept(names["ssh_key"], secrets, before.key if before else None)
            # A new key has a passphrase of its own, or none.
            old = before.passphrase if before and not typed.key else None
            passphrase = _kept(names["ssh_passphrase"], secrets, old)
        case SignIn.PASSWORD:
            if typed.password:
                secrets[names["ssh_password"]] = typed.password
            password = _kept(names["ssh_password"], secrets, before.password if before else None)
        case SignIn.OWN:
            pass
    access = SshAccess(typed.sign_in, typed.to_socket, jumps, typed.host_keys, key, passphrase, password)
    return access, secrets


def missing_credentials(access: SshAccess) -> list[Problem]:
    """What one would sign in with, where neither was it typed nor is it kept."""
    if access.sign_in is SignIn.KEY and access.key is None:
        return [Problem("ssh_key", "a private key is needed, or another way to sign in")]
    if access.sign_in is SignIn.PASSWORD and access.password is None:
        return [Problem("ssh_password", "the password is needed, or another way to sign in")]
    return []


def ssh_references(access: SshAccess | None) -> tuple[SecretReference, ...]:
    """All that the keyring keeps of a way."""
    if access is None:
        return ()
    return tuple(found for found in (access.key, access.passphrase, access.password) if found is not None)


def asks_for_passphrase(key: Secret) -> bool:
    """Whether a private key can't be used without a passphrase, by what stands in clear at its beginning."""
    text = key.reveal()
    if "ENCRYPTED" in text:
        return True
    body = _BODY.search(text)
    if body is None:
        return False
    try:
        octets = base64.b64decode("".join(body[1].split()))
    except (binascii.Error, ValueError):
        return False
    # The name of the cipher comes first, after its length. Source: OpenSSH's PROTOCOL.key.
    begins = len(_MAGIC) + 4
    return octets.startswith(_MAGIC) and not octets[begins:].startswith(b"none")


def _kept(name: str, secrets: Mapping[str, Secret], before: SecretReference | None) -> SecretReference | None:
    return SecretReference(name) if name in secrets else before


def _jumps(typed: SshInput, problems: list[Problem], where: str) -> tuple[Hop, ...]:
    try:
        jumps = parse_hops(typed.jumps)
    except ValueError as error:
        problems.append(Problem(f"{where}jumps", str(error)))
        return ()
    if typed.sign_in is not SignIn.OWN and not all(hop.user for hop in jumps):
        problems.append(Problem(f"{where}jumps", "a jump host needs its user: user@host:port"))
    return jumps


def key_problems(typed: SshInput, where: str) -> list[Problem]:
    """What the beginning of a key tells: the connection test tells the rest."""
    text = typed.key.reveal().strip()
    if not text:
        return []
    kind = _PEM.search(text)
    if text.startswith("PuTTY-User-Key-File"):
        words = "this is a key of PuTTY's own form: export it as an OpenSSH key first"
    elif kind is None and re.match(r"(ssh|ecdsa)-\S+ AAAA", text):
        words = "this is a public key; the private one belongs here"
    elif kind is None or not kind[1].endswith("PRIVATE KEY") or len(text) > LONGEST_KEY:
        words = "this is no private key: it begins with -----BEGIN OPENSSH PRIVATE KEY-----"
    elif asks_for_passphrase(typed.key) and not typed.passphrase:
        return [Problem(f"{where}ssh_passphrase", "the key asks for its passphrase")]
    else:
        return []
    return [Problem(f"{where}ssh_key", words)]
