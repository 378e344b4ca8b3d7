"""What is told, logged or copied holds no secret: neither one that is in use, nor what looks like one."""

from __future__ import annotations

import gc
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.redaction import redacted
from mirror_console.domain.secret import HIDDEN, Secret, live_secrets
from mirror_console.hardening import RedactingFormatter

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIcanary\nlines\n-----END RSA PRIVATE KEY-----"


@given(value=st.text(min_size=6).filter(lambda text: len(text.strip()) >= 6), around=st.text(max_size=20))
def test_a_secret_in_use_is_hidden_wherever_it_stands(value: str, around: str) -> None:
    secret = Secret(value)
    assert value.strip() not in redacted(f"{around}<{value}>{around}").replace(around, "")
    assert secret


def test_known_is_not_kept_alive() -> None:
    secret = Secret("canary-of-a-moment")
    assert secret in live_secrets()
    del secret
    gc.collect()
    assert all(one.reveal() != "canary-of-a-moment" for one in live_secrets())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"before {KEY} after", f"before {HIDDEN} after"),
        (KEY[:45], HIDDEN),
        (repr(KEY), f"'{HIDDEN}'"),
        ("X-Registry-Auth: eyJwIjoiY2FuYXJ5In0=", f"X-Registry-Auth: {HIDDEN}"),
        ("{'Authorization': 'Basic canary'}", f"{{'Authorization': {HIDDEN}"),
        ("DB_PASSWORD=canary-1 and more", f"DB_PASSWORD={HIDDEN} and more"),
        ('{"api_key": "canary"}', f'{{"api_key": "{HIDDEN}"}}'),
        ("postgres://shop:canary@db/shop", f"postgres://shop:{HIDDEN}@db/shop"),
        ("paris could not list its containers: connection refused.", None),
        ("https://registry.example:5000/v2/", None),
        ("the password of registry.example", None),
    ],
)
def test_shapes_of_secrets(text: str, shown: str | None) -> None:
    assert redacted(text) == (text if shown is None else shown)


def test_a_line_of_the_log_and_its_traceback_hold_none() -> None:
    secret = Secret("canary-in-a-library")
    error = ValueError(f"could not use {secret.reveal()}")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed: %s", (str(error),), (ValueError, error, None))
    line = RedactingFormatter("%(message)s").format(record)
    assert "canary" not in line
    assert line.count(HIDDEN) == 2
