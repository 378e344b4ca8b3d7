"""Imports: the sample, twenty mistakes at once, hostile files, files that are named, and the way out and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.engine import Way
from mirror_console.domain.environment import Environment, Limits, Process, RestartPolicy, TagRule
from mirror_console.domain.process import DeclaredProcess, settings_for
from mirror_console.domain.release_command import BackupCommand, ReleaseCommand
from mirror_console.domain.route import Route
from mirror_console.domain.secret import Secret
from mirror_console.domain.service import Service
from mirror_console.errors import CatalogError, InvalidInput, NotAllowed
from mirror_console.operations.console import Console
from mirror_console.operations.imports import LineProblem, export_catalog, import_catalog
from mirror_console.operations.yaml_text import MOST_NODES, read_yaml
from mirror_console.paths import resources
from tests.operations.desk import CERTIFICATE, KEY, Raced, empty_console, held

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


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


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


def test_the_sample_is_taken_whole_and_changes_nothing_the_second_time(console: Console) -> None:
    text = (resources() / "sample" / "webshop.yaml").read_text()
    first = import_catalog(console, text)
    second = import_catalog(console, text)

    assert first.counts["mirror"] == 24
    assert first.counts["engine"] == 4
    assert first.new == sum(first.counts.values())
    assert first.changed == second.new == second.changed == 0
    assert "berlin can't be reached before its certificates are given: edit the engine." in first.notes
    assert first.words.startswith("Imported 4 engines, 1 registry, 1 source, 24 mirrors and ")


def test_what_is_exported_imports_again_elsewhere(console: Console, tmp_path: Path) -> None:
    import_catalog(console, (resources() / "sample" / "webshop.yaml").read_text())
    import_catalog(console, SMALL.replace("alpha", "local").replace("Webshop", "Shop").replace("webshop", "shop"))
    text = export_catalog(console)
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, text)
        assert export_catalog(other) == text
        assert environment(other, "dunes-bakery").settings.hash == environment(console, "dunes-bakery").settings.hash


FOLLOWING = """\
sources:
  - name: Webshop
    notes_url: https://webshop.example/{version}
    environments:
      - {name: live, follows: {tag: stable, every: 6 h}}
      - {name: test, engine: alpha, container: webshop-test, follows: edge}
"""


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


def webshop(console: Console) -> Application:
    with console.catalog.read() as books:
        found = books.applications.by_slug("webshop")
    assert found is not None
    return found


SEVERAL = """\
sources:
  - name: Webshop
    processes:
      - {name: web, serves: yes}
      - {name: worker, command: celery -A shop worker, worker: yes}
      - {name: scheduler, command: [celery, beat], limits: {memory: 64m, cpus: 0.5}}
