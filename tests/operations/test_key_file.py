"""A private key is taken from a file only where nobody else can read it."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mirror_console.domain.secret import Secret
from mirror_console.errors import InvalidInput
from mirror_console.jobs import Jobs
from mirror_console.operations.import_texts import LONGEST_SECRET
from mirror_console.operations.imports import import_catalog
from mirror_console.operations.key_file import read_key_file
from tests.cli.terminal import CommandLine
from tests.operations.desk import CERTIFICATE, KEY, empty_console


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may pass through."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        if not all(above.stat().st_mode & stat.S_IXOTH for above in folder.parents):
            raise AssertionError("others can't come here, whatever its rights are")
        yield folder


@pytest.mark.parametrize("option", ["--ssh-key", "--key"])
def test_no_command_takes_one_that_others_can_read(tmp_path: Path, open_folder: Path, option: str) -> None:
    with empty_console(tmp_path) as console, closing(Jobs()) as jobs:
        empty_call = CommandLine(console, jobs, tmp_path)
        _refuses(empty_call, open_folder, option)


def _refuses(empty_call: CommandLine, open_folder: Path, option: str) -> None:
    file = open_folder / "key.pem"
    file.write_text(KEY)
    file.chmod(0o644)
    for words in (("add", "bern", "ssh://d@bern.example"), ("access", "bern", "--account", "D")):
        told = empty_call("engines", *words, option, str(file))
        assert told.code == 2
        assert "others can read it" in told.err


@pytest.mark.parametrize(("mode", "taken"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)])
def test_by_its_rights(open_folder: Path, mode: int, taken: bool) -> None:
    file = open_folder / "key.pem"
    file.write_text(KEY)
    file.chmod(mode)
    if taken:
        assert read_key_file(file, LONGEST_SECRET) == Secret(KEY)
    else:
        with pytest.raises(InvalidInput) as refused:
            read_key_file(file, LONGEST_SECRET)
        assert "others can read it" in str(refused.value)
        assert "chmod 600 key.pem" in str(refused.value)


def test_a_folder_that_lets_nobody_in_is_as_good(open_folder: Path) -> None:
    file = open_folder / "private" / "key.pem"
    file.parent.mkdir(mode=0o700)
    file.write_text(KEY)
    file.chmod(0o644)
    assert read_key_file(file, LONGEST_SECRET) == Secret(KEY)
    # A link is judged by what it leads to.
    link = file.parent / "link.pem"
    link.symlink_to(file)
    assert read_key_file(link, LONGEST_SECRET) == Secret(KEY)
    with pytest.raises(InvalidInput):
        read_key_file(link, LONGEST_SECRET, follow=False)


def test_what_is_no_key_file_is_said(open_folder: Path) -> None:
    (open_folder / "long").write_text("x" * 20)
    os.mkfifo(open_folder / "pipe")
    for name, words in (
        ("none", "No such file"),
        (".", "directory"),
        ("pipe", "no plain file"),
        ("long", "larger"),
    ):
        (open_folder / "long").chmod(0o600)
        with pytest.raises(InvalidInput) as refused:
            read_key_file(open_folder / name, 10)
        assert words in str(refused.value)


def test_an_import_names_the_key_that_others_can_read(open_folder: Path, tmp_path: Path) -> None:
    for name, text, mode in (("ca.pem", CERTIFICATE, 0o644), ("cert.pem", CERTIFICATE, 0o644), ("key.pem", KEY, 0o644)):
        (open_folder / name).write_text(text)
        (open_folder / name).chmod(mode)
    text = """
engines:
  - {name: paris, address: "tcp://paris.example", ca: ca.pem, certificate: cert.pem, key: key.pem}
"""
    with empty_console(tmp_path) as console:
        with pytest.raises(InvalidInput) as refused:
            import_catalog(console, text, open_folder)
        (problem,) = refused.value.problems
        assert "others can read it" in problem.words
        (open_folder / "key.pem").chmod(0o600)
        assert import_catalog(console, text, open_folder).new == 1
