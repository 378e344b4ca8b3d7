"""The command that takes another TLS key of an engine, on a real one."""

from __future__ import annotations

import pytest

from mirror_console.domain.engine import Engine
from tests.cli.terminal import CommandLine
from tests.lab.engine import LabEngine
from tests.lab.lab import Lab


@pytest.mark.timeout(300)
def test_another_key_is_shown_beside_the_old_one_and_taken_from_who_types_its_fingerprint(
    empty: CommandLine, lab: Lab, tls_engine: LabEngine
) -> None:
    pem = tls_engine.client_folder
    files = ("--ca", str(pem / "ca.pem"), "--cert", str(pem / "cert.pem"), "--key", str(pem / "key.pem"))
    assert empty("engines", "add", "paris", tls_engine.tls_url, *files).code == 0
    (engine,) = _engines(empty)
    first = engine.server_key
    assert first, "it was not remembered at the first connection"
    assert "as remembered" in empty("engines", "trust", "paris").out

    tls_engine.show(lab.server_certificate(tls_engine))
    tried = empty("engines", "test", "paris", "--json")
    assert tried.code == 1
    new = tried.json[3]["server_key"]
    assert new not in {"", first}
    assert tried.json[3]["command"] == "mirror-console engines trust paris"
    assert "mirror-console engines trust paris" in empty("engines", "test", "paris").out
    alone = empty("engines", "trust", "paris")
    assert alone.code == 2
    assert f"--server-key '{new}'" in alone.err.replace("\n", " ")
    empty.interactive = True
    asked = empty("engines", "trust", "paris", typed="y\n")
    assert asked.code == 2, "a habit is no comparison"
    assert first in asked.err
    assert new in asked.err
    assert empty("engines", "trust", "paris", typed=f"{first}\n").code == 2
    assert _engines(empty)[0].server_key == first
    trusted = empty("engines", "trust", "paris", typed=f"{new}\n")
    assert trusted.code == 0, trusted.err
    assert f"{new}: remembered from now on." in trusted.out
    assert empty("engines", "test", "paris").code == 0
    named = empty("engines", "trust", "paris", "--server-key", first, "--json")
    assert named.code == 0, named.err
    assert named.json == {"engine": "paris", "fingerprint": first, "before": new}
    assert empty("engines", "test", "paris").code == 1


def _engines(empty: CommandLine) -> list[Engine]:
    with empty.console.catalog.read() as books:
        return books.engines.all()
