"""Where a build runs: by any of its names, everywhere, and told in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.fleet import Row
from mirror_console.domain.selection import matches, parse
from mirror_console.domain.where import Place, Whereabouts, called, find, names_of
from tests.domain.parts import NOW, RELEASES, SOURCE, cell, contact, held, observation, print_of

DIGEST = RELEASES[-1].digest
LOADED = replace(held(digests=(), tags=("local/other:x",)), engine_id="ber-1", id=f"sha256:{'7' * 64}")
IMAGES = [held(), LOADED, held("26.8.2")]
NAMES = names_of(IMAGES, RELEASES)
PLACES = {
    print_of("26.8.3"): [
        Place("Dunes", "live", True, "fra-2", True, NOW),
        Place("Webshop", "live", False, "fra-2", True, NOW),
        Place("Acme", "live", True, "fra-1", False, NOW),
    ],
}
HOLDING = {
    print_of("26.8.3"): [("fra-2", IMAGES[0]), ("ber-1", LOADED)],
    print_of("26.8.2"): [("fra-2", IMAGES[2])],
}


def asked(text: str) -> Whereabouts:
    return find(text, NAMES, PLACES, HOLDING, RELEASES)


@pytest.mark.parametrize(
    "text",
    [
        DIGEST,
        DIGEST[7:],
        DIGEST[:19],
        DIGEST[7:19],
        DIGEST.upper(),
        f"{DIGEST[:19]}*",
        f"{SOURCE.repository}@{DIGEST}",
        f"anywhere.example/else@{DIGEST}",
        "26.8.3",
        f"{SOURCE.repository}:26.8.3",
        f"{SOURCE.repository.partition('/')[2]}:26.8.3",
        "local/other:x",
        "*:x",
        print_of("26.8.3"),
        print_of("26.8.3")[:16],
        f"sha256:{'7' * 64}",
        "7777777",
        b"26.8.3".hex(),
        " 26.8.3 ",
    ],
)
def test_a_build_is_found_by_every_name_that_it_has_anywhere(text: str) -> None:
    found = asked(text)

    assert [build.fingerprint for build in found.builds] == [print_of("26.8.3")]
    assert [place.application for place in found.builds[0].places] == ["Acme", "Dunes", "Webshop"]
    assert [one.engine for one in found.builds[0].holding] == ["ber-1"]


def test_too_few_digits_find_nothing_and_that_is_said() -> None:
    assert asked(DIGEST[7:12]).sentence.endswith("type seven digits at least.")
    assert asked("26.9.9").sentence == "No image that was seen goes by '26.9.9'."


def test_the_sentence_tells_who_runs_it_who_is_stopped_and_who_only_holds_it() -> None:
    digits = print_of("26.8.3")[4:16]

    assert asked("26.8.3").sentence == (
        f"26.8.3 ({digits}) runs in 2 environments on 1 engine; 1 environment has it and is stopped; "
        "1 other engine holds it without running it."
    )
    assert asked("26.8.2").sentence.endswith("runs nowhere; 1 engine holds it without running it.")
    assert asked("26.7.4").sentence.endswith("runs nowhere.")
    assert asked("26.8").sentence == "No image that was seen goes by '26.8'."


def test_a_tag_that_has_moved_names_several_images() -> None:
    moved = [held(tags=("shop:live",)), held("26.8.2", engine_id="ber-1", tags=("shop:live",))]
    found = find("live", names_of(moved, ()), PLACES, {}, ())

    assert [build.title for build in found.builds] == [print_of("26.8.3")[4:16], print_of("26.8.2")[4:16]]
    assert "'live' (2 images)" in found.sentence


@pytest.mark.parametrize("text", ["26.8", "sha256:", "3236", "live", "", "sha256:7777777777777778", "fp1:7777777"])
def test_less_than_a_name_finds_nothing(text: str) -> None:
    assert not asked(text).builds


@given(st.text(max_size=30))
def test_whatever_is_asked_is_answered_and_a_name_is_found_by_itself(text: str) -> None:
    assert asked(text).sentence
    if "*" not in text and "@" not in text and text.strip():
        assert called(text)(text.strip())


@pytest.mark.parametrize(
    "text",
    [
        f"running:{DIGEST[:19]}*",
        f"running:{DIGEST[:19]}",
        "running:26.8.3",
        "running:local/other:x",
        "running:26.9,26.8.3",
    ],
)
def test_the_filter_asks_the_same_of_each_environment(text: str) -> None:
    here = cell(observation(), reached=contact(), names=NAMES[print_of("26.8.3")])
    there = cell(observation("26.8.2"), reached=contact(), names=NAMES[print_of("26.8.2")])
    rows = [Row(one.application, "Webshop", {"live": one}) for one in (here, there)]

    assert [matches(parse(text), row, NOW) for row in rows] == [True, False]
    assert [matches(parse(f"live.{text}"), row, NOW) for row in rows] == [True, False]
