"""A plan fixes what a rollout would do: every environment is planned or left out with its reason, and waves add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.cell import Cell
from mirror_console.domain.environment import Hold, Limits, Settings
from mirror_console.domain.expectation import Expected, NoExpectation
from mirror_console.domain.observation import Difference, Health, State
from mirror_console.domain.plan import (
    TYPED_ABOVE,
    Change,
    LeftOut,
    Plan,
    PlannedTarget,
    Reason,
    number_to_type,
    plan_fingerprint,
    why_nothing,
)
from mirror_console.domain.planning import make_plan, planned
from mirror_console.domain.status import Activity
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, WaveSize, Way, stops_at, wave_counts, way_problems
from mirror_console.errors import FailureKind
from tests.domain.parts import (
    NOW,
    RELEASES,
    cell,
    contact,
    environment,
    mirror,
    nothing_there,
    observation,
    print_of,
    release,
)

UP = contact()
HAND = (Difference("ports", "a", "b"),)
HOLD = Hold(print_of("26.8.2"), "26.8.2", "campaign", "operator", NOW)
SIZES = st.lists(
    st.builds(WaveSize, count=st.integers(1, 50)) | st.builds(WaveSize, percent=st.floats(0.1, 100)) | st.just(REST),
    max_size=6,
)


# --- waves ---------------------------------------------------------------------------------------------------------


@given(SIZES, st.integers(0, 3000))
def test_waves_add_up_to_all_targets_and_none_is_empty(sizes: list[WaveSize], targets: int) -> None:
    counts = wave_counts(sizes, targets)

    assert sum(counts) == targets
    assert all(count > 0 for count in counts)
    assert len(counts) <= len(sizes) + 1


@pytest.mark.parametrize(
    ("targets", "counts"),
    [
        (0, ()),
        (1, (1,)),
        (2, (1, 1)),
        (3, (1, 1, 1)),
        (20, (1, 1, 5, 13)),
        (21, (1, 2, 6, 12)),
        (386, (1, 20, 97, 268)),
    ],
)
def test_the_usual_way_in_numbers(targets: int, counts: tuple[int, ...]) -> None:
    assert wave_counts(Way().waves, targets) == counts


def test_sizes_are_told_as_they_are_typed() -> None:
    assert [str(size) for size in (WaveSize(count=3), WaveSize(percent=2.5), WaveSize(percent=25), REST)] == [
        "3",
        "2.5%",
        "25%",
        "rest",
    ]


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"waves": ()}, "waves"),
        ({"waves": (WaveSize(count=1),)}, "waves"),
        ({"waves": (WaveSize(count=-1), REST)}, "waves"),
        ({"waves": (WaveSize(percent=101), REST)}, "waves"),
        ({"at_once": 0}, "at once"),
        ({"at_once": 65}, "at once"),
        ({"at_once_per_engine": 0}, "at once"),
        ({"pulls_per_engine": 0}, "pulls"),
        ({"pulls_per_engine": 17}, "pulls"),
        ({"pulls_per_registry": 0}, "pulls"),
        ({"pulls_per_registry": 65}, "pulls"),
        ({"bake": -1}, "bake"),
        ({"bake": 86401}, "bake"),
        ({"max_failed": -1}, "max failed"),
        ({"max_failed_percent": 101.0}, "max failed"),
        ({"max_failed_in_all": -1}, "max failed in all"),
        ({"max_failed_in_all_percent": 100.5}, "max failed in all"),
        ({"in_a_row": -1}, "in a row"),
        ({"health_limit": -1.0}, "health limit"),
        ({"pause_after": (0,)}, "pause after"),
    ],
)
def test_each_fault_of_a_way_is_told(fault: dict[str, Any], field: str) -> None:
    assert way_problems(Way()) == []
    assert [problem.field for problem in way_problems(replace(Way(), **fault))] == [field]


def test_in_the_canary_nothing_may_fail_and_a_single_wave_is_no_canary() -> None:
    way = Way(max_failed=3)

    assert [way.allowed_failures(wave, 3, 10) for wave in range(3)] == [0, 3, 3]
    assert way.allowed_failures(0, 1, 10) == 3


@given(st.integers(0, 100_000), st.integers(1, 10_000))
def test_a_share_of_failures_is_a_count_that_is_never_above_the_share(hundredths: int, size: int) -> None:
    way = Way(max_failed=7, max_failed_percent=hundredths % 10_000 / 100)
    allowed = way.allowed_failures(1, 2, size)

    if not way.max_failed_percent:
        assert allowed == 7
    else:
        exact = Fraction(hundredths % 10_000, 10_000) * size
        assert allowed <= exact < allowed + 1


@pytest.mark.parametrize(
    ("allowed", "size", "words"),
    [
        (2, 50, "stops at 3 of 50"),
        (0, 1, "stops at 1 of 1"),
        (5, 5, "never stops: all 5 may fail"),
        (2, 1, "never stops: its one target may fail"),
    ],
)
def test_the_arithmetic_of_the_stop_rule_is_told(allowed: int, size: int, words: str) -> None:
    assert stops_at(allowed, size) == words


@given(st.builds(Way, pause_after_canary=st.booleans(), pause_after_every=st.booleans()), st.integers(1, 9))
def test_nobody_is_waited_for_after_the_last_wave(way: Way, waves: int) -> None:
    pauses = [wave for wave in range(waves) if replace(way, pause_after=(2, waves)).pauses_after(wave, waves)]

    assert waves - 1 not in pauses
    assert (0 in pauses) == (waves > 1 and (way.pause_after_canary or way.pause_after_every))
    assert (1 in pauses) == (waves > 2)
    assert (pauses == list(range(waves - 1))) or not way.pause_after_every


# --- one environment -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "change", "swap", "skips"),
    [
        (cell(observation("26.8.2"), reached=UP), Change.UPDATE, Swap.RECREATE, 0),
        (cell(observation("26.7.4"), reached=UP), Change.UPDATE, Swap.RECREATE, 2),
        (cell(observation("26.8.9"), reached=UP), Change.REPLACE, Swap.RECREATE, 0),
        (cell(observation(differences=HAND), reached=UP), Change.SETTINGS, Swap.RECREATE, 0),
        (cell(observation(), reached=UP, pending=True), Change.SETTINGS, Swap.RECREATE, 0),
        (cell(nothing_there(), reached=UP), Change.CREATE, Swap.CREATE, 0),
        (cell(observation(), reached=UP, here=environment(hold=HOLD)), Change.DOWNGRADE, Swap.RECREATE, 0),
        (cell(observation("26.8.2", state=State.EXITED), reached=UP), Change.UPDATE, Swap.RECREATE, 0),
        (cell(observation("26.8.2", ago=900), reached=UP), Change.UPDATE, Swap.RECREATE, 0),
    ],
)
def test_what_is_done_to_an_environment(here: Cell, change: Change, swap: Swap, skips: int) -> None:
    target = planned(here)

    assert isinstance(target, PlannedTarget)
    assert (target.change, target.swap, target.skips) == (change, swap, skips)
    assert isinstance(here.expected, Expected)
    assert target.after_fingerprint == here.expected.fingerprint
    assert target.reference == f"registry.example/shop/webshop@sha256:{target.after_title.encode().hex():0<64}"
    assert target.settings == here.environment.settings
    assert (target.environment_id, target.container) == ("dunes-bakery-live", "dunes-bakery-live")


@pytest.mark.parametrize(
    ("here", "reason", "words"),
    [
        (cell(observation(), reached=UP), Reason.NOTHING_TO_DO, "it runs 26.8.3"),
        (
            cell(observation(state=State.EXITED, health=Health.STOPPED), reached=UP),
            Reason.NOTHING_TO_DO,
            "it has 26.8.3 with these settings, but is stopped: 'docker start dunes-bakery-live' on its engine",
        ),
        (cell(observation(), reached=UP, expected=NoExpectation("no qa")), Reason.NO_EXPECTATION, "no qa"),
        (cell(None), Reason.NOT_CHECKED, "check it first"),
        (cell(observation("26.8.2", ago=9999), reached=UP), Reason.NOT_CHECKED, "check it first"),
        (
            cell(observation("26.8.2"), reached=contact(answered=False, failure=FailureKind.TIMEOUT, words="Silent.")),
            Reason.UNREACHABLE,
            "Silent.",
        ),
        (
            cell(observation("26.8.2"), reached=contact(answered=False)),
            Reason.UNREACHABLE,
            "its engine can't be reached",
        ),
        (cell(observation("26.8.2"), reached=UP, activity=Activity.QUEUED), Reason.BUSY, "queued, running"),
        (cell(observation("26.8.2"), reached=UP, activity=Activity.INTERRUPTED), Reason.BUSY, "interrupted"),
        (cell(observation(fingerprint=""), reached=UP), Reason.UNKNOWN_IMAGE, "could not be read"),
        (cell(observation(fingerprint=""), reached=UP, pending=True), Reason.UNKNOWN_IMAGE, "could not be read"),
        (
            cell(observation("26.8.2"), reached=UP, releases=[*RELEASES[:3], release("26.8.3", 28, digest="")]),
            Reason.NO_DIGEST,
            "no digest",
        ),
    ],
)
def test_what_is_left_out_says_why(here: Cell, reason: Reason, words: str) -> None:
    out = planned(here)

    assert isinstance(out, LeftOut)
    assert out.reason is reason
    assert words in out.words


def test_what_no_registry_has_is_planned_where_an_engine_has_it() -> None:
    undigested = [*RELEASES[:3], release("26.8.3", 28, digest="")]
    here = cell(observation("26.8.2"), reached=UP, releases=undigested)
    there, elsewhere = ({print_of("26.8.3"): {name: "sha256:there"}} for name in ("fra-2", "fra-1"))

    for holders, image_id in ((there, "sha256:there"), (elsewhere, "")):
        target = planned(here, holders=holders)
        assert isinstance(target, PlannedTarget)
        assert (target.reference, target.image_id) == ("", image_id)
        assert target.fetched_by == ("" if image_id else print_of("26.8.3"))
    # What a registry has is pulled from there, whoever holds it.
    pulled = planned(cell(observation("26.8.2"), reached=UP), holders=there)
    assert isinstance(pulled, PlannedTarget)
    assert (pulled.image_id, pulled.fetched_by) == ("", pulled.reference)


def test_settings_are_applied_to_the_image_that_runs_even_where_it_cannot_be_pulled() -> None:
    undigested = [*RELEASES[:3], release("26.8.3", 28, digest="")]
    target = planned(cell(observation(), reached=UP, pending=True, releases=undigested))

    assert isinstance(target, PlannedTarget)
    assert (target.change, target.reference) == (Change.SETTINGS, "")
    assert target.before_fingerprint == target.after_fingerprint


# --- the whole -----------------------------------------------------------------------------------------------------


def cells(count: int) -> list[Cell]:
    """So many mirrors that are behind."""
    made = []
    for number in range(count):
        application = mirror(f"Mirror {number}")
        here = environment("live", application.slug)
        made.append(cell(observation("26.8.2", here.id), application=application, here=here, reached=UP))
    return made


def plan_of(several: list[Cell], way: Way | None = None) -> Plan:
    return make_plan("plan", "live", several, way or Way(), "operator", NOW)


def test_a_plan_holds_every_environment_once_in_order() -> None:
    several = cells(30)
    several[3] = cell(None, application=several[3].application, here=several[3].environment)
    plan = plan_of(several)

    assert [target.environment_id for target in plan.targets] == [
        one.environment.id for place, one in enumerate(several) if place != 3
    ]
    assert [out.environment_id for out in plan.left_out] == [several[3].environment.id]
    assert [len(wave) for wave in plan.waves] == [1, 2, 8, 18]
    assert [target.wave for target in plan.targets] == sorted(target.wave for target in plan.targets)
    assert plan.engine_ids == ("fra-2",)


def test_a_plan_that_changes_nothing_says_why() -> None:
    busy = [one._replace(activity=Activity.INTERRUPTED) for one in CELLS[:2]]
    unknown = cell(None, application=CELLS[2].application, here=CELLS[2].environment)
    assert why_nothing(plan_of([*busy, unknown])) == (
        "The plan changes nothing: 2 another rollout works here, 1 not checked."
    )
    assert why_nothing(plan_of([unknown])) == (
        f"The plan changes nothing: {unknown.application.name} is left out, not checked: "
        "check it first: what runs there is not known, or from too long ago."
    )
    assert why_nothing(plan_of([])) == "The plan changes nothing."


@given(st.integers(0, 40), SIZES)
def test_no_target_is_lost_whatever_the_waves(count: int, sizes: list[WaveSize]) -> None:
    plan = plan_of(CELLS[:count], Way(waves=tuple(sizes)))

    assert [target.environment_id for wave in plan.waves for target in wave] == [
        one.environment.id for one in CELLS[:count]
    ]
    assert all(plan.waves)


CELLS = cells(40)


def test_a_plan_is_valid_for_a_quarter_of_an_hour_and_a_large_one_asks_for_its_number() -> None:
    assert plan_of(CELLS[:2]).valid_until == NOW + timedelta(minutes=15)
    assert number_to_type(TYPED_ABOVE) is None
    assert number_to_type(TYPED_ABOVE + 1) == TYPED_ABOVE + 1


MATTERS: list[dict[str, Any]] = [
    {"environment_id": "other"},
    {"process": "worker"},
    {"engine_id": "ber-1"},
    {"container": "other"},
    {"swap": Swap.CREATE},
    {"before_container_id": "d" * 64},
    {"before_fingerprint": print_of("other")},
    {"after_fingerprint": print_of("other")},
    {"reference": "registry.example/shop/webshop@sha256:0"},
    {"settings": Settings(variables={"A": "1"})},
    {"settings": Settings(limits=Limits(pids=1))},
    {"wave": 7},
]


@pytest.mark.parametrize("other", MATTERS, ids=lambda other: next(iter(other)))
def test_the_fingerprint_changes_with_all_that_matters(other: dict[str, Any]) -> None:
    targets = plan_of(CELLS[:3]).targets

    changed = (targets[0], replace(targets[1], **other), targets[2])

    assert plan_fingerprint(changed, Way()) != plan_fingerprint(targets, Way())


def test_the_fingerprint_changes_with_the_way_the_order_and_the_number_of_targets() -> None:
    targets = plan_of(CELLS[:3]).targets
    seen = {
        plan_fingerprint(targets, Way()),
        plan_fingerprint(targets[:2], Way()),
        plan_fingerprint(targets[::-1], Way()),
        *(plan_fingerprint(targets, replace(Way(), **other)) for other in ({"at_once": 9}, {"bake": 1.0})),
        *(plan_fingerprint(targets, replace(Way(), **other)) for other in ({"waves": (REST,)}, {"max_failed": 0})),
    }

    assert len(seen) == 7


def test_the_fingerprint_does_not_depend_on_how_the_same_is_written() -> None:
    one = {"A": "1", "B": "2"}
    targets = plan_of(CELLS[:2]).targets
    written = [replace(target, settings=Settings(variables=one)) for target in targets]
    otherwise = [replace(target, settings=Settings(variables=dict(reversed(list(one.items()))))) for target in targets]

    assert plan_fingerprint(written, Way()) == plan_fingerprint(otherwise, Way())
    assert plan_of(CELLS[:2]).fingerprint == plan_of(CELLS[:2]).fingerprint
    assert len(plan_of(CELLS[:2]).fingerprint) == 9
