"""Private keys in every form that people have, as ssh-keygen writes them; what is no key says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SshError, Stage
from mirror_console.engine.ssh_keys import read_key
from mirror_console.errors import FailureKind
from mirror_console.operations.ssh_input import asks_for_passphrase
from tests.canaries import SSH_PASSPHRASE
from tests.lab.ssh import make_key

pytestmark = pytest.mark.slow

FORMS = [
    ("ed25519", ""),
    ("rsa", ""),
    ("rsa", "PEM"),
    ("rsa", "PKCS8"),
    ("ecdsa", ""),
    ("ecdsa", "PEM"),
    ("ecdsa", "PKCS8"),
]


def _refusal(text: str, passphrase: str = "") -> SshError:
    with pytest.raises(SshError) as caught:
        read_key("fra-1", Secret(text), Secret(passphrase) if passphrase else None)
    error = caught.value
    assert (error.stage, error.kind) == (Stage.SIGN_IN, FailureKind.NO_CREDENTIAL)
    assert "canary" not in str(error)
    return error


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_a_key_is_the_same_with_and_without_a_passphrase(tmp_path: Path, kind: str, form: str) -> None:
    clear = make_key(tmp_path / "clear", kind, form=form)
    assert not asks_for_passphrase(Secret(clear.private))
    key = read_key("fra-1", Secret(clear.private), None)
    assert f"{key.get_name()} {key.get_base64()}" == clear.public
    assert read_key("fra-1", Secret(clear.private), Secret("needless")) == key

    locked = make_key(tmp_path / "locked", kind, SSH_PASSPHRASE, form)
    assert asks_for_passphrase(Secret(locked.private))
    key = read_key("fra-1", Secret(locked.private), Secret(SSH_PASSPHRASE))
    assert f"{key.get_name()} {key.get_base64()}" == locked.public
    assert key.can_sign()
    assert "asks for a passphrase" in _refusal(locked.private).title
    assert "passphrase is another one" in _refusal(locked.private, "canary-wrong").title


_HOLLOW = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize("text", ["", "canary", _HOLLOW])
def test_what_is_no_key_is_said_so(tmp_path: Path, text: str) -> None:
    assert "no private key, or not a whole one" in _refusal(text).title
    assert "no private key, or not a whole one" in _refusal(text, "canary").title
    whole = make_key(tmp_path / "key").private.splitlines()
    assert "no private key, or not a whole one" in _refusal("\n".join([whole[0], *whole[3:]])).title


def test_line_ends_of_other_systems_do_not_matter(tmp_path: Path) -> None:
    made = make_key(tmp_path / "key")
    key = read_key("fra-1", Secret(made.private.replace("\n", "\r\n")), None)
    assert f"{key.get_name()} {key.get_base64()}" == made.public
