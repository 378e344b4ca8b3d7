"""Private keys in every form that people have, as ssh-keygen writes them; what is no key says why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SshError, Stage
from mirror_console.engine.ssh_keys import read_key
from mirror_console.errors import FailureKind
from mirror_console.operations.ssh_input import asks_for_passphrase
from tests.canaries import SSH_PASSPHRASE
from tests.lab.programs import run
from tests.lab.ssh import SshKey, make_key

pytestmark = pytest.mark.slow

FORMS = {"ed25519": ("",), "rsa": ("", "PEM", "PKCS8"), "ecdsa": ("", "PEM", "PKCS8")}


def _refusal(text: str, passphrase: str = "") -> SshError:
    with pytest.raises(SshError) as caught:
        read_key("fra-1", Secret(text), Secret(passphrase) if passphrase else None)
    error = caught.value
    assert (error.stage, error.kind) == (Stage.SIGN_IN, FailureKind.NO_CREDENTIAL)
    assert "canary" not in str(error)
    return error


@pytest.mark.parametrize("kind", FORMS)
def test_a_key_is_the_same_in_every_form_with_and_without_a_passphrase(tmp_path: Path, kind: str) -> None:
    made = make_key(tmp_path / "key", kind)
    for form in FORMS[kind]:
        clear = in_form(made, form)
        assert not asks_for_passphrase(clear)
        key = read_key("fra-1", clear, None)
        assert f"{key.get_name()} {key.get_base64()}" == made.public
        assert read_key("fra-1", clear, Secret("needless")) == key

        locked = in_form(made, form, SSH_PASSPHRASE)
        assert asks_for_passphrase(locked)
        assert read_key("fra-1", locked, Secret(SSH_PASSPHRASE)) == key
        assert read_key("fra-1", locked, Secret(SSH_PASSPHRASE)).can_sign()
        assert "asks for a passphrase" in _refusal(locked.reveal()).title
        assert "passphrase is another one" in _refusal(locked.reveal(), "canary-wrong").title


def in_form(made: SshKey, form: str, passphrase: str = "") -> Secret:
    """The same private key in another of ssh-keygen's forms. Making one of RSA takes longer than all else here."""
    copy = made.file.with_name("copy")
    shutil.copy(made.file, copy)
    options = ["-m", form] if form else []
    run(["ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, *options, "-f", str(copy)])
    return Secret(copy.read_text())


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
