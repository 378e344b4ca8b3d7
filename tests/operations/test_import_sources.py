"""Imports of what a source says for its mirrors: tags, routes, commands, services and its template."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.domain.environment import TagRule
from mirror_console.domain.release_command import BackupCommand, ReleaseCommand
from mirror_console.domain.route import Route
from mirror_console.domain.service import Service
from mirror_console.errors import InvalidInput
from mirror_console.operations.console import Console
from mirror_console.operations.imports import export_catalog, import_catalog
from tests.operations.desk import empty_console
from tests.operations.import_desk import SMALL, environment, refused, webshop

FOLLOWING = """\
sources:
  - name: Webshop
    notes_url: https://webshop.example/{version}
    environments:
      - {name: live, follows: {tag: stable, every: 6 h}}
      - {name: test, engine: alpha, container: webshop-test, follows: edge}
"""


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


def test_tags_that_are_followed_and_notes_are_imported_and_exported(console: Console, tmp_path: Path) -> None:
    import_catalog(console, SMALL)
    import_catalog(console, FOLLOWING)
    assert environment(console, "webshop").follows == TagRule("stable", 6 * 3600)
    assert environment(console, "webshop", "test").follows == TagRule("edge")
    text = export_catalog(console)
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, text)
        assert export_catalog(other) == text
        assert environment(other, "webshop").follows == TagRule("stable", 6 * 3600)
        with other.catalog.read() as books:
            source = books.applications.by_slug("webshop")
            assert source is not None
            assert source.notes_url == "https://webshop.example/{version}"
    # What a file leaves out stays; what it empties is gone.
    import_catalog(console, "sources: [{name: Webshop, environments: [{name: live}]}]")
    assert environment(console, "webshop").follows == TagRule("stable", 6 * 3600)
    import_catalog(console, "sources: [{name: Webshop, environments: [{name: live, follows: }]}]")
    assert environment(console, "webshop").follows is None


@pytest.mark.parametrize(
    ("wrong", "place", "words"),
    [
        ("follows: {tag: stable, every: often}", "follows.every", "not a span of time"),
        ("follows: {tag: stable, every: 5 s}", "follows.every", "from once a minute"),
        ("follows: {every: 1 h}", "follows.tag", "tag is missing"),
        ("follows: {tag: 'a b'}", "follows.tag", "'a b' is not a tag"),
        ("follows: {tag: a, often: 1 h}", "follows.often", "not known here"),
        ("hold: {digest: sha256:1, reason: x}", "hold.digest", "not a digest"),
    ],
)
def test_a_rule_for_a_tag_that_is_none_is_refused(console: Console, wrong: str, place: str, words: str) -> None:
    import_catalog(console, SMALL)
    told = refused(console, f"sources: [{{name: Webshop, environments: [{{name: live, {wrong}}}]}}]")
    assert any(one.field == f"sources[0].environments[0].{place}" and words in one.words for one in told), told


def test_a_mirror_follows_no_tag_and_notes_are_at_https(console: Console) -> None:
    import_catalog(console, SMALL)
    mirror = "mirrors: [{name: Dunes Bakery, environments: [{name: live, follows: stable}]}]"
    assert "only a source's environment follows a tag" in refused(console, mirror)[0].words
    notes = "sources: [{name: Webshop, notes_url: 'http://webshop.example/{version}'}]"
    assert refused(console, notes)[0].field == "sources[0].notes_url"


ROUTED = """\
sources:
  - name: Webshop
    template: {route: {network: edge, port: 8080, overlap: yes}}
mirrors:
  - name: Sands
    source: webshop
    environments:
      - {name: live, engine: alpha, container: sands-live, settings: {route: {alias: sands, proof: "http://dunes.x/up"}}}
  - name: Reef
    source: webshop
    environments:
      - {name: live, engine: alpha, container: reef-live, settings: {route: {labels: traefik, network: , port: 0}}}
