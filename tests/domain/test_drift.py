"""Each way in which a container can differ from what was applied, what waits, and the laws of taking over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.drift import differences, not_made_again, of_settings
from mirror_console.domain.environment import (
    HealthTest,
    Limits,
    Port,
    RestartPolicy,
    Settings,
    Volume,
    settings_problems,
)
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Container, Endpoint, Health, State
from mirror_console.domain.pending import pending_words, settings_changes
from mirror_console.domain.route import Route
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.setting_words import looks_secret
from mirror_console.domain.taking import Observed, not_adoptable, secret_values, taken
from mirror_console.domain.template import copied, followed, template_problems

AT = datetime(2026, 9, 21, 14, 5, tzinfo=UTC)
IMAGE = Image(
    "sha256:1",
    "fp1:1",
    environment=("PATH=/bin",),
    command=("serve",),
    stop_signal="SIGTERM",
    labels={"maker": "shop", "io.mirrorconsole.x": "of the image"},
)
APPLIED = Settings(
    variables={"DOMAIN": "dunes.example"},
    secrets={"SECRET_KEY": SecretReference("environment/1/SECRET_KEY")},
    ports=(Port(80, 8080),),
    volumes=(Volume("media", "/media"),),
    limits=Limits(256 * 1024 * 1024, 1.5, 100),
    stop_seconds=20,
    labels={"traefik.enable": "true"},
)


def made(settings: Settings = APPLIED, **more: Any) -> Container:
    """A container as an engine shows it that was made of settings and the image."""
    image_variables = {"PATH": "/bin"}
    route = settings.route
    places = {route.network: Endpoint(aliases=(route.alias,))} if route is not None and route.by_alias else {}
    fields: dict[str, Any] = {
        "id": "c" * 64,
        "name": "dunes-live",
        "image": "shop:1",
        "image_id": IMAGE.id,
        "state": State.RUNNING,
        "health": Health.HEALTHY,
        "created_at": AT,
        "restart": settings.restart,
        "labels": {**IMAGE.labels, **settings.labels, "io.mirrorconsole.env": "1"},
        "variables": {**image_variables, **settings.variables, **dict.fromkeys(settings.secrets, "hidden")},
        "declared_ports": settings.ports,
        "volumes": settings.volumes,
        "networks": (*(settings.networks or ("bridge",)), *places),
        "endpoints": places,
        "limits": settings.limits,
        "stop_signal": settings.stop_signal or IMAGE.stop_signal,
        "stop_seconds": settings.stop_seconds,
        "command": settings.command or IMAGE.command,
        "init": settings.init,
    }
    return Container(**(fields | more))


def told(container: Container, secrets: dict[str, bool] | None = None) -> list[str]:
    return [str(difference) for difference in differences(APPLIED, container, IMAGE, secrets)]


def test_what_was_applied_does_not_differ() -> None:
    assert told(made()) == []


LABELS = dict(made().labels)
VARIABLES = dict(made().variables)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limits": Limits(512 * 1024 * 1024, 1.5, 100)}, ["memory limit: 256 MiB → 512 MiB"]),
        (
            {"limits": Limits(0, 2.0, 0)},
            ["memory limit: 256 MiB → none", "CPU limit: 1.5 → 2", "process limit: 100 → none"],
        ),
        ({"restart": RestartPolicy.ALWAYS}, ["restart policy: unless-stopped → always"]),
        ({"init": True}, ["init: no → yes"]),
        ({"stop_seconds": 5}, ["stop time: 20 s → 5 s"]),
        ({"stop_seconds": None}, []),
        ({"stop_signal": "SIGQUIT"}, ["stop signal: SIGTERM → SIGQUIT"]),
        ({"command": ("sh", "-c", "x")}, ["command: serve → sh -c x"]),
        ({"declared_ports": (Port(80, 9090), Port(53, 53, protocol="udp"))}, ["ports: 8080→80 → 53→53/udp, 9090→80"]),
        (
            {"volumes": (Volume("media", "/media", read_only=True),)},
            ["volumes: media→/media → media→/media (read-only)"],
        ),
        ({"networks": ("shop",)}, ["networks: default → shop"]),
        ({"variables": {**VARIABLES, "DEBUG": "1"}}, ["variable DEBUG: not set → set"]),
        ({"variables": {**VARIABLES, "DOMAIN": "x"}}, ["variable DOMAIN: as applied → another value"]),
        ({"variables": {**VARIABLES, "PATH": "/sbin"}}, ["variable PATH: as applied → another value"]),
        ({"variables": {"PATH": "/bin", "SECRET_KEY": "hidden"}}, ["variable DOMAIN: set → not set"]),
        ({"variables": {"PATH": "/bin", "DOMAIN": "dunes.example"}}, ["variable SECRET_KEY: a secret → not set"]),
        ({"labels": {**LABELS, "traefik.enable": "false"}}, ["label traefik.enable: true → false"]),
        ({"labels": {**LABELS, "team": "blue"}}, ["label team: not set → blue"]),
        ({"labels": dict(IMAGE.labels)}, ["label traefik.enable: true → not set"]),
        ({"labels": {**LABELS, "maker": "somebody"}}, ["label maker: not set → somebody"]),
        ({"labels": {**LABELS, "com.docker.compose.project": "x", "desktop.docker.io/y": "z"}}, []),
        ({"labels": {**LABELS, "io.mirrorconsole.rollout": "x"}}, []),
        ({"labels": {**LABELS, "proxy.password": "hunter2"}}, ["label proxy.password: not set → set"]),
        ({"labels": {**LABELS, "bell\x07": "a\x1b[31mb"}}, ["label bell: not set → ab"]),
    ],
)
def test_each_difference_is_told(change: dict[str, Any], words: list[str]) -> None:
    assert told(made(**change)) == words


def test_a_secret_is_told_by_its_hash_alone() -> None:
    assert told(made(), {"SECRET_KEY": True}) == []
    assert told(made(), {"SECRET_KEY": False}) == ["variable SECRET_KEY: as applied → another value"]


def test_without_its_image_labels_and_variables_are_left_out() -> None:
    bare = made(labels={}, variables={}, command=(), stop_signal="")

    assert differences(APPLIED, bare, None) == ()


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("SECRET_KEY", "x", True),
        ("DB_PASSWORD", "x", True),
        ("API_TOKEN", "x", True),
        ("DATABASE_URL", "postgres://shop:pw@db/shop", True),
        ("DATABASE_URL", "postgres://db/shop", False),
        ("KEY", "x", True),
        ("KEYBOARD", "x", False),
        ("DOMAIN", "dunes.example", False),
        ("COMPASS", "north", False),
        ("CERTIFICATE", "-----BEGIN\nX", True),
        ("traefik.http.middlewares.auth.basicauth.users", "admin:$2y$", True),
        ("traefik.http.routers.shop.rule", "Host(`dunes.example`)", False),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, secret: bool) -> None:
    assert looks_secret(name, value) is secret


# --- pending ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, []),
        ({"limits": Limits(0, 1.5, 100)}, ["memory limit: 256 MiB → none"]),
        ({"restart": RestartPolicy.NO}, ["restart policy: unless-stopped → no"]),
        ({"variables": {}}, ["variable DOMAIN: set → not set"]),
        (
            {"variables": {"DOMAIN": "x", "A": "1"}},
            ["variable A: not set → set", "variable DOMAIN: as applied → another value"],
        ),
        ({"secrets": {}}, ["variable SECRET_KEY: a secret → not set"]),
        ({"ports": ()}, ["ports: 8080→80 → none"]),
        ({"networks": ("shop", "db")}, ["networks: default → shop, db"]),
        ({"command": ("a b",)}, ["command: the image's → a b"]),
        ({"labels": {"traefik.enable": "false"}}, ["label traefik.enable: true → false"]),
        (
            {"health": HealthTest(path="/up", port=80)},
            ["health: settles 3 s, waits 60 s → asks 80/up, 200-399, settles 3 s, waits 60 s"],
        ),
        (
            {"stop_signal": "SIGINT", "stop_seconds": 1, "init": True},
            [
                "stop signal: the image's → SIGINT",
                "stop time: 20 s → 1 s",
                "init: no → yes",
            ],
        ),
    ],
)
def test_each_change_that_waits_is_told(change: dict[str, Any], words: list[str]) -> None:
    assert [str(one) for one in settings_changes(APPLIED, replace(APPLIED, **change))] == words


def test_how_many_changes_wait() -> None:
    assert pending_words(1) == "pending: 1 change waits for a rollout"
    assert pending_words(2) == "pending: 2 changes wait for a rollout"


WORD = st.sampled_from(["a", "b", "a b", "", "c"])
NAMES = st.sampled_from(["A", "B", "SECRET_KEY", "DOMAIN"])
SETTINGS = st.builds(
    Settings,
    variables=st.dictionaries(NAMES, WORD, max_size=2),
    secrets=st.dictionaries(st.sampled_from(["X", "Y"]), st.just(SecretReference("environment/1/X")), max_size=2),
    ports=st.lists(
        st.builds(Port, st.integers(1, 3), st.integers(0, 2), st.sampled_from(["", Port(1, 1).address])),
        max_size=2,
        unique=True,
    ).map(tuple),
    volumes=st.lists(
        st.builds(Volume, st.just("v"), st.sampled_from(["/a", "/b"]), st.booleans()),
        max_size=2,
        unique_by=lambda volume: volume.target,
    ).map(tuple),
    networks=st.lists(st.sampled_from(["shop", "db"]), max_size=2, unique=True).map(tuple),
    limits=st.builds(
        Limits, st.sampled_from([0, 2**23, 2**24]), st.sampled_from([0.0, 1.0, 1.0000001]), st.integers(0, 2)
    ),
    restart=st.sampled_from(RestartPolicy),
    health=st.builds(HealthTest, st.sampled_from(["", "/up"]), st.integers(0, 1)),
    stop_signal=st.sampled_from(["", "SIGINT"]),
    stop_seconds=st.integers(0, 3),
    command=st.lists(WORD, max_size=2).map(tuple),
    init=st.booleans(),
    labels=st.dictionaries(st.sampled_from(["team", "maker", "token"]), WORD, max_size=2),
    route=st.none()
    | st.builds(Route, st.just("edge"), st.sampled_from(["a", "b"]), drain=st.sampled_from([1.0, 2.0]))
    | st.just(Route(convention="traefik", overlap=True)),
)


@given(SETTINGS, SETTINGS)
def test_changes_wait_exactly_where_the_hashes_differ(applied: Settings, catalog: Settings) -> None:
    assert bool(settings_changes(applied, catalog)) == (applied.hash != catalog.hash)
    assert settings_changes(applied, applied) == ()


# --- taking over --------------------------------------------------------------------------------------------------


def observed(container: Container, settings: Settings) -> Observed:
    return Observed(
        container,
        IMAGE,
        {name: SecretReference(f"environment/1/{name}") for name in container.variables} | dict(settings.secrets),
    )


@given(SETTINGS, SETTINGS, st.data())
def test_what_is_taken_over_differs_no_more_and_the_rest_stays_as_it_was(
    applied: Settings, other: Settings, data: st.DataObject
) -> None:
    container = made(other, command=other.command or IMAGE.command)
    before = differences(applied, container, IMAGE)
    fields = [one.field for one in before]
    chosen = data.draw(st.lists(st.sampled_from(fields), unique=True)) if fields else []

    after = taken(applied, observed(container, applied), chosen)

    left = [one for one in before if one.field not in chosen]
    assert [one.field for one in differences(after, container, IMAGE)] == [one.field for one in left]
    if len(chosen) == len(fields):
        assert differences(after, container, IMAGE) == ()
    if not chosen:
        assert after == applied


ROUTED = replace(APPLIED, networks=("back",), route=Route("edge", "shop-a", overlap=True))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Endpoint(aliases=("shop-a",)), []),
        (Endpoint(aliases=("other", "shop-a")), []),
        (Endpoint(aliases=("other",)), ["route: shop-a in edge → other in edge"]),
        (Endpoint(), ["route: shop-a in edge → no alias in edge"]),
        (None, ["route: shop-a in edge → none"]),
    ],
)
def test_a_place_on_the_route_is_compared_and_taken(place: Endpoint | None, words: list[str]) -> None:
    networks = ("back", "edge") if place else ("back",)
    container = made(ROUTED, networks=networks, endpoints={"edge": place} if place else {})
    found = differences(ROUTED, container, IMAGE)
    assert [str(one) for one in found] == words
    fields = [one.field for one in found]
    assert differences(taken(ROUTED, observed(container, ROUTED), fields), container, IMAGE) == ()
    assert not_adoptable("route", ROUTED) != ""


def test_aliases_that_no_route_has_are_not_made_again() -> None:
    places = {"edge": Endpoint(aliases=("shop-a", "old-name")), "back": Endpoint(aliases=("db",))}
    container = made(ROUTED, endpoints=places)
    assert not_made_again(ROUTED, container) == ("network aliases db in back", "network aliases old-name in edge")
    assert not_made_again(APPLIED, made(endpoints={"edge": places["edge"]})) == (
        "network aliases shop-a, old-name in edge",
    )


def test_who_is_in_the_routes_network_alone_is_as_one_with_no_other() -> None:
    settings = replace(ROUTED, networks=())
    places = {"edge": Endpoint(aliases=("shop-a",))}
    assert differences(settings, made(settings, networks=("edge",), endpoints=places), IMAGE) == ()


def test_a_variable_that_looks_like_a_secret_goes_into_the_keyring() -> None:
    container = made(variables={**VARIABLES, "DB_PASSWORD": "hunter2", "STAGE": "live"})
    fields = ["variable DB_PASSWORD", "variable STAGE", "variable SECRET_KEY"]

    after = taken(APPLIED, observed(container, APPLIED), fields)
    secrets = secret_values(APPLIED, observed(container, APPLIED), fields)

    assert after.variables == {"DOMAIN": "dunes.example", "STAGE": "live"}
    assert after.secrets["DB_PASSWORD"] == SecretReference("environment/1/DB_PASSWORD")
    assert {name: value.reveal() for name, value in secrets.items()} == {
        "DB_PASSWORD": "hunter2",
        "SECRET_KEY": "hidden",
    }


# --- the template -------------------------------------------------------------------------------------------------

ADOPTABLE = (
    "memory limit",
    "CPU limit",
    "process limit",
    "restart policy",
    "init",
    "stop time",
    "stop signal",
    "command",
    "variable A",
    "variable B",
    "label team",
)


@pytest.mark.parametrize("field", ["ports", "volumes", "networks", "container", "variable SECRET_KEY"])
def test_what_belongs_to_one_placement_is_not_adoptable(field: str) -> None:
    assert not_adoptable(field, APPLIED)


@pytest.mark.parametrize("field", [*ADOPTABLE, "variable DOMAIN"])
def test_what_a_template_can_have_is(field: str) -> None:
    assert not_adoptable(field, APPLIED) == ""


LIMITED = Settings(limits=Limits(memory=2**28), variables={"MODE": "old"})


@pytest.mark.parametrize(
    ("mine", "memory", "mode"),
    [
        (LIMITED, 2**29, "new"),
        (Settings(), 2**29, "new"),
        (Settings(limits=Limits(memory=2**27), variables={"MODE": "own"}), 2**27, "own"),
        (Settings(secrets={"MODE": SecretReference("environment/2/MODE")}), 2**29, None),
    ],
)
def test_who_has_the_templates_old_value_or_none_follows_it(mine: Settings, memory: int, mode: str | None) -> None:
    new = Settings(limits=Limits(memory=2**29), variables={"MODE": "new"})

    after = followed(mine, LIMITED, new, ["memory limit", "variable MODE"])

    assert after.limits.memory == memory
    assert after.variables.get("MODE") == mode
    assert after.secrets == mine.secrets


@given(SETTINGS, SETTINGS, SETTINGS, st.lists(st.sampled_from(ADOPTABLE), unique=True))
def test_only_the_adopted_fields_ever_change(mine: Settings, old: Settings, new: Settings, fields: list[str]) -> None:
    after = followed(mine, old, new, fields)

    undone = after
    for field in fields:
        undone = copied(undone, field, mine)
    assert undone == mine
    whole = old
    for field in fields:
        whole = copied(whole, field, new)
    assert followed(old, old, new, fields) == whole


def test_a_template_has_no_secrets() -> None:
    assert [str(problem) for problem in template_problems(APPLIED)] == [
        "template.secrets: a template has no secrets: each environment has its own"
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("io.mirrorconsole.env", "'io.mirrorconsole.env' is one of the console's own: leave it out"),
        ("", "'' is not the name of a label"),
        ("a b", "'a b' is not the name of a label"),
    ],
)
def test_labels_that_are_refused(name: str, words: str) -> None:
    assert [problem.words for problem in settings_problems(Settings(labels={name: "x"}))] == [words]
    assert settings_problems(Settings(labels={"traefik.http.routers.a-b.rule": "Host(`x`)"})) == []


def test_who_made_the_container_is_no_setting() -> None:
    found = differences(APPLIED, made(init=True), IMAGE)

    assert of_settings(found) == found
