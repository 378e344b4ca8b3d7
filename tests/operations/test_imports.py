"""Imports: the sample, the way out and back, twenty mistakes at once, and hostile files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.domain.environment import RestartPolicy
from mirror_console.errors import InvalidInput, NotAllowed
from mirror_console.operations.console import Console
from mirror_console.operations.imports import export_catalog, import_catalog
from mirror_console.operations.yaml_text import MOST_NODES, read_yaml
from mirror_console.paths import resources
from tests.operations.desk import empty_console
from tests.operations.import_desk import SMALL, environment, refused


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


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


def test_read_only_takes_nothing(tmp_path: Path) -> None:
    with empty_console(tmp_path, "for support") as console, pytest.raises(NotAllowed):
        import_catalog(console, SMALL)