"""


def processes(console: Console) -> list[tuple[str, str]]:
    return [(one.name, one.container) for one in environment(console, "dunes-bakery").processes]


def others(console: Console) -> tuple[Process, ...]:
    return environment(console, "dunes-bakery").processes[1:]


def test_processes_of_a_source_come_to_its_mirrors_and_are_written_out(console: Console, tmp_path: Path) -> None:
    import_catalog(console, SMALL)
    import_catalog(console, SEVERAL)
    assert webshop(console).processes == (
        DeclaredProcess("web", serves=True),
        DeclaredProcess("worker", ("celery", "-A", "shop", "worker"), worker=True),
        DeclaredProcess("scheduler", ("celery", "beat"), limits=Limits(64 * 1024 * 1024, 0.5)),
    )
    derived = [("web", "dunes-live"), ("worker", "dunes-live-worker"), ("scheduler", "dunes-live-scheduler")]
    assert processes(console) == derived
    assert environment(console, "dunes-bakery").processes[1].worker
    assert [one.name for one in environment(console, "webshop").processes] == ["web"], "a source is only watched"
    assert "containers:" not in export_catalog(console)
    own = "containers: {worker: dunes-jobs}, process_limits: {worker: {pids: 50}, scheduler: {memory: 0}}"
    import_catalog(console, f"mirrors: [{{name: Dunes Bakery, environments: [{{name: live, {own}}}]}}]")
    granted = [settings_for(environment(console, "dunes-bakery"), one).limits for one in others(console)]
    assert granted == [Limits(pids=50), Limits()]
    assert processes(console) == [derived[0], ("worker", "dunes-jobs"), derived[2]]
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, export_catalog(console))
        assert processes(other) == processes(console)
        assert export_catalog(other) == export_catalog(console)
    # Which of them runs where isn't touched by a file that says nothing of it; where none is declared one is left.
    import_catalog(console, "mirrors: [{name: Dunes Bakery, environments: [{name: live, group: shop}]}]")
    assert processes(console) == [derived[0], ("worker", "dunes-jobs"), derived[2]]
    import_catalog(console, "sources: [{name: Webshop, processes: }]")
    assert processes(console) == derived[:1]
    # What is declared no more goes with the next rollout, and is the same again where it is declared again.
    assert [one.container for one in environment(console, "dunes-bakery").going] == ["dunes-jobs", derived[2][1]]
    import_catalog(console, SEVERAL)
    assert not environment(console, "dunes-bakery").going
    assert processes(console) == [derived[0], ("worker", "dunes-jobs"), derived[2]]
    assert others(console)[0].own_limits == Limits(pids=50)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("[{name: web}]", "exactly one process serves"),
        ("[{name: web, serves: yes}, {name: other, serves: yes}]", "exactly one process serves"),
        ("[{name: web, serves: yes}, {name: web, command: a}]", "declared twice"),
        ("[{name: web, serves: yes, command: serve}]", "stands in the settings"),
        ("[{name: web, serves: yes, worker: yes}]", "can't stop before"),
        ("[{name: web, serves: yes}, {name: worker}]", "say what 'worker' runs"),
        ("[{name: web, serves: yes}, {name: Worker, command: a}]", "is not a name"),
        ("[{name: web, serves: yes, limits: {pids: 1}}]", "limits of 'web', which serves, stand in the settings"),
        ("[{name: web, serves: yes}, {name: worker, command: a, limits: {memory: 1m}}]", "smallest memory limit"),
    ],
)
def test_processes_that_are_none_are_refused(console: Console, wrong: str, words: str) -> None:
    import_catalog(console, SMALL)
    found = refused(console, f"sources: [{{name: Webshop, processes: {wrong}}}]")
    assert any(words in one.words for one in found), found


def test_containers_of_processes_that_clash_or_are_none_are_refused(console: Console) -> None:
    import_catalog(console, SMALL)
    import_catalog(console, SEVERAL)
    mirror = "mirrors: [{{name: Dunes Bakery, environments: [{{name: live, containers: {{{}}}}}]}}]"
    (found,) = refused(console, mirror.format("jobs: dunes-jobs"))
    assert "'jobs' is none of the processes" in found.words
    (found,) = refused(console, mirror.format("worker: webshop-live"))
    assert "has the container 'webshop-live'" in found.words
    (found,) = refused(console, mirror.format("worker: dunes-live"))
    assert "two of its processes can't have one container" in found.words


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


def test_plain_words_mean_what_people_mean(console: Console) -> None:
    import_catalog(console, SMALL)
    settings = environment(console, "dunes-bakery").settings
    assert settings.variables == {"DEBUG": "no", "SIZE": "010", "EMPTY": "", "TIME": "12:30"}
    assert settings.restart is RestartPolicy.NO
    assert [(port.host, port.container, port.protocol) for port in settings.ports] == [
        (18080, 8080, "tcp"),
        (53, 53, "udp"),
    ]
    assert [volume.read_only for volume in settings.volumes] == [False, True]
    assert settings.limits.memory == 64 * 1024**2
    assert settings.command == ("serve", "--fast")


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


def test_what_a_file_leaves_out_stays(console: Console) -> None:
    import_catalog(console, SMALL)
    before = environment(console, "dunes-bakery")
    changed = import_catalog(
        console,
        "mirrors: [{name: Dunes, slug: dunes-bakery, environments: [{name: live, settings: {stop_seconds: 3}}]}]",
    )
    after = environment(console, "dunes-bakery")
    assert (changed.new, changed.changed) == (0, 2)
    assert after.id == before.id
    assert after.settings.stop_seconds == 3
    assert after.settings.ports == before.settings.ports


def test_twenty_mistakes_are_told_at_once_each_with_its_line(console: Console) -> None:
    text = """\
format: 7
engins: []
engines:
  - {name: alpha, address: /run/alpha.sock, at_once: 99}
  - {name: ALPHA, address: /run/other.sock}
  - {name: beta, address: "tcp://beta:2375"}
  - {name: gamma, adress: /run/gamma.sock, often_offline: perhaps}
registries:
  - {host: "https://registry.example"}
sources:
  - name: Webshop
    repository: Registry/Shop
