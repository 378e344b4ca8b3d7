"""A secret hides its value everywhere but in `reveal`."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import pprint
import string
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.secret import HIDDEN, Secret, SecretReference

CANARY = "canary-5f1d0b"


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Something that holds a secret, as an engine's credentials do."""

    name: str
    secret: Secret


def test_only_reveal_shows_the_value() -> None:
    secret = Secret(CANARY)

    assert secret.reveal() == CANARY
    holder = Holder("a", secret)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>8}",
        f"{secret!r}",
        string.Template("$it").substitute(it=secret),
    ]
    shown += [pprint.pformat({"secret": [secret]}), repr(holder), str(dataclasses.asdict(holder))]
    assert all(HIDDEN in text and CANARY not in text for text in shown)


def test_json_and_pickle_refuse_it_without_telling() -> None:
    secret = Secret(CANARY)

    with pytest.raises(TypeError) as json_refusal:
        json.dumps({"secret": secret})
    assert CANARY not in str(json_refusal.value)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="can't be pickled") as refusal:
            pickle.dumps(Holder("a", secret), protocol)
        assert CANARY not in str(refusal.value)
    with pytest.raises(TypeError, match="can't be pickled"):
        secret.__getstate__()
    assert json.dumps({"secret": secret}, default=str) == json.dumps({"secret": HIDDEN})


def test_a_traceback_with_locals_does_not_show_it() -> None:
    def fails(secret: Secret) -> None:
        raise RuntimeError(f"could not use {secret}")

    try:
        fails(Secret(CANARY))
    except RuntimeError as error:
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert "secret = •••" in told
    # The line of this test's own source that makes the secret names the constant, not its value.
    assert CANARY not in told.replace(repr(CANARY), "")


def test_it_cannot_be_changed_or_hashed_and_its_copy_is_itself() -> None:
    secret = Secret(CANARY)

    with pytest.raises(AttributeError):
        secret.other = "x"
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(AttributeError):
        del secret.reveal
    with pytest.raises(TypeError):
        hash(secret)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


@given(st.text(), st.text())
def test_equal_exactly_when_the_values_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert bool(Secret(one)) == bool(one)


def test_it_equals_no_plain_text_and_takes_lone_surrogates() -> None:
    assert Secret("a") != "a"
    assert Secret("\udcff") == Secret("\udcff")


@pytest.mark.parametrize("name", ["engine/4f2a/client-key", "registry/r1/password", "a", "A.b_c-d/0"])
def test_a_reference_is_its_name(name: str) -> None:
    assert str(SecretReference(name)) == name
    assert SecretReference(name) == SecretReference(name)
    assert len({SecretReference(name), SecretReference(name)}) == 1


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "a b", "a/../b", "a#1", "ä", "a\n", "x" * 201])
def test_a_reference_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a secret"):
        SecretReference(name)
