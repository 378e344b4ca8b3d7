"""Routes: what is wrong with them, how a target is swapped by them, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.environment import Environment, Port, Process, Settings, environment_problems
from mirror_console.domain.observation import State
from mirror_console.domain.plan import Change, PlannedTarget
from mirror_console.domain.recovery import Found, Part, Seen, classify
from mirror_console.domain.route import Convention, Proof, Route, proof_of
from mirror_console.domain.swap import Swap, swap_for
from mirror_console.domain.swap_words import GAP, MIXED, NO_GAP, swap_counts, swap_words, swaps_words
from mirror_console.domain.template import template_problems
from mirror_console.operations.proxies import conventions, unmarked

ROUTE = Route("edge", "shop-a", 8080, overlap=True)
BACK = Settings(networks=("back",), route=ROUTE)
FIXED = (Port(80, 8080),)


def planned_target(settings: Settings, swap: Swap) -> PlannedTarget:
    return PlannedTarget(
        "live", "web", "a", "Shop A", "live", "e", "alpha", "shop-live", Change.UPDATE, swap, "1", "", "", "", "2", "",
        "", settings,
    )  # fmt: skip


def problems(settings: Settings) -> list[str]:
    environment = Environment("1", "a", "live", "e", (Process("web", "shop-live"),), settings)
    return [str(problem) for problem in environment_problems(environment)]


def test_a_good_route_has_nothing_wrong() -> None:
    assert problems(BACK) == []
    assert problems(Settings(route=Route(convention="traefik", overlap=True))) == []
    assert problems(replace(BACK, ports=(Port(80, 0),), route=replace(ROUTE, proof="http://a.example:81/up?x=1"))) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": ""}, "settings.route.network: say the proxy's network"),
        ({"network": "bridge"}, "settings.route.network: there are no aliases in 'bridge'"),
        ({"network": "back"}, "settings.route.network: 'back' stands among the networks too"),
        ({"alias": ""}, "settings.route.alias: say under which alias"),
        ({"alias": "Shop A"}, "settings.route.alias: 'Shop A' is not an alias"),
        ({"port": 70000}, "settings.route.port: 70000 is out of range"),
        ({"convention": "traefik"}, "settings.route.labels: it goes by labels, or by an alias"),
        ({"drain": 3601.0}, "settings.route.drain: 0 seconds to an hour"),
        ({"proof": "https://a.example"}, "settings.route.proof: 'https://a.example' is not an address to ask"),
        ({"proof": "http://a.example:x"}, "settings.route.proof: 'http://a.example:x' is not an address"),
    ],
)
def test_each_thing_that_can_be_wrong_is_said_at_its_field(change: dict[str, object], words: str) -> None:
    (told,) = problems(replace(BACK, route=replace(ROUTE, **change)))  # type: ignore[arg-type]
    assert told.startswith(words)


def test_two_copies_cannot_have_one_host_port_and_one_on_the_host_network_has_no_alias() -> None:
    assert problems(replace(BACK, ports=FIXED))[0].startswith("settings.route.overlap: two copies can't both publish")
    assert problems(replace(BACK, ports=FIXED, route=replace(ROUTE, overlap=False))) == []
    assert "can't be in another one" in problems(replace(BACK, networks=("host",)))[0]


def test_a_template_has_all_but_the_alias() -> None:
    assert template_problems(Settings(route=replace(ROUTE, alias=""))) == []
    assert [problem.field for problem in template_problems(Settings(route=ROUTE))] == ["template.route.alias"]


def test_only_its_place_in_the_network_makes_another_container() -> None:
    assert Settings(route=Route(convention="traefik", overlap=True)).hash == Settings().hash
    assert BACK.hash == replace(BACK, route=replace(ROUTE, drain=1.0, overlap=False, proof="http://x/")).hash
    assert len({BACK.hash, replace(BACK, route=None).hash, replace(BACK, route=replace(ROUTE, alias="b")).hash}) == 3
    # Containers that were made before there were routes keep their hash.
    assert (Settings().hash, Settings(networks=("back",)).hash) == ("eb2220446513d5d8", "dcec45e78f43263b")


def test_the_address_that_is_asked() -> None:
    assert proof_of("http://shop.example/up") == Proof("shop.example", 80, "/up")
    assert proof_of("http://shop.example:8081?x=1") == Proof("shop.example:8081", 8081, "/?x=1")


@pytest.mark.parametrize(
    ("settings", "swap", "words"),
    [
        (BACK, Swap.BESIDE, f"start beside: by the alias shop-a in edge; {NO_GAP}"),
        (Settings(route=Route(convention="traefik", overlap=True)), Swap.BESIDE, "start beside: traefik follows"),
        (replace(BACK, route=replace(ROUTE, overlap=False)), Swap.RECREATE, "recreate: two copies may not overlap"),
        (Settings(ports=FIXED), Swap.RECREATE, "recreate: it publishes host port 8080; down while"),
        (Settings(), Swap.RECREATE, "recreate: it has no route"),
    ],
)
def test_which_swap_and_why(settings: Settings, swap: Swap, words: str) -> None:
    assert swap_for(settings, present=True) is swap
    assert swap_for(settings, present=False) is Swap.CREATE
    assert swap_words(planned_target(settings=settings, swap=swap)).startswith(words)


def test_what_is_noticed_is_counted_and_labels_are_never_called_without_a_gap() -> None:
    by_labels = Settings(route=Route(convention="traefik", overlap=True))
    targets = [
        planned_target(settings=BACK, swap=Swap.BESIDE),
        planned_target(settings=BACK, swap=Swap.BESIDE),
        planned_target(settings=by_labels, swap=Swap.BESIDE),
        planned_target(settings=Settings(), swap=Swap.RECREATE),
    ]
    assert swap_counts(targets) == (
        f"2 start beside, by its alias: {NO_GAP}",
        f"1 start beside, as traefik follows labels: {MIXED}",
        f"1 recreate, as it has no route: {GAP}",
    )
    assert swaps_words(targets) == (
        "Of these targets, 1 is down while the container is exchanged; 2 start beside the old one, which ends what it "
        "was asked: something serves all the time; 1 starts beside the old one while a proxy follows labels: brief "
        "mixed versions. Then the old one is kept, stopped, as the way back."
    )
    assert swaps_words(targets[3:]).startswith("Each target is down while its container is exchanged;")
    assert NO_GAP not in swap_words(targets[2])
    assert swaps_words([planned_target(settings=Settings(), swap=Swap.CREATE)]) == ""


def test_a_service_of_a_swarm_is_updated_whatever_its_settings_say() -> None:
    """In which order its tasks are exchanged is no setting of the catalog: the checks tell what is noticed of it."""
    assert swap_for(BACK, present=True, swarm=True) is Swap.SERVICE
    service = planned_target(settings=Settings(ports=FIXED), swap=Swap.SERVICE)
    assert swap_words(service) == "service update: by its Swarm; tasks exchanged as the service says"
    assert swap_counts([service]) == ("1 service update, by its Swarm: tasks exchanged as the service says",)
    alone = "The service of a Swarm exchanges its tasks in its own order; the checks say whether it is down meanwhile."
    assert swaps_words([service]) == alone
    beside = planned_target(settings=Settings(), swap=Swap.RECREATE)
    assert swaps_words([service, beside]).startswith("Every other target is down while its container is exchanged;")
    assert swaps_words([service, beside]).endswith(alone)


# --- conventions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "labels", "variables", "marked"),
    [
        ("traefik", {"traefik.enable": "true"}, {}, True),
        ("traefik", {"traefik.enable": "false"}, {}, False),
        ("traefik", {"traefik.http.routers.shop.rule": "Host(`a`)"}, {}, True),
        ("caddy-docker-proxy", {"caddy": "a.example", "caddy.reverse_proxy": "{{upstreams}}"}, {}, True),
        ("caddy-docker-proxy", {"caddy_0": "a.example"}, {}, True),
        ("caddy-docker-proxy", {"caddy.reverse_proxy": "{{upstreams}}"}, {}, False),
        ("nginx-proxy", {}, {"VIRTUAL_HOST": "a.example"}, True),
        ("nginx-proxy", {"VIRTUAL_HOST": "a.example"}, {}, False),
    ],
)
def test_what_marks_a_container(name: str, labels: dict[str, str], variables: dict[str, str], marked: bool) -> None:
    assert conventions()[name].marks(labels, variables) is marked
    settings = Settings(labels=labels, variables=variables, route=Route(convention=name))
    assert (unmarked(settings) == "") is marked


def test_another_proxy_is_data() -> None:
    own = Convention("own", "Own", labels=("own.route=*",))
    assert own.marks({"own.route": "x"}, {})
    assert own.marks_words == "a label own.route=*"
    assert unmarked(Settings(route=ROUTE)) == ""


# --- what a look says -----------------------------------------------------------------------------------------------

OLD = Seen(Part.NAMED, State.RUNNING, ever_started=True, armed=True, routed=True)
NEW = Seen(Part.NEXT, State.RUNNING, ever_started=True, armed=True)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (OLD, None, Found.NOT_BEGUN),
        (replace(OLD, routed=False), None, Found.HALF_DONE),
        (OLD, replace(NEW, state=State.CREATED, ever_started=False), Found.NOT_BEGUN),
        (OLD, NEW, Found.HALF_DONE),
        (OLD, replace(NEW, routed=True), Found.ROUTED),
        (replace(OLD, routed=False), replace(NEW, routed=True), Found.ROUTED),
        (replace(OLD, routed=False, state=State.EXITED), replace(NEW, routed=True), Found.UNVERIFIED),
        (replace(OLD, routed=False, part=Part.PREV, state=State.EXITED), NEW, Found.COMMITTED),
        (OLD, replace(NEW, state=State.EXITED), Found.HALF_DONE),
        (None, None, Found.LOST),
    ],
)
def test_who_is_on_the_route_tells_how_far_it_got(old: Seen | None, new: Seen | None, found: Found) -> None:
    assert classify(Swap.BESIDE, old, new, locked=True, old_ran=True) is found
