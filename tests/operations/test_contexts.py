"""Docker contexts are offered for import: read with suspicion, refused in words, and left as they are."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mirror_console.domain.secret import Secret
from mirror_console.errors import InvalidInput, NotAllowed
from mirror_console.operations.console import Console
from mirror_console.operations.contexts import AMBIENT, MOST_CONTEXTS, context_problems, contexts, import_context
from tests.operations.desk import CERTIFICATE, KEY, empty_console, held


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A person's home, without any context."""
    folder = tmp_path / "person"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A console with an empty catalog."""
    with empty_console(tmp_path) as made:
        yield made


def hashed(name: str) -> str:
    """The folder of a context of that name."""
    return hashlib.sha256(name.encode()).hexdigest()


def write_meta(home: Path, entry: str, content: Any) -> Path:
    """A meta.json in a folder of that name; text is written as it is."""
    folder = home / ".docker" / "contexts" / "meta" / entry
    folder.mkdir(parents=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "meta.json").write_text(text)
    return folder / "meta.json"


def make(home: Path, name: str, host: str, *, tls: bool = False, **endpoint: Any) -> None:
    """A context as the docker command line makes it."""
    meta = {
        "Name": name,
        "Metadata": {"Description": f"the {name} one"},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False, **endpoint}},
    }
    write_meta(home, hashed(name), meta)
    if tls:
        folder = home / ".docker" / "contexts" / "tls" / hashed(name) / "docker"
        folder.mkdir(parents=True)
        for file, text in (("ca.pem", CERTIFICATE), ("cert.pem", CERTIFICATE), ("key.pem", KEY)):
            (folder / file).write_text(text)
            (folder / file).chmod(0o600)


def everything(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All files below a folder with their rights, times and contents."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return {str(file): (file.stat().st_mode, file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def test_they_are_listed_and_a_tls_one_goes_into_catalog_and_keyring(home: Path, console: Console) -> None:
    make(home, "paris", "tcp://paris.example:2376", tls=True)
    make(home, "here", "unix:///run/user/1000/docker.sock")
    before = everything(home)
    found = contexts(home, {})
    assert [(one.name, one.address, one.refused) for one in found] == [
        ("here", "unix:///run/user/1000/docker.sock", ""),
        ("paris", "tcp://paris.example:2376", ""),
    ]
    assert context_problems(console, found[1]) == []
    engine = import_context(console, home, {}, "paris")
    assert (engine.name, str(engine.address), engine.notes) == ("paris", "tcp://paris.example:2376", "the paris one")
    assert held(console, f"engine/{engine.id}/client-key") == Secret(KEY)
    assert import_context(console, home, {}, "here", "bench").name == "bench"
    assert everything(home) == before
    # Once it is here, it isn't offered again.
    assert ["already" in problem.words for problem in context_problems(console, found[1])] == [True, True]


def test_what_the_environment_says_is_offered_too(home: Path, console: Console, tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir(mode=0o700)
    for file, text in (("ca.pem", CERTIFICATE), ("cert.pem", CERTIFICATE), ("key.pem", KEY)):
        (certificates / file).write_text(text)
    environment = {
        "DOCKER_HOST": "tcp://build.example:2376",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(certificates),
    }
    assert [one.name for one in contexts(home, environment)] == [AMBIENT]
    engine = import_context(console, home, environment, AMBIENT)
    assert (engine.name, str(engine.address)) == ("docker-host", "tcp://build.example:2376")
    assert held(console, f"engine/{engine.id}/client-key") == Secret(KEY)


@pytest.mark.parametrize(
    ("host", "tls", "endpoint", "words"),
    [
        ("tcp://paris.example:2375", True, {}, "unencrypted"),
        ("tcp://paris.example:2376", False, {}, "without TLS"),
        ("tcp://paris.example:2376", True, {"SkipTLSVerify": True}, "doesn't verify"),
        ("http://paris.example:2375", True, {}, "not encrypted"),
        ("npipe:////./pipe/docker_engine", False, {}, "is not known"),
        ("", False, {}, "no address"),
        ("file:///etc/passwd", False, {}, "is not known"),
    ],
)
def test_what_the_console_would_not_speak_with_is_listed_with_why(
    home: Path, console: Console, host: str, tls: bool, endpoint: dict[str, Any], words: str
) -> None:
    make(home, "paris", host, tls=tls, **endpoint)
    (found,) = contexts(home, {})
    assert words in found.refused
    with pytest.raises(InvalidInput, match="can't be imported"):
        import_context(console, home, {}, "paris")
    with console.catalog.read() as books:
        assert books.engines.all() == []


def test_an_ambient_engine_without_tls_is_refused(home: Path) -> None:
    (found,) = contexts(home, {"DOCKER_HOST": "tcp://127.0.0.1:2376"})
    assert "without TLS" in found.refused


@pytest.mark.parametrize(
    ("entry", "content", "words"),
    [
        (hashed("a1"), {"Name": "../../etc"}, "isn't that of its folder"),
        (hashed("a1"), {"Name": "a2"}, "isn't that of its folder"),
        ("not-a-hash", {"Name": "a1"}, "isn't that of its folder"),
        (hashed("a1"), {"Name": ["a1"]}, "isn't one of a context"),
        (hashed("a1"), "{", "isn't one of a context"),
        (hashed("a1"), "[" * 60_000, "isn't one of a context"),
        (hashed("a1"), '{"Name": "a1", "More": "' + "x" * 70_000 + '"}', "larger than 64 KB"),
        (hashed("a1"), {"Name": "a1", "Endpoints": {"kubernetes": {}}}, "nothing of a Docker engine"),
    ],
)
def test_hostile_content_is_refused_in_words(home: Path, entry: str, content: Any, words: str) -> None:
    write_meta(home, entry, content)
    (found,) = contexts(home, {})
    assert words in found.refused


def test_a_description_steers_no_terminal_and_a_password_is_not_shown(home: Path) -> None:
    meta = {
        "Name": "a1",
        "Metadata": {"Description": "\x1b]0;title\x07red\u202e"},
        "Endpoints": {"docker": {"Host": "tcp://who:canary-77@paris.example:2376"}},
    }
    write_meta(home, hashed("a1"), meta)
    (found,) = contexts(home, {})
    assert found.description == "red\ufffd"
    assert "canary-77" not in found.address


def test_links_and_pipes_are_not_followed(home: Path, console: Console, tmp_path: Path) -> None:
    real = write_meta(home, hashed("a1"), {"Name": "a1", "Endpoints": {"docker": {"Host": "unix:///run/docker.sock"}}})
    elsewhere = tmp_path / "elsewhere.json"
    real.rename(elsewhere)
    real.symlink_to(elsewhere)
    assert "link" in contexts(home, {})[0].refused
    real.unlink()
    os.mkfifo(real)
    assert "no plain file" in contexts(home, {})[0].refused
    make(home, "paris", "tcp://paris.example:2376", tls=True)
    tls = home / ".docker" / "contexts" / "tls" / hashed("paris") / "docker"
    tls.rename(tmp_path / "moved")
    tls.symlink_to(tmp_path / "moved")
    found = next(one for one in contexts(home, {}) if one.name == "paris")
    assert "link" in found.refused
    tls.unlink()
    (tmp_path / "moved").rename(tls)
    key = tls / "key.pem"
    key.rename(tmp_path / "key.pem")
    key.symlink_to(tmp_path / "key.pem")
    with pytest.raises(InvalidInput) as refused:
        import_context(console, home, {}, "paris")
    assert "key" in str(refused.value)


def test_a_key_is_safe_below_a_folder_that_lets_nobody_in(home: Path, console: Console) -> None:
    make(home, "paris", "tcp://paris.example:2376", tls=True)
    key = home / ".docker" / "contexts" / "tls" / hashed("paris") / "docker" / "key.pem"
    key.chmod(0o644)
    # Below a folder that lets nobody in, nobody can read it.
    assert import_context(console, home, {}, "paris").name == "paris"
    with pytest.raises(InvalidInput, match="no such context"):
        import_context(console, home, {}, "berlin")


def test_there_may_be_many_but_not_endlessly(home: Path) -> None:
    for number in range(MOST_CONTEXTS + 3):
        make(home, f"c{number}", "unix:///run/docker.sock")
    found = contexts(home, {})
    assert len(found) == MOST_CONTEXTS + 1
    assert "were not read" in found[-1].refused or "were not read" in found[0].refused


def test_nobody_has_contexts_without_docker(home: Path) -> None:
    assert contexts(home, {}) == []
    (home / ".docker").mkdir()
    (home / ".docker" / "contexts").write_text("no folder")
    assert contexts(home, {}) == []


def test_reading_only_imports_none(home: Path, tmp_path: Path) -> None:
    make(home, "here", "unix:///run/docker.sock")
    with empty_console(tmp_path / "other", "It was started with --read-only.") as console, pytest.raises(NotAllowed):
        import_context(console, home, {}, "here")
