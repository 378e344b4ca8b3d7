"""An application with a fault is told every one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.application import SLUG, application_problems, slug_of
from tests.domain.parts import SOURCE, mirror


def test_a_sound_mirror_and_a_sound_source_have_no_problems() -> None:
    sound = mirror(tags=("vip", "ring-1"), domains=("dunes.example", "localhost", "xn--bcher-kva.example"))

    assert application_problems(sound) == []
    assert application_problems(SOURCE) == []
    assert sound.is_mirror
    assert not SOURCE.is_mirror


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"name": "  ", "slug": "dunes"}, "name"),
        ({"slug": ""}, "slug"),
        ({"slug": "Dunes"}, "slug"),
        ({"slug": "dunes_bakery"}, "slug"),
        ({"slug": "-dunes"}, "slug"),
        ({"slug": "dunes--bakery"}, "slug"),
        ({"domains": ("https://dunes.example",)}, "domains"),
        ({"domains": ("dunes.example:80",)}, "domains"),
        ({"domains": ("dunes",)}, "domains"),
        ({"domains": ("du nes.example",)}, "domains"),
        ({"tags": ("a b",)}, "tags"),
        ({"tags": ("a,b",)}, "tags"),
        ({"tags": ("a:b",)}, "tags"),
        ({"tags": ("",)}, "tags"),
        ({"source_id": ""}, "source"),
    ],
)
def test_each_fault_is_told_at_its_field(fault: dict[str, Any], field: str) -> None:
    assert [problem.field for problem in application_problems(mirror(**fault), "mirrors[3]")] == [f"mirrors[3].{field}"]


def test_a_source_without_a_repository_is_told() -> None:
    assert [problem.field for problem in application_problems(replace(SOURCE, repository=""))] == ["repository"]


def test_all_faults_are_told_at_once() -> None:
    wrong = mirror(name="", slug="?", domains=("x", "y"), tags=(" ",), source_id="")

    assert [problem.field for problem in application_problems(wrong)] == [
        "name",
        "slug",
        "domains",
        "domains",
        "tags",
        "source",
    ]


@given(st.text())
def test_a_slug_made_of_a_name_is_a_slug_or_empty(name: str) -> None:
    slug = slug_of(name)

    assert slug == "" or SLUG.fullmatch(slug)
    assert slug_of(slug) == slug
