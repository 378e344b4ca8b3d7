"""Applications: what is typed for sources and mirrors, identities that survive renaming, secrets, and holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mirror_console.domain.application import Application, ImageSource
from mirror_console.domain.environment import Environment, Limits, Port, RestartPolicy, Settings, TagRule, Volume
from mirror_console.domain.secret import Secret
from mirror_console.domain.way import REST, WaveSize
from mirror_console.errors import CatalogError, InvalidInput, NotAllowed
from mirror_console.operations import typed
from mirror_console.operations.application_input import ProcessesInput
from mirror_console.operations.applications import (
    EnvironmentInput,
    MirrorInput,
    SourceInput,
    mirror_input,
    problems,
    remove_application,
    save_mirror,
    save_source,
    source_input,
)
from mirror_console.operations.console import Console
from mirror_console.operations.engines import EngineInput, save_engine
from mirror_console.operations.hold import clear_hold, set_hold
from mirror_console.operations.marks import source_releases
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from tests.operations.desk import empty_console, held
from tests.operations.fleet import QUICK, now, small_fleet

LIVE = EnvironmentInput(
    name="live",
    engine="alpha",
    container="dunes-live",
    variables={"DOMAIN": "dunes.example"},
    secrets={"SECRET_KEY": Secret("s3cret")},
    ports="18080:8080, 127.0.0.1:1:2/udp, 9000",
    volumes="dunes-media:/media, /srv/static:/static:ro",
    networks="front, back",
    memory="256 MiB",
    cpus="0.5",
    pids="100",
    restart="always",
    health_path="/up",
    health_port="8080",
    health_answers="200-299",
    health_limit="30",
    stop_signal="sigquit",
    stop_seconds="5",
    command="serve --name 'Dunes Bakery'",
    init=True,
)
SOURCE = SourceInput(
    name="Webshop",
    repository="registry.example:5000/shop/webshop",
    required_variables="DOMAIN, SECRET_KEY",
    environments=(EnvironmentInput(name="live", engine="alpha", container="webshop-live"),),
)
MIRROR = MirrorInput(
    name="Dunes Bakery",
    account="ACC-1",
    tags="north, food, north",
    domains="Dunes.example, www.dunes.example",
    source="webshop",
    image_source="matching",
    environments=(LIVE,),
)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        save_engine(made, EngineInput(name="alpha", address="unix:///run/alpha.sock"))
        save_source(made, SOURCE)
        yield made


def environment(console: Console, application: Application, name: str = "live") -> Environment:
    with console.catalog.read() as books:
        return next(found for found in books.environments.of(application.id) if found.name == name)


def wrong(console: Console, change: MirrorInput | SourceInput, application_id: str | None = None) -> list[str]:
    return [problem.field for problem in problems(console, change, application_id)]


def test_a_mirror_is_kept_as_it_was_typed(console: Console) -> None:
    mirror = save_mirror(console, MIRROR)

    assert (mirror.slug, mirror.tags) == ("dunes-bakery", ("north", "food"))
    assert mirror.domains == ("dunes.example", "www.dunes.example")
    assert mirror.image_source is ImageSource.MATCHING
    settings = environment(console, mirror).settings
    assert settings.ports == (Port(8080, 18080), Port(2, 1, "127.0.0.1", "udp"), Port(9000, 0))
    assert settings.volumes == (Volume("dunes-media", "/media"), Volume("/srv/static", "/static", read_only=True))
    assert settings.networks == ("front", "back")
    assert settings.limits == Limits(256 * 1024**2, 0.5, 100)
    assert settings.restart is RestartPolicy.ALWAYS
    assert (settings.health.path, settings.health.answers_to, settings.health.limit) == ("/up", 299, 30)
    assert (settings.stop_signal, settings.stop_seconds) == ("SIGQUIT", 5)
    assert settings.command == ("serve", "--name", "Dunes Bakery")
    assert settings.init
    with console.catalog.read() as books:
        assert [account.name for account in books.accounts.all()] == ["ACC-1"]


def test_values_of_secrets_are_in_the_keyring_alone(console: Console) -> None:
    mirror = save_mirror(console, MIRROR)
    live = environment(console, mirror)
    assert live.settings.secrets["SECRET_KEY"].name == f"environment/{live.id}/SECRET_KEY"
    assert held(console, f"environment/{live.id}/SECRET_KEY") == Secret("s3cret")
    files = Path(console.catalog.path).parent.iterdir()  # type: ignore[attr-defined] # the store's own
    assert not any(b"s3cret" in file.read_bytes() for file in files)


def test_editing_shows_what_was_typed_and_changes_nothing_by_itself(console: Console) -> None:
    mirror = save_mirror(console, MIRROR)
    before = environment(console, mirror)
    shown = mirror_input(console, mirror.id)
    assert shown.environments[0].secrets == {"SECRET_KEY": Secret("")}
    assert save_mirror(console, shown, mirror.id) == mirror
    assert environment(console, mirror) == before
    assert held(console, f"environment/{before.id}/SECRET_KEY") == Secret("s3cret")
    with console.catalog.read() as books:
        source = books.applications.by_slug("webshop")
    assert source is not None
    assert save_source(console, source_input(console, source.id), source.id) == source


def test_limits_of_other_processes_are_typed_by_their_names(console: Console) -> None:
    with console.catalog.read() as books:
        (source,) = books.applications.sources()
    declared = ProcessesInput("web\nworker = work")
    save_source(console, replace(source_input(console, source.id), processes=declared), source.id)
    mirror = save_mirror(console, MIRROR)
    (shown,) = mirror_input(console, mirror.id).environments
    assert (shown.others, shown.process_limits) == (("worker",), "")
    for text, words in (("worker 1 CPUs", "write worker = "), ("jobs = 1 CPUs", "'jobs' is none of its")):
        change = replace(MIRROR, environments=(replace(shown, process_limits=text),))
        (found,) = problems(console, change, mirror.id)
        assert (found.field, words in found.words) == ("environments[0].process_limits", True)
    save_mirror(console, replace(MIRROR, environments=(replace(shown, process_limits="worker = 0"),)), mirror.id)
    assert environment(console, mirror).processes[1].own_limits == Limits()
    assert mirror_input(console, mirror.id).environments[0].process_limits == "worker = 0"


def test_an_environment_keeps_its_identity_through_renaming(console: Console) -> None:
    mirror = save_mirror(console, MIRROR)
    before = environment(console, mirror)
    shown = mirror_input(console, mirror.id)
    renamed = replace(shown, environments=(replace(shown.environments[0], name="production"),))
    save_mirror(console, renamed, mirror.id)
    assert environment(console, mirror, "production").id == before.id


def test_what_is_no_longer_there_takes_its_secrets_along(console: Console) -> None:
    mirror = save_mirror(console, MIRROR)
    before = environment(console, mirror)
    save_mirror(console, replace(mirror_input(console, mirror.id), environments=()), mirror.id)
    with console.catalog.read() as books:
        assert not books.environments.of(mirror.id)
    assert held(console, f"environment/{before.id}/SECRET_KEY") is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (replace(LIVE, name="Live"), "name"),
        (replace(LIVE, engine=""), "engine"),
        (replace(LIVE, engine="fra-9"), "engine"),
        (replace(LIVE, container="x"), "container"),
        (replace(LIVE, container="web.mc-prev"), "container"),
        (replace(LIVE, ports="eighty"), "settings.ports"),
        (replace(LIVE, health_path="", ports="99999:80"), "settings.ports"),
        (replace(LIVE, ports="8080:8080, 8080:8081"), "settings.ports"),
        (replace(LIVE, ports="1.2.3:80:8080", health_path=""), "settings.ports"),
        (replace(LIVE, volumes="media"), "settings.volumes"),
        (replace(LIVE, volumes="a b:/media"), "settings.volumes"),
        (replace(LIVE, memory="much"), "settings.limits.memory"),
        (replace(LIVE, memory="1 MiB"), "settings.limits.memory"),
        (replace(LIVE, cpus="half"), "settings.limits.cpus"),
        (replace(LIVE, pids="-1"), "settings.limits.pids"),
        (replace(LIVE, restart="sometimes"), "settings.restart"),
        (replace(LIVE, health_answers="ok"), "settings.health.answers"),
        (replace(LIVE, health_answers="400-200"), "settings.health.answers"),
        (replace(LIVE, health_path="up"), "settings.health.path"),
        (replace(LIVE, health_port="81"), "settings.health.port"),
        (replace(LIVE, stop_seconds="long"), "settings.stop_seconds"),
        (replace(LIVE, stop_signal="please!"), "settings.stop_signal"),
        (replace(LIVE, command="serve 'x"), "settings.command"),
        (replace(LIVE, variables={"1X": ""}), "settings.variables"),
        (replace(LIVE, variables={"SECRET_KEY": ""}), "settings.variables"),
        (replace(LIVE, secrets={"SECRET_KEY": Secret("")}), "settings.secrets"),
        (replace(LIVE, secrets={"a/../b": Secret("x")}), "settings.secrets"),
    ],
)
def test_a_wrong_field_of_an_environment_is_named(console: Console, change: EnvironmentInput, field: str) -> None:
    assert wrong(console, replace(MIRROR, environments=(change,))) == [f"environments[0].{field}"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (replace(MIRROR, name="", slug=""), ["name"]),
        (replace(MIRROR, name="!!!", slug=""), ["slug"]),
        (replace(MIRROR, slug="Dunes!"), ["slug"]),
        (replace(MIRROR, slug="webshop"), ["slug"]),
        (replace(MIRROR, source=""), ["source"]),
        (replace(MIRROR, source="nothing"), ["source"]),
        (replace(MIRROR, image_source="sometimes"), ["image_source"]),
        (replace(MIRROR, tags="a b"), ["tags"]),
        (replace(MIRROR, domains="https://x.example"), ["domains"]),
        (replace(SOURCE, slug="other", environments=(), repository="Registry/Shop"), ["repository"]),
        (replace(SOURCE, slug="other", environments=(), repository="registry.example/shop:1"), ["repository"]),
        (replace(SOURCE, slug="other", environments=(), repository=""), ["repository"]),
    ],
)
def test_a_wrong_field_is_named(console: Console, change: MirrorInput | SourceInput, fields: list[str]) -> None:
    assert wrong(console, change) == fields


def test_a_mirror_cannot_be_the_source_of_another(console: Console) -> None:
    save_mirror(console, MIRROR)
    assert "source" in wrong(console, replace(MIRROR, slug="other", source="dunes-bakery", environments=()))


def test_one_engine_has_each_name_and_port_once(console: Console) -> None:
    save_mirror(console, MIRROR)
    twin = replace(MIRROR, name="Twin")
    found = problems(console, twin)
    assert [problem.field for problem in found] == [
        "environments[0].container",
        "environments[0].settings.ports",
        "environments[0].settings.ports",
    ]
    assert all("Dunes Bakery live" in problem.words for problem in found)
    apart = replace(LIVE, container="twin-live", ports="127.0.0.2:1:2/udp, 18081:8080")
    assert not wrong(console, replace(twin, environments=(apart,)))


def test_two_environments_of_one_name_are_refused(console: Console) -> None:
    second = replace(LIVE, container="dunes-two", ports="", health_path="")
    assert wrong(console, replace(MIRROR, environments=(LIVE, second))) == ["environments[1].name"]


def test_a_refusal_changes_nothing(console: Console) -> None:
    with pytest.raises(InvalidInput):
        save_mirror(console, replace(MIRROR, tags="a b"))
    with console.catalog.read() as books:
        assert len(books.applications.all()) == 1
    assert not console.vault._secrets  # type: ignore[attr-defined]


def test_a_source_with_mirrors_is_not_removed(console: Console) -> None:
    mirror = save_mirror(console, MIRROR)
    with pytest.raises(CatalogError, match="Dunes Bakery"):
        remove_application(console, mirror.source_id)
    live = environment(console, mirror)
    remove_application(console, mirror.id)
    assert held(console, f"environment/{live.id}/SECRET_KEY") is None
    remove_application(console, mirror.source_id)


def test_what_a_rollout_works_on_is_not_removed() -> None:
    with small_fleet(1) as fleet:
        fleet.publish("26.8.2")
        fleet.run_mirrors("26.8.2")
        fleet.publish("26.8.3")
        refresh(fleet.console, fleet.jobs)
        made = plan(fleet.console, "live", ["mirror-01"], QUICK)
        start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
        with pytest.raises(NotAllowed, match="Mirror 01 live"):
            remove_application(fleet.console, "mirror-01")
        with pytest.raises(NotAllowed, match="Mirror 01 live"):
            save_mirror(fleet.console, replace(mirror_input(fleet.console, "mirror-01"), environments=()), "mirror-01")


def test_a_hold_keeps_what_runs_until_it_is_cleared() -> None:
    with small_fleet(1) as fleet:
        live = fleet.environment(fleet.mirrors[0], "live")
        with pytest.raises(InvalidInput, match="check it first"):
            set_hold(fleet.console, live.id, "a fair")
        fleet.publish("26.8.2")
        fleet.run_mirrors("26.8.2")
        refresh(fleet.console, fleet.jobs)
        fleet.publish("26.8.3")
        refresh(fleet.console, fleet.jobs)
        with pytest.raises(InvalidInput) as error:
            set_hold(fleet.console, live.id, " ", until=now() - timedelta(days=1))
        assert [problem.field for problem in error.value.problems] == ["reason", "until"]

        set_hold(fleet.console, live.id, "a fair", until=now() + timedelta(days=1))
        cell = survey(fleet.console).rows[0].cells["live"]
        assert (cell.held, str(cell.status), cell.expected_title) == (True, "aligned", "26.8.2")
        # Saving the form afterwards keeps the hold.
        save_mirror(fleet.console, mirror_input(fleet.console, "mirror-01"), "mirror-01")
        assert fleet.environment(fleet.mirrors[0], "live").hold is not None

        clear_hold(fleet.console, live.id)
        assert str(survey(fleet.console).rows[0].cells["live"].status) == "behind"


def test_a_hold_names_a_release_and_ends_by_itself() -> None:
    with small_fleet(1) as fleet:
        for version in ("26.8.2", "26.8.3"):
            digest = fleet.publish(version)
            refresh(fleet.console, fleet.jobs)
        fleet.run_mirrors("26.8.3")
        refresh(fleet.console, fleet.jobs)
        live = fleet.environment(fleet.mirrors[0], "live")
        first = next(one for one in source_releases(fleet.console, "source") if one.version == "26.8.2")
        set_hold(fleet.console, live.id, "a fair", now() + timedelta(days=3), first)
        cell = survey(fleet.console).rows[0].cells["live"]
        assert (cell.held, str(cell.status), cell.expected_title) == (True, "ahead", "26.8.2")
        # A rollout goes where it is held.
        made = plan(fleet.console, "live", ["mirror-01"], QUICK)
        assert [(one.before_title, one.after_title) for one in made.targets] == [("26.8.3", "26.8.2")]
        later = replace(fleet.console, clock=lambda: now() + timedelta(days=4))
        after = survey(later)
        assert not after.rows[0].cells["live"].held
        assert after.rows[0].cells["live"].expected_title == "26.8.3"

        by_digest = replace(first, fingerprint="", version="", digest=digest)
        set_hold(fleet.console, live.id, "by digest", release=by_digest)
        assert survey(fleet.console).rows[0].cells["live"].expected_title == "26.8.3"


def test_the_form_of_a_source_keeps_what_it_does_not_show_and_what_it_follows() -> None:
    with small_fleet(1) as fleet:
        with fleet.console.catalog.write() as books:
            source = books.applications.get("source")
            books.applications.save(replace(source, template=Settings(init=True), notes_url="https://shop.example/"))
            live = books.environments.get("source-live")
            books.environments.save(replace(live, follows=TagRule("stable", 6 * 3600)))
        given = source_input(fleet.console, "source")
        assert (given.environments[0].tag, given.environments[0].every) == ("stable", "6 h")
        save_source(fleet.console, given, "source")
        with fleet.console.catalog.read() as books:
            kept = books.applications.get("source")
            assert (kept.template, kept.notes_url) == (Settings(init=True), "https://shop.example/")
            assert books.environments.get("source-live").follows == TagRule("stable", 6 * 3600)
            assert books.environments.following() == [books.environments.get("source-live")]
        without = replace(given, environments=(replace(given.environments[0], follows=False),))
        save_source(fleet.console, without, "source")
        with fleet.console.catalog.read() as books:
            assert books.environments.following() == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("15 min", 900), ("90 s", 90), ("90", 90), ("6h", 21600), ("1 d", 86400), ("5 m", 300)]
)
def test_a_span_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert typed.parse_span(text) == seconds
    assert typed.parse_span(typed.span_text(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "often", "-5 min", "1.5 h", "5 weeks"])
def test_what_is_no_span_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="not a span of time"):
        typed.parse_span(text)


# --- texts ----------------------------------------------------------------------------------------------------------

PORTS = some.builds(
    Port,
    container=some.integers(1, 65535),
    host=some.integers(1, 65535),
    address=some.sampled_from([Port(1, 1).address, "127.0.0.1", "::1", "fe80::1"]),
    protocol=some.sampled_from(["tcp", "udp"]),
)


@given(some.lists(PORTS, unique=True))
def test_ports_read_back_as_they_were(ports: list[Port]) -> None:
    assert typed.parse_ports(typed.listed(typed.port_text(port) for port in ports)) == tuple(ports)


@given(some.integers(0, 10**15 - 1))
def test_sizes_read_back_as_they_were(size: int) -> None:
    assert typed.parse_bytes(typed.bytes_text(size)) == size


@given(some.text(max_size=40))
def test_no_text_breaks_a_reader(text: str) -> None:
    for read in (
        typed.parse_ports,
        typed.parse_volumes,
        typed.parse_bytes,
        typed.parse_whole,
        typed.parse_number,
        typed.parse_answers,
        typed.parse_command,
        typed.parse_signal,
        typed.parse_waves,
    ):
        # Whatever is typed: a value, or a ValueError with words; nothing else.
        with contextlib.suppress(ValueError):
            read(text)


@pytest.mark.parametrize(
    ("text", "size"), [("64m", 64 * 1024**2), ("1.5 GiB", 3 * 2**29), ("2MB", 2_000_000), ("67108864", 67108864)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert typed.parse_bytes(text) == size


def test_waves_are_read_as_people_write_them() -> None:
    assert typed.parse_waves("1, 5%, 12.5 %, rest") == (WaveSize(1), WaveSize(percent=5), WaveSize(percent=12.5), REST)
    assert typed.parse_waves("3") == (WaveSize(3), REST)
    for bad in ("0", "rest, 1", "150%", "all"):
        with pytest.raises(ValueError, match="wave"):
            typed.parse_waves(bad)


def test_variables_are_read_line_by_line() -> None:
    assert typed.parse_variables("A=1\n\nB = x=y \n") == {"A": "1", "B": " x=y "}
    assert typed.parse_variables(typed.variables_text({"B": "2", "A": ""})) == {"A": "", "B": "2"}
    with pytest.raises(InvalidInput) as error:
        typed.parse_variables("A=1\nnonsense\nA=2")
    assert [problem.words for problem in error.value.problems] == ["line 2 is not NAME=value", "A comes twice (line 3)"]
