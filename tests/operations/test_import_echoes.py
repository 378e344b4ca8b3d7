"""What a mistake of an import file brings with it: each is told once, where it is, and nothing that only follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.operations.console import Console
from tests.operations.desk import empty_console
from tests.operations.import_desk import refused

ENGINE = "engines: [{name: a, address: /run/a.sock}]\n"
SHOP = "sources:\n  - {name: Shop, repository: registry.example/shop, environments: [%s]}\n"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


def told(console: Console, text: str) -> dict[str, str]:
    found = refused(console, text)
    words = {problem.field: problem.words for problem in found}
    assert len(words) == len(found), [str(problem) for problem in found]
    return words


def live(settings: str, name: str = "live") -> str:
    return f"{{name: {name}, engine: a, container: shop-{name}, settings: {settings}}}"


def test_an_engine_with_a_bad_address_is_told_there_alone(console: Console) -> None:
    text = 'engines: [{name: Alpha, address: "tcp://x:99999"}, {name: beta, address: "foo://"}]\n'
    text += SHOP % "{name: test, engine: alpha, container: shop}, {name: live, engine: beta, container: shop}"
    assert set(told(console, text)) == {"engines[0].address", "engines[1].address"}


@pytest.mark.parametrize(
    ("engines", "there"),
    [
        ("[{nam: a, address: /run/a.sock}]", {"engines[0].nam", "engines[0].name"}),
        ("[{name: {b: c}, address: /run/a.sock}]", {"engines[0].name"}),
        ("{a: {address: /run/a.sock}}", {"engines"}),
    ],
)
def test_an_engine_whose_name_cant_be_read_may_be_the_one_that_is_meant(
    console: Console, engines: str, there: set[str]
) -> None:
    found = refused(console, f"engines: {engines}\n" + SHOP % live("{}"))
    assert {problem.field for problem in found} == there


def test_an_engine_that_is_nowhere_is_told_beside_one_with_a_bad_address(console: Console) -> None:
    text = "engines: [{name: a, address: bad}]\n" + SHOP % "{name: live, engine: b, container: shop}"
    assert set(told(console, text)) == {"engines[0].address", "sources[0].environments[0].engine"}


def test_two_engines_without_a_name_arent_the_same_one(console: Console) -> None:
    text = "engines: [{address: /run/a.sock}, {address: /run/b.sock}]"
    assert set(told(console, text)) == {"engines[0].name", "engines[1].name"}


@pytest.mark.parametrize("source", ["Web Shop", "web-shop", "shop"])
def test_a_source_with_a_mistaken_slug_is_found_by_what_it_may_be_called(console: Console, source: str) -> None:
    text = f"""\
sources: [{{name: Shop, slug: Web Shop, repository: registry.example/shop}}]
mirrors: [{{name: M, slug: m, source: {source}}}]
"""
    assert set(told(console, text)) == {"sources[0].slug"}
    text = text.replace(f"source: {source}", "source: nothing")
    assert set(told(console, text)) == {"sources[0].slug", "mirrors[0].source"}


def test_sources_and_mirrors_that_cant_be_read_arent_missed(console: Console) -> None:
    text = """\
sources: [{nam: Shop, repository: registry.example/shop}]
mirrors: {m: {source: shop}}
windows: [{mirror: m, days: Mon, from: "10:00", to: "12:00"}]
"""
    assert set(told(console, text)) == {"sources[0].nam", "sources[0].name", "mirrors"}
    text = "sources: shop\nmirrors: [{name: M, source: shop}, {source: shop}, {source: shop}]"
    assert set(told(console, text)) == {"sources", "mirrors[1].name", "mirrors[2].name"}


def test_an_empty_container_name_clashes_with_nothing(console: Console) -> None:
    environments = ", ".join(f"{{name: {name}, engine: a, container: ''}}" for name in ("test", "live"))
    found = told(console, ENGINE + SHOP % environments)
    assert set(found) == {f"sources[0].environments[{place}].container" for place in (0, 1)}
    assert all(words.startswith("'' is not a container name") for words in found.values())


def test_processes_that_are_called_after_it_dont_repeat_it(console: Console) -> None:
    shop = SHOP % "{name: live, engine: a, container: ''}"
    several = "processes: [{name: web, serves: yes}, {name: worker, command: work}], environments:"
    shop = shop.replace("environments:", several)
    assert set(told(console, ENGINE + shop)) == {"sources[0].environments[0].container"}


@pytest.mark.parametrize(
    ("port", "field", "words"),
    [
        ("'99999999'", "[0]", "'99999999' is not a port: write host:container, such as 18080:8080"),
        ("'70000'", "", "container port 70000 is out of range 1 to 65535"),
        ("'70000:80'", "", "host port 70000 is out of range 1 to 65535"),
        ("{host: 99999999, container: 80}", "[0].host", "99999999 is out of range 1 to 65535"),
        ("{container: 70000}", "[0].container", "70000 is out of range 1 to 65535"),
        ("{host: 8080, container: }", "[0].container", "the container's port is missing"),
    ],
)
def test_of_a_port_is_quoted_what_was_written(console: Console, port: str, field: str, words: str) -> None:
    found = told(console, ENGINE + SHOP % live(f"{{ports: [{port}], health: {{path: /up, port: 80}}}}"))
    at = "sources[0].environments[0].settings.ports"
    assert {name: text for name, text in found.items() if name.startswith(at)} == {f"{at}{field}": words}


def test_both_numbers_of_a_port_are_told(console: Console) -> None:
    found = told(console, ENGINE + SHOP % live("{ports: [{host: 99999999, container: x}]}"))
    assert [*found.values()] == ["'x' is not a whole number", "99999999 is out of range 1 to 65535"]


def test_a_port_that_cant_be_read_clashes_with_nothing(console: Console) -> None:
    port = "{ports: [{host: 8080, container: 80, address: %s}]}"
    text = ENGINE + SHOP % f"{live(port % '127.0.0.1', 'test')}, {live(port % 'localhost')}"
    assert set(told(console, text)) == {"sources[0].environments[1].settings.ports[0].address"}


def test_that_a_port_cant_be_read_says_nothing_of_the_health_test(console: Console) -> None:
    settings = "{ports: [eighty], health: {path: /up, port: 80}}"
    at = "sources[0].environments[0].settings.ports[0]"
    assert set(told(console, ENGINE + SHOP % live(settings))) == {at}
    source = f"sources: [{{name: Shop, repository: registry.example/shop, template: {settings}}}]"
    assert set(told(console, source)) == {"sources[0].template.ports[0]"}


def test_a_span_is_corrected_with_one_that_fits(console: Console) -> None:
    found = told(console, ENGINE + SHOP % live("{health: {limit: x, settle: soon}, limits: {cpus: many}}"))
    at = "sources[0].environments[0].settings"
    assert found == {
        f"{at}.health.limit": "'x' is not a number of seconds: write 60 or 2.5",
        f"{at}.health.settle": "'soon' is not a number of seconds: write 60 or 2.5",
        f"{at}.limits.cpus": "'many' is not a number: write 0.5",
    }