"""


def test_routes_are_imported_and_exported_and_start_from_the_template(console: Console, tmp_path: Path) -> None:
    import_catalog(console, SMALL)
    import_catalog(console, ROUTED)
    route = Route("edge", "sands", 8080, overlap=True, proof="http://dunes.x/up")
    assert environment(console, "sands").settings.route == route
    assert environment(console, "reef").settings.route == Route(convention="traefik", overlap=True)
    text = export_catalog(console)
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, text)
        assert export_catalog(other) == text
        assert environment(other, "sands").settings.route == route
    import_catalog(console, ROUTED.replace('{alias: sands, proof: "http://dunes.x/up"}', ""))
    assert environment(console, "sands").settings.route is None
    with pytest.raises(InvalidInput) as refused:
        import_catalog(console, ROUTED.replace("labels: traefik", "labels: treefik"))
    words = "'treefik' is not one of: traefik, caddy-docker-proxy, nginx-proxy"
    assert words in [problem.words for problem in refused.value.problems]


COMMANDS = """\
sources:
  - name: Webshop
    release_command: {command: [manage.py, migrate, --no input], limit: 15 min, idempotent: yes}
    backup: {command: /app/backup --all, limit: 2 h, image: registry.example:5000/tools/dump:16}
mirrors:
  - {name: Dunes Bakery, source: webshop, environments: [{name: live, group: shop}]}
"""


def test_release_commands_backups_and_groups_are_imported_and_exported(console: Console, tmp_path: Path) -> None:
    import_catalog(console, SMALL)
    import_catalog(console, COMMANDS)
    text = export_catalog(console)
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, text)
        assert export_catalog(other) == text
        assert environment(other, "dunes-bakery").group == "shop"
        source = webshop(other)
        assert source.release_command == ReleaseCommand(("manage.py", "migrate", "--no input"), 900.0, idempotent=True)
        image = "registry.example:5000/tools/dump:16"
        assert source.backup == BackupCommand(("/app/backup", "--all"), 7200.0, image)
    # What a file leaves out stays; what it empties is gone; none is something else than nothing.
    import_catalog(console, "sources: [{name: Webshop, release_command: {reversible: yes}}]")
    changed = webshop(console).release_command
    assert changed == ReleaseCommand(("manage.py", "migrate", "--no input"), 900.0, reversible=True, idempotent=True)
    import_catalog(console, "sources: [{name: Webshop, release_command: none, backup: }]")
    assert (webshop(console).release_command, webshop(console).backup) == (ReleaseCommand(), None)
    assert "release_command: none" in export_catalog(console)
    import_catalog(console, "sources: [{name: Webshop, release_command: }]")
    assert webshop(console).release_command is None


@pytest.mark.parametrize(
    ("wrong", "place", "words"),
    [
        ("release_command: {limit: 5 min}", "release_command.command", "say what is run"),
        ("release_command: {command: a 'b}", "release_command.command", "quotation mark"),
        ("release_command: {command: a, limit: 2 d}", "release_command.limit", "from one second to a day"),
        ("release_command: {command: a, shell: yes}", "release_command.shell", "not known here"),
        ("backup: {image: 'tools/dump:1'}", "backup.command", "say what makes the backup"),
        ("backup: {command: a, image: 'No Image'}", "backup.image", ""),
    ],
)
def test_a_command_that_is_none_is_refused(console: Console, wrong: str, place: str, words: str) -> None:
    import_catalog(console, SMALL)
    told = refused(console, f"sources: [{{name: Webshop, {wrong}}}]")
    assert any(one.field == f"sources[0].{place}" and words in one.words for one in told), told


SERVICES = """\
sources:
  - name: Webshop
    services:
      - {name: database, command: pg_isready -t 3}
      - {name: search, command: [curl, -fsS, 'http://search:9200'], limit: 20 s, optional: yes}
