"""Clean-up: what goes is ours and needed no more; what a way back needs stays, and so does what isn't ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.cleanup import CleanUp, Item, Records, Thing, WaysBack, clean_up, counted
from mirror_console.domain.observation import LABEL, Health, Listed, State
from mirror_console.domain.request import ListedImage

SHOP = "registry.example/shop"
RECORDS = Records(
    catalog_id="ours",
    environments={"alder": "Alder live", "birch": "Birch live", "cedar": "Cedar live"},
    containers={"alder-live": "Alder live", "birch-live": "Birch live", "cedar-live": "Cedar live"},
    over=frozenset({"over1", "over2"}),
    unfinished=frozenset({"running"}),
    busy=frozenset({"cedar"}),
    repositories=frozenset({SHOP}),
    needed={"fp1:4": "Alder live should run it"},
    had_before={"fp1:2": "Alder live had it before its last rollout"},
    brought_by={"sha256:5": "over1"},
    fingerprints={f"sha256:{number}": f"fp1:{number}" for number in range(8)},
)


def container(name: str, image: int, env: str = "alder", *, rollout: str = "over2", **more: object) -> Listed:
    """A stopped container of a rollout, that took over from the image before."""
    labels = {
        "role": "app", "env": env, "rollout": rollout, "from": f"fp1:{image - 1}", "to": f"fp1:{image}",
    }  # fmt: skip
    made = Listed(
        f"id of {name}",
        name,
        f"{SHOP}:{image}",
        f"sha256:{image}",
        State.EXITED,
        Health.STOPPED,
        {LABEL + key: value for key, value in labels.items()} if rollout else {},
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields of a container


def serving(name: str, image: int, **more: object) -> Listed:
    """The one that serves."""
    return container(name, image, state=State.RUNNING, **more)  # type: ignore[arg-type]  # as above


def lock(name: str, catalog: str = "ours", rollout: str = "over2") -> Listed:
    """A lock."""
    labels = {"role": "lock", "env": "alder", "rollout": rollout, "catalog": catalog}
    labels = {LABEL + key: value for key, value in labels.items()}
    return Listed(f"id of mc-lock.{name}", f"mc-lock.{name}", "x", "sha256:3", State.CREATED, Health.NO_CHECK, labels)


def image(number: int, *tags: str, size: int = 1000) -> ListedImage:
    """An image of the shop, by its number."""
    return ListedImage(f"sha256:{number}", tags or (f"{SHOP}:{number}",), (), size=size)


STANDING = (serving("alder-live", 3), container("alder-live.mc-prev", 2))


def names(items: Sequence[Item]) -> dict[str, str]:
    """Why, by name."""
    return {item.name: item.why for item in items}


def found(*containers: Listed, images: Sequence[ListedImage] = (), records: Records = RECORDS) -> CleanUp:
    """What comes of it, beside an environment that serves and has a way back."""
    return clean_up([*STANDING, *containers], images, records)


def test_what_was_brought_ahead_stays_until_a_rollout_took_it() -> None:
    ahead = replace(RECORDS, brought_by={"sha256:5": "prefetch", "sha256:6": "relay"})
    waiting = found(images=[image(5), image(6)], records=ahead)
    assert not waiting.goes
    assert set(names(waiting.stays).values()) >= {"brought here ahead, and no rollout has taken it yet"}
    older = container("birch-live.mc-older", 5, env="birch")
    birch = (serving("birch-live", 7, env="birch"), container("birch-live.mc-prev", 6, env="birch"))
    taken = found(older, *birch, images=[image(5)], records=ahead)
    assert names(taken.goes).keys() == {"birch-live.mc-older", f"{SHOP}:5"}


def test_what_was_fetched_ahead_goes_once_a_newer_release_is_out_and_what_was_relayed_stays() -> None:
    brought = {"sha256:4": "prefetch", "sha256:5": "prefetch", "sha256:6": "relay"}
    passed = found(
        images=[image(4), image(5), image(6)],
        records=replace(RECORDS, brought_by=brought, passed=frozenset({"fp1:4", "fp1:5", "fp1:6"})),
    )
    assert names(passed.goes) == {f"{SHOP}:5": "fetched ahead, and a newer release is out"}
    assert names(passed.stays)[f"{SHOP}:4"] == "Alder live should run it"
    assert names(passed.stays)[f"{SHOP}:6"] == "brought here ahead, and no rollout has taken it yet"


def test_what_rollouts_that_are_over_have_left_goes_and_the_way_back_stays() -> None:
    left = found(
        container("alder-live.mc-older", 1, rollout="over1"), container("alder-live.mc-next", 4), lock("alder-live")
    )
    assert names(left.goes) == {
        "alder-live.mc-older": "older than the way back of Alder live",
        "alder-live.mc-next": "left over of a rollout of Alder live that is over",
        "mc-lock.alder-live": "the lock of a rollout of Alder live that is over",
    }
    assert names(left.stays) == {"alder-live.mc-prev": "the way back of Alder live"}
    assert {item.thing for item in left.goes} == {Thing.CONTAINER, Thing.LOCK}
    assert counted(left.goes) == "2 containers, 1 lock"


@pytest.mark.parametrize(
    ("stranger", "why"),
    [
        (container("alder-live.mc-older", 1, rollout=""), "it doesn't carry our labels"),
        (container("alder-live.mc-older", 1, rollout="theirs"), "of a rollout that this catalog doesn't know"),
        (container("alder-live.mc-next", 4, rollout="running"), "its rollout isn't over"),
        (container("cedar-live.mc-older", 4, env="cedar"), "its rollout isn't over"),
        (container("alder-live.mc-next", 4, state=State.RUNNING), "it is running"),
        (container("birch-live.mc-next", 4, env="birch"), "nothing else of its environment is there to go back to"),
        (lock("alder-live", catalog="theirs"), "another console holds it"),
        (lock("alder-live", rollout="running"), "its rollout isn't over"),
    ],
)
def test_what_may_be_needed_or_is_not_ours_stays_and_says_why(stranger: Listed, why: str) -> None:
    left = found(stranger)
    assert not left.goes
    assert names(left.stays)[stranger.name] == why


def test_commands_of_rollouts_that_are_over_go_once_they_have_ended() -> None:
    ended, runs = container("mc-rel.alder000.over2000", 4), container("mc-bak.alder000.over2000", 4)
    left = found(ended, replace(runs, state=State.RUNNING))
    assert names(left.goes) == {ended.name: "a command of a rollout of Alder live that is over"}
    assert names(left.stays)[runs.name] == "it is running"
    assert not found(container("mc-rel.alder000.running0", 4, rollout="running")).goes


def test_the_only_way_back_is_never_older_than_another() -> None:
    left = clean_up([serving("alder-live", 3), container("alder-live.mc-older", 1)], [], RECORDS)
    assert names(left.stays) == {"alder-live.mc-older": "nothing else of its environment is there to go back to"}


def test_under_a_lock_of_another_console_nothing_goes() -> None:
    left = found(container("alder-live.mc-older", 1), lock("alder-live", catalog="theirs"))
    assert not left.goes
    assert names(left.stays)["alder-live.mc-older"] == "its environment is locked"


def test_what_is_none_of_ours_is_not_even_named() -> None:
    others = [
        container("db", 7, rollout=""),
        container("db.mc-older", 7, rollout="theirs", env="db"),
        lock("db", "theirs", "x"),
    ]
    left = found(*others, images=[image(7, "postgres:16"), image(6), image(0)])
    assert not left.goes
    assert names(left.stays) == {"alder-live.mc-prev": "the way back of Alder live"}


def test_images_that_nothing_needs_go_and_the_others_say_what_needs_them() -> None:
    left = found(
        container("alder-live.mc-older", 1, rollout="over1"),
        images=[image(number, size=number * 1_000_000) for number in range(7)],
    )
    assert names(left.goes) == {
        "alder-live.mc-older": "older than the way back of Alder live",
        f"{SHOP}:0": "of a rollout, and nothing needs it any more",
        f"{SHOP}:1": "of a rollout, and nothing needs it any more",
        f"{SHOP}:5": "of a rollout, and nothing needs it any more",
    }
    assert names(left.stays) == {
        "alder-live.mc-prev": "the way back of Alder live",
        f"{SHOP}:2": "the way back of Alder live is made of it",
        f"{SHOP}:3": "alder-live is made of it",
    }
    assert left.frees == 6_000_000
    assert left.ways_back == WaysBack(1, 1, 2_000_000)
    assert str(left.ways_back) == "1 way back kept, 1 image, up to 2.0 MB"


def test_an_image_that_is_expected_or_was_there_before_stays_though_no_container_has_it() -> None:
    records = replace(RECORDS, brought_by={"sha256:4": "over1", "sha256:2": "over1"})
    left = clean_up([serving("alder-live", 3)], [image(4), image(2)], records)
    assert names(left.stays) == {
        f"{SHOP}:4": "Alder live should run it",
        f"{SHOP}:2": "Alder live had it before its last rollout",
    }
    assert left.ways_back == WaysBack(0, 1, 1000)


def test_an_image_that_is_expected_by_its_digest_alone_stays() -> None:
    records = replace(RECORDS, brought_by={"sha256:5": "over1"}, needed={"sha256:d5": "Alder live should run it"})
    left = found(images=[replace(image(5), digests=(f"{SHOP}@sha256:d5",))], records=records)
    assert names(left.stays)[f"{SHOP}:5"] == "Alder live should run it"
    assert not left.goes


def test_an_image_with_a_name_of_others_or_of_which_nothing_is_known_stays() -> None:
    records = replace(RECORDS, brought_by={"sha256:5": "over1", "sha256:9": "over1"})
    left = found(images=[image(5, f"{SHOP}:5", "example.com:5000/mine"), image(9)], records=records)
    assert names(left.stays)[f"{SHOP}:5"] == "it is called example.com:5000/mine as well"
    assert names(left.stays)[f"{SHOP}:9"] == "what it is could not be read"
    assert not left.goes


CONTAINERS = st.lists(
    st.builds(
        lambda base, suffix, number, rollout, env, state, is_lock: (
            lock(base, dice_catalog(number), rollout) if is_lock
            else container(base + suffix, number, env, rollout=rollout, state=state)
        ),
        st.sampled_from(["alder-live", "birch-live", "cedar-live", "db"]),
        st.sampled_from(["", ".mc-prev", ".mc-older", ".mc-next"]),
        st.integers(1, 7),
        st.sampled_from(["over1", "over2", "running", "theirs", ""]),
        st.sampled_from(["alder", "birch", "cedar", "db"]),
        st.sampled_from(list(State)),
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda one: one.name,
)  # fmt: skip


def dice_catalog(number: int) -> str:
    """Ours or another."""
    return "ours" if number % 2 else "theirs"


@given(
    containers=CONTAINERS,
    images=st.lists(st.integers(0, 7), max_size=8, unique=True).map(lambda numbers: [image(one) for one in numbers]),
    brought=st.sets(st.integers(0, 7)),
)
def test_whatever_is_there_nothing_goes_that_serves_or_is_needed_or_is_not_ours(
    containers: list[Listed], images: list[ListedImage], brought: set[int]
) -> None:
    records = replace(RECORDS, brought_by={f"sha256:{number}": "over1" for number in brought})
    left = clean_up(containers, images, records)
    goes = {item.id for item in left.goes}
    by_id = {one.id: one for one in containers}
    for one in (by_id[item_id] for item_id in goes & by_id.keys()):
        assert one.state in {State.CREATED, State.EXITED, State.DEAD}
        assert one.labels[LABEL + "rollout"] in records.over
        assert not one.name.endswith(".mc-prev")
        assert one.name.startswith("mc-lock.") or one.name != one.name.removesuffix(".mc-next").removesuffix(
            ".mc-older"
        )
    stays = [one for one in containers if one.id not in goes]
    needed = {one.image_id for one in stays} | {"sha256:4", "sha256:2"}
    assert not goes & needed
    # Once all of it is gone there is nothing more to remove.
    again = clean_up(stays, [one for one in images if one.id not in goes], records)
    assert not again.goes
