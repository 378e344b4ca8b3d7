"""Who goes first: those that a person named, those with a tag, or the first that run well; and the rule is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.canary import Canary, CanaryRule, Traits, put_first
from mirror_console.domain.observation import Health
from mirror_console.domain.plan import Plan
from mirror_console.domain.planning import make_plan
from mirror_console.domain.way import REST, WaveSize, Way
from tests.domain.parts import NOW, RELEASES, cell, mirror, observation, print_of

NAMES = ("Aster Books", "Birch Tea", "Cedar Wine", "Dunes Bakery")

TRAITS = st.builds(
    Traits, st.sampled_from("abcdefgh"), st.sets(st.sampled_from(["early", "vip"]), max_size=2), st.booleans()
)
CANARIES = st.builds(
    Canary, st.lists(st.sampled_from("abcdxy"), max_size=2).map(tuple), st.sampled_from(["", "early", "nobody"])
)


@given(CANARIES, st.lists(TRAITS, min_size=1, max_size=20, unique_by=lambda traits: traits.slug))
def test_none_is_lost_and_the_order_given_holds_but_for_those_that_go_first(
    canary: Canary, traits: list[Traits]
) -> None:
    ordered, rule, named = put_first(canary, [(one.slug, one) for one in traits])
    given_order = [one.slug for one in traits]

    assert sorted(ordered) == sorted(given_order)
    asked = {
        CanaryRule.NAMED: [one.slug for one in traits if one.slug in canary.mirrors],
        CanaryRule.TAGGED: [one.slug for one in traits if canary.tag in one.tags],
        CanaryRule.FIRST_WELL: [one.slug for one in traits if one.well],
    }[rule]
    assert ordered == [*asked, *(slug for slug in given_order if slug not in asked)]
    assert named == (len(asked) if rule is CanaryRule.NAMED else 0)
    # A name comes before a tag, and either before the rule that nobody asked for.
    if set(canary.mirrors) & set(given_order):
        assert rule is CanaryRule.NAMED
    elif canary.tag and any(canary.tag in one.tags for one in traits):
        assert rule is CanaryRule.TAGGED
    else:
        assert rule is CanaryRule.FIRST_WELL


def planned(way: Way, ill: str = "", tagged: str = "") -> Plan:
    """A plan over four mirrors, one of which is ill, one tagged."""
    cells = []
    for name in NAMES:
        who = mirror(name, tags=("early",) if name == tagged else ())
        health = Health.FAILING if name == ill else Health.HEALTHY
        seen = observation(fingerprint=print_of("26.7.4"), health=health, environment_id=f"{who.slug}-live")
        cells.append(cell(application=who, seen=seen, releases=RELEASES))
    return make_plan("p", "live", cells, way, "operator", NOW)


@pytest.mark.parametrize(
    ("canary", "ill", "waves", "words"),
    [
        (Canary(), "", [1, 3], "Aster Books goes first: the first that runs well"),
        (Canary(), "Aster Books", [1, 3], "Birch Tea goes first: the first that runs well"),
        (Canary(tag="early"), "", [1, 3], "Cedar Wine goes first: chosen by tag 'early'"),
        (
            Canary(mirrors=("dunes-bakery", "birch-tea")),
            "",
            [2, 2],
            "Birch Tea, Dunes Bakery go first: chosen by name",
        ),
        (
            Canary(mirrors=("gone",)),
            "",
            [1, 3],
            "Aster Books goes first: the first that runs well, as nothing changes where 'gone' says",
        ),
    ],
)
def test_a_plan_says_who_goes_first_and_by_which_rule(canary: Canary, ill: str, waves: list[int], words: str) -> None:
    made = planned(Way(waves=(WaveSize(count=1), REST), canary=canary), ill, tagged="Cedar Wine")

    assert [len(wave) for wave in made.waves] == waves
    assert made.canary_words == words
    assert {target.canary for target in made.waves[1]} == {None}


def test_where_all_go_in_one_wave_nobody_goes_first() -> None:
    made = planned(Way(waves=(REST,)))

    assert made.canary_words == ""
    assert made.fingerprint != planned(replace(made.way, canary=Canary(tag="early"))).fingerprint