"""


def test_services_are_imported_and_exported(console: Console, tmp_path: Path) -> None:
    import_catalog(console, SMALL)
    import_catalog(console, SERVICES)
    declared = (
        Service("database", ("pg_isready", "-t", "3")),
        Service("search", ("curl", "-fsS", "http://search:9200"), 20.0, optional=True),
    )
    assert webshop(console).services == declared
    text = export_catalog(console)
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, text)
        assert webshop(other).services == declared
        assert export_catalog(other) == text
    # What a file leaves out stays; what it empties is gone.
    import_catalog(console, "sources: [{name: Webshop, notes: none}]")
    assert webshop(console).services == declared
    import_catalog(console, "sources: [{name: Webshop, services: }]")
    assert webshop(console).services == ()


@pytest.mark.parametrize(
    ("wrong", "place", "words"),
    [
        ("{command: a}", "services[0].name", "name is missing"),
        ("{name: Data Base, command: a}", "services", "is not a name"),
        ("{name: database}", "services", "say which command asks 'database'"),
        ("{name: database, command: a 'b}", "services[0].command", "quotation mark"),
        ("{name: database, command: a, limit: 1 min}", "services.limit", "from 1 s to 30 s"),
        ("{name: database, command: a, limit: soon}", "services[0].limit", "not a span of time"),
        ("{name: database, command: a, optional: perhaps}", "services[0].optional", "neither yes nor no"),
        ("{name: database, command: a, probe: b}", "services[0].probe", "not known here"),
        ("{name: database, command: a}, {name: database, command: b}", "services", "declared twice"),
    ],
)
def test_a_service_that_is_none_is_refused(console: Console, wrong: str, place: str, words: str) -> None:
    import_catalog(console, SMALL)
    told = refused(console, f"sources: [{{name: Webshop, services: [{wrong}]}}]")
    assert any(one.field == f"sources[0].{place}" and words in one.words for one in told), told


WITH_TEMPLATE = SMALL.replace(
    "    repository: registry.example:5000/shop/webshop\n",
    "    repository: registry.example:5000/shop/webshop\n"
    "    template: {limits: {memory: 128 MiB}, labels: {traefik.enable: true}, variables: {STAGE: live}}\n",
).replace("          restart: no\n", "          restart: no\n          labels: {team: blue, com.example/x: 1}\n")


def test_labels_and_the_template_of_a_source_are_taken_and_written_out(console: Console, tmp_path: Path) -> None:
    import_catalog(console, WITH_TEMPLATE)

    own = environment(console, "dunes-bakery").settings
    assert own.labels == {"team": "blue", "com.example/x": "1"}
    # What the file leaves out of a new environment comes from the template.
    assert own.limits.memory == 64 * 1024**2
    with console.catalog.read() as books:
        source = books.applications.by_slug("webshop")
    assert source is not None
    assert source.template is not None
    assert source.template.limits.memory == 128 * 1024**2
    assert source.template.labels == {"traefik.enable": "true"}
    more = "mirrors: [{name: Elm, source: webshop, environments: [{name: live, engine: alpha, container: elm-live}]}]"
    import_catalog(console, more)
    assert environment(console, "elm").settings == source.template
    text = export_catalog(console)
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, text)
        assert export_catalog(other) == text


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("io.mirrorconsole.env: x", "'io.mirrorconsole.env' is one of the console's own: leave it out"),
        ("'a b': x", "'a b' is not the name of a label"),
        ("team: [a]", "a text belongs here"),
    ],
)
def test_labels_that_are_ours_or_none_are_refused(console: Console, label: str, words: str) -> None:
    for text in (
        WITH_TEMPLATE.replace("traefik.enable: true", label),
        WITH_TEMPLATE.replace("team: blue", label),
    ):
        assert words in [problem.words for problem in refused(console, text)]


def test_a_template_has_no_secrets(console: Console) -> None:
    text = WITH_TEMPLATE.replace("variables: {STAGE: live}", "secrets: [KEY]")
    assert any("'secrets' is not known here" in problem.words for problem in refused(console, text))


SWARM = """\
mirrors:
  - {name: Dunes Bakery, source: webshop, environments: [{name: live, container: dunes_web, swarm: yes}]}
"""


def test_that_an_environment_is_a_service_of_a_swarm_is_imported_and_exported(console: Console, tmp_path: Path) -> None:
    import_catalog(console, SMALL)
    assert "swarm" not in export_catalog(console)
    import_catalog(console, SWARM)
    text = export_catalog(console)
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, text)
        assert export_catalog(other) == text
        assert environment(other, "dunes-bakery").swarm
    # What a file leaves out stays.
    import_catalog(console, SMALL)
    assert environment(console, "dunes-bakery").swarm
    with pytest.raises(InvalidInput) as refused:
        import_catalog(console, SWARM.replace("dunes_web", "dunes.web"))
    assert [problem.field for problem in refused.value.problems] == ["mirrors[0].environments[0].container"]
    assert "not the name of a service" in refused.value.problems[0].words
    import_catalog(console, SWARM.replace("swarm: yes", "swarm: no"))
    assert not environment(console, "dunes-bakery").swarm
