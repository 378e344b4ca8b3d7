"""Services as they are typed: what a form shows is what they are, and what can't be read is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.process import NAME
from mirror_console.domain.service import Service
from mirror_console.errors import Problem
from mirror_console.operations.application_input import ServicesInput
from mirror_console.operations.service_input import draft_services, services_input


@given(
    st.lists(
        st.builds(
            Service,
            st.from_regex(NAME, fullmatch=True),
            st.lists(st.text(st.characters(exclude_characters="\0"), max_size=9), min_size=1, max_size=4).map(tuple),
            st.integers(1, 30).map(float),
            st.booleans(),
        ),
        max_size=4,
        unique_by=lambda one: one.name,
    ).map(tuple)
)
def test_what_a_form_shows_of_services_is_what_they_are(services: tuple[Service, ...]) -> None:
    source = Application("s", Kind.SOURCE, "Webshop", "webshop", repository="registry.example/shop", services=services)
    found: list[Problem] = []
    assert draft_services(services_input(source), found) == services
    assert found == []


def test_a_quotation_that_is_missing_is_told_with_the_services_before_it() -> None:
    found: list[Problem] = []
    text = "database = pg_isready\n\nsearch = sh -c 'curl\ncache = true"
    assert draft_services(ServicesInput(text), found)[0] == Service("database", ("pg_isready",))
    assert [one.words for one in found] == ["a quotation mark is missing"]
