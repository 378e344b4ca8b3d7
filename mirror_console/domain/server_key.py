"""The key of an engine's server by TLS: remembered at the first connection, and another one is a person's decision.

An authority can be talked into signing for somebody else, and so can whoever keeps its key. A certificate that is
renewed for the same key passes.
"""

from __future__ import annotations

import hashlib
import re
import shlex

from mirror_console.errors import EngineError, FailureKind

_PREFIX = "SHA256:"
_DIGITS = re.compile(r"[0-9a-f]{64}")


class ServerKeyChanged(EngineError):
    """A server showed another key than the one that is remembered, in a certificate that would be trusted otherwise.

    No request was sent. `offered` is the fingerprint of what it showed, `accepted` of what is remembered.
    """

    def __init__(self, engine: str, offered: str, accepted: str) -> None:
        super().__init__(
            FailureKind.SERVER_KEY_CHANGED,
            f"{engine} shows another TLS key than before: stored {accepted}, offered {offered}.",
            "Its certificate is signed by the right authority, and still somebody may stand between. If the engine got "
            "a new key, compare the fingerprint with what stands on its host (openssl x509 -pubkey -noout -in "
            "server-cert.pem | openssl pkey -pubin -outform DER | openssl sha256), and only then replace the key.",
        )
        self.command = trust_command(engine)
        self.offered = offered
        self.accepted = accepted


def trust_command(engine: str) -> str:
    """What shows the keys of an engine's server on the command line, and asks whether they are the right ones."""
    return f"mirror-console engines trust {shlex.quote(engine)}"


def fingerprint(public_key: bytes) -> str:
    """The fingerprint of a public key, given as a certificate holds it (SubjectPublicKeyInfo in DER, RFC 5280, 4.1)."""
    return _PREFIX + hashlib.sha256(public_key).hexdigest()


def bare_digits(key: str) -> str:
    """A fingerprint as openssl prints it: its digits alone."""
    return key.removeprefix(_PREFIX)


def parse_fingerprint(text: str) -> str:
    """Read a fingerprint as it is shown, or as openssl prints it. Raises ValueError with words."""
    digits = text.strip().rpartition("= ")[2].rpartition(":")[2].lower()
    if not _DIGITS.fullmatch(digits):
        raise ValueError(f"a key's fingerprint is {_PREFIX} and 64 digits from 0 to f")
    return _PREFIX + digits
