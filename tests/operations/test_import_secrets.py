"""Imports of secrets: from files beside the imported one, into the keyring, and never out again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.engine import Way
from mirror_console.domain.secret import Secret
from mirror_console.errors import CatalogError
from mirror_console.operations.console import Console
from mirror_console.operations.imports import export_catalog, import_catalog
from tests.operations.desk import CERTIFICATE, KEY, Raced, empty_console, held
from tests.operations.import_desk import environment, refused

WITH_FILES = """\
engines:
  - {name: fra-1, address: "tcp://fra-1.example", ca: pem/ca.pem, certificate: pem/cert.pem, key: pem/key.pem}
registries:
  - {host: "registry.example:5000", user: deploy, password_file: password.txt}
sources:
  - name: Webshop
    repository: registry.example:5000/shop/webshop
    environments:
      - name: live
        engine: fra-1
        container: webshop-live
        settings:
          secrets: {SECRET_KEY: {file: secret.txt}, OTHER: }
"""


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


def written(folder: Path) -> Path:
    """The files that WITH_FILES names."""
    (folder / "pem").mkdir(parents=True)
    (folder / "pem" / "ca.pem").write_text(CERTIFICATE)
    (folder / "pem" / "cert.pem").write_text(CERTIFICATE)
    (folder / "pem" / "key.pem").write_text(KEY)
    (folder / "password.txt").write_text("pass word\n")
    (folder / "secret.txt").write_text("s3cret\n")
    return folder


def test_secrets_come_from_files_beside_it_and_are_never_exported(console: Console, tmp_path: Path) -> None:
    imported = import_catalog(console, WITH_FILES, written(tmp_path / "in"))

    with console.catalog.read() as books:
        engine = books.engines.all()[0]
    assert engine.tls is not None
    assert engine.address.way is Way.TLS
    assert held(console, engine.tls.key.name) == Secret(KEY)
    login = console.login("registry.example:5000")
    assert login is not None
    assert login.password == Secret("pass word")
    live = environment(console, "webshop")
    assert held(console, f"environment/{live.id}/SECRET_KEY") == Secret("s3cret")
    assert imported.notes == ("Webshop live still needs the values of: OTHER.",)
    exported = export_catalog(console)
    assert not any(word in exported for word in ("s3cret", "pass word", "BEGIN"))
    # Back into the same catalog: what the keyring has stays.
    again = import_catalog(console, exported)
    assert (again.new, again.changed, again.notes) == (0, 0, ())
    assert held(console, engine.tls.key.name) == Secret(KEY)


def test_a_secret_that_is_no_longer_named_leaves_the_keyring(console: Console, tmp_path: Path) -> None:
    import_catalog(console, WITH_FILES, written(tmp_path / "in"))
    live = environment(console, "webshop")
    import_catalog(console, "sources: [{name: Webshop, environments: [{name: live, settings: {secrets: [OTHER]}}]}]")
    assert held(console, f"environment/{live.id}/SECRET_KEY") is None


def test_secrets_in_the_file_itself_are_taken_and_noted(console: Console) -> None:
    imported = import_catalog(
        console, 'registries: [{host: "registry.example:5000", user: deploy, password: in-clear}]'
    )
    assert imported.notes == ("The file holds the password of registry.example:5000 in clear: take it out of there.",)
    assert "in-clear" not in str(imported)


@pytest.mark.parametrize(
    "named", ["../password.txt", "/etc/hostname", "link.txt", "nothing.txt", "pem", "big.txt", "bytes"]
)
def test_files_elsewhere_are_not_read(console: Console, tmp_path: Path, named: str) -> None:
    folder = written(tmp_path / "in")
    (tmp_path / "password.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "password.txt")
    (folder / "big.txt").write_text("x" * 100_000)
    (folder / "bytes").write_bytes(b"\xff\xfe")
    found = refused(console, WITH_FILES.replace("password.txt", named), folder)
    assert [problem.field for problem in found] == ["registries[0].password_file"]
    assert "outside" not in found[0].words or "lies outside" in found[0].words


def test_without_a_folder_no_file_is_read(console: Console) -> None:
    assert {problem.field for problem in refused(console, WITH_FILES)} == {
        "engines[0].ca",
        "engines[0].certificate",
        "engines[0].key",
        "registries[0].password_file",
        "sources[0].environments[0].settings.secrets.SECRET_KEY.file",
    }


def test_where_the_catalog_refuses_the_keyring_is_as_before(console: Console, tmp_path: Path) -> None:
    import_catalog(console, WITH_FILES, written(tmp_path / "in"))
    with console.catalog.read() as books:
        engine = books.engines.all()[0]
    assert engine.tls is not None
    (tmp_path / "in" / "pem" / "key.pem").write_text(KEY.replace("MIIB", "MIIC"))

    def take_the_slug() -> None:
        with console.catalog.write() as books:
            books.applications.save(Application("other", Kind.SOURCE, "Other", "shop", repository="registry.example/o"))

    raced = replace(console, vault=Raced(console.vault, take_the_slug))
    with pytest.raises(CatalogError):
        import_catalog(
            raced,
            WITH_FILES.replace("name: Webshop", "name: Shop").replace("webshop-live", "shop-live"),
            tmp_path / "in",
        )
    assert held(console, engine.tls.key.name) == Secret(KEY)
    with console.catalog.read() as books:
        assert [application.name for application in books.applications.all()] == ["Webshop", "Other"]
