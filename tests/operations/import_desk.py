"""A small file to import, and what comes of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment
from mirror_console.errors import InvalidInput
from mirror_console.operations.console import Console
from mirror_console.operations.imports import LineProblem, export_catalog, import_catalog

SMALL = """\
engines:
  - {name: alpha, address: /run/alpha.sock}
sources:
  - name: Webshop
    repository: registry.example:5000/shop/webshop
    environments:
      - {name: live, engine: alpha, container: webshop-live}
mirrors:
  - name: Dunes Bakery
    source: webshop
    environments:
      - name: live
        engine: alpha
        container: dunes-live
        settings:
          variables: {DEBUG: no, SIZE: 010, EMPTY: , TIME: 12:30}
          restart: no
          ports: ["18080:8080", {host: 53, container: 53, protocol: udp}]
          volumes: [dunes:/media, {source: static, target: /static, read_only: yes}]
          limits: {memory: 64 MiB}
          command: [serve, --fast]
"""


def refused(console: Console, text: str, folder: Path | None = None) -> list[LineProblem]:
    """The problems of a file; that nothing was taken of it is looked at too."""
    before = export_catalog(console)
    with pytest.raises(InvalidInput) as error:
        import_catalog(console, text, folder)
    assert export_catalog(console) == before
    assert error.value.hint
    return [problem for problem in error.value.problems if isinstance(problem, LineProblem)]


def environment(console: Console, slug: str, name: str = "live") -> Environment:
    with console.catalog.read() as books:
        application = books.applications.by_slug(slug)
        assert application is not None
        return next(found for found in books.environments.of(application.id) if found.name == name)


def webshop(console: Console) -> Application:
    with console.catalog.read() as books:
        found = books.applications.by_slug("webshop")
    assert found is not None
    return found
