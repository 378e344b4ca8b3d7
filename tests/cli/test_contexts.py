"""Docker contexts from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import CommandLine
from tests.operations.desk import held
from tests.operations.test_contexts import make


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's home, and no DOCKER_ variable."""
    folder = tmp_path / "person"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    for name in ("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_contexts_are_listed_and_one_is_imported(empty: CommandLine, home: Path) -> None:
    assert "no Docker context" in empty("engines", "contexts", "list").out
    make(home, "paris", "tcp://paris.example:2376", tls=True)
    make(home, "old", "tcp://old.example:2375")
    listed = {one["name"]: one["against"] for one in empty("engines", "contexts", "list", "--json").json["contexts"]}
    assert listed["paris"] == []
    assert "unencrypted" in listed["old"][0]
    assert "can be imported" in empty("engines", "contexts", "list").out
    imported = empty("engines", "contexts", "import", "paris", "--as", "paris-1", "--json").json
    assert imported["name"] == "paris-1"
    assert held(empty.console, f"engine/{imported['id']}/client-key") is not None
    refused = empty("engines", "contexts", "import", "old")
    assert refused.code == 2
    assert "unencrypted" in refused.err
    assert empty("--read-only", "engines", "contexts", "import", "paris").code == 3