mirrors:
  - name: Sands
    source: nothing
    image_source: sometimes
    tags: [a b]
    domains: [https://dunes.example]
    environments:
      - name: Live
        engine: delta
        container: dunes.mc-next
        settings:
          variables: {1X: a}
          ports: ["eighty", {host: 70000, container: 80}]
          limits: {memory: 1k, cpus: half}
          restart: sometimes
          health: {answers: 999}
          stop_seconds: {a: b}
"""
    found = refused(console, text)
    lines = {problem.field: problem.line for problem in found}
    assert len(found) >= 20, [str(problem) for problem in found]
    assert lines["format"] == 1
    assert lines["engins"] == 2
    assert lines["engines[1].name"] == 5
    assert lines["engines[3].adress"] == 7
    assert lines["mirrors[0].source"] == 15
    assert lines["mirrors[0].environments[0].engine"] == 21
    assert lines["mirrors[0].environments[0].settings.ports[0]"] == 25
    assert lines["mirrors[0].environments[0].settings.limits.memory"] == 26
    assert all(problem.line for problem in found)
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)
    assert "did you mean 'engines'?" in next(problem.words for problem in found if problem.field == "engins")


def test_an_engine_that_comes_twice_is_told_whatever_else_is_wrong_with_the_first(console: Console) -> None:
    text = "engines: [{name: alpha, adress: unix:///run/a}, {name: Alpha, address: unix:///run/b}]"
    found = {problem.field: problem.words for problem in refused(console, text)}
    assert set(found) == {"engines[0].adress", "engines[0].address", "engines[1].name"}
    assert found["engines[0].address"].startswith("an address is needed")
    assert found["engines[1].name"] == "the engine 'Alpha' comes twice"


def test_clashes_within_the_file_and_with_the_catalog_are_told(console: Console) -> None:
    import_catalog(console, SMALL)
    twin = SMALL.partition("mirrors:")[2].replace("Dunes Bakery", "Twin")
    fields = {problem.field for problem in refused(console, f"mirrors:{twin}")}
    assert fields == {"mirrors[0].environments[0].container", "mirrors[0].environments[0].settings.ports"}
    fields = {problem.field for problem in refused(console, "mirrors: [{name: M, slug: webshop, source: webshop}]")}
    assert fields == {"mirrors[0].slug"}


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "a: &a [*a]",
        "!!python/object/apply:os.system [id]",
        "engines: !!set {a}",
        "engines: []\nengines: []",
        "[" * 500,
        "{a: " * 500,
        "a: \x00",
        "---\na: b\n---\nc: d",
        "? [a, b]\n: c",
        "engines: [<<: 3]",
        "\t- a",
        "- a",
        "text",
        "engines: {}",
        "engines: [a]",
        "engines: [[a]]",
        "engines: [{name: {a: b}, address: [c]}]",
        "mirrors: [{environments: {live: {}}}]",
        "mirrors: [{name: M, source: s, environments: [{settings: {variables: [a], secrets: [[a]], ports: 1}}]}]",
    ],
)
def test_what_is_no_import_is_refused_with_words(console: Console, text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        import_catalog(console, text)
    assert error.value.problems
    assert all(problem.words for problem in error.value.problems)


def test_a_file_that_unfolds_without_end_is_refused_at_once() -> None:
    doubling = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    merging = "a0: &a0 {x0: y}\n" + "".join(
        f"b{n}: &b{n} {{p: *a{n - 1}, q: *a{n - 1}}}\na{n}: &a{n} {{<<: *b{n}, x{n}: y}}\n" for n in range(1, 60)
    )
    for text in (doubling, merging):
        with pytest.raises(InvalidInput, match=str(MOST_NODES)):
            read_yaml(text)


def test_anchors_and_merges_save_typing(console: Console) -> None:
    text = (
        SMALL.replace("settings:\n", "settings: &usual\n").replace("name: Dunes Bakery", "name: Dunes Bakery")
        + """\
  - name: Elm Cafe
    source: webshop
    environments:
      - name: live
        engine: alpha
        container: elm-live
        settings:
          <<: *usual
          ports: ["18081:8080"]
"""
    )
    import_catalog(console, text)
    assert environment(console, "elm-cafe").settings.restart is RestartPolicy.NO
    assert environment(console, "elm-cafe").settings.ports[0].host == 18081


# --- secrets --------------------------------------------------------------------------------------------------------

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


def test_read_only_takes_nothing(tmp_path: Path) -> None:
    with empty_console(tmp_path, "for support") as console, pytest.raises(NotAllowed):
        import_catalog(console, SMALL)


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
