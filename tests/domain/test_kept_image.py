"""The names by which images of ways back are kept on an engine."""

from __future__ import annotations

import pytest

from mirror_console.domain.image import parse_reference
from mirror_console.domain.kept_image import LONGEST, is_kept_name, kept_name


def test_it_is_called_like_the_container() -> None:
    assert kept_name("dunes-live") == "mc-keep/dunes-live:prev"
    assert kept_name("shop.dunes_web--1") == "mc-keep/shop.dunes_web--1:prev"


@pytest.mark.parametrize("container", ["Dunes", "dunes-", "dunes..live", "dunes___live", "d" * (LONGEST + 1), "-.x"])
def test_a_container_whose_name_cannot_stand_in_it_is_told_by_its_hash(container: str) -> None:
    name = kept_name(container)
    assert name.startswith("mc-keep/of-")
    assert len(name) < 64
    assert kept_name(container + "x") != name


@pytest.mark.parametrize("container", ["dunes-live", "Dunes", "a.b_c__d", "d" * 400, "x-"])
def test_an_engine_takes_it_for_a_name_and_it_is_known_again(container: str) -> None:
    name = kept_name(container)
    reference = parse_reference(name)
    assert (str(reference), reference.tag) == (name, "prev")
    assert is_kept_name(name)


def test_what_a_registry_has_is_none() -> None:
    assert not is_kept_name("registry.test:5000/mc-keep/web:1")
    assert not is_kept_name("mc-keeper/web:1")
