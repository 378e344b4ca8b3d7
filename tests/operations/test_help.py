"""Help: every check has its page, which says what its answers mean and names commands that there are."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from mirror_console.domain.check import Answer, Check
from mirror_console.errors import InvalidInput
from mirror_console.operations.help import CHECKS, FOLDERS, HelpPage, Kind, help_page, help_pages
from mirror_console.paths import resources
from tests.journeys.command_line import commands

FOLDER = resources() / "help"
OPERATIONS = Path(__file__).parents[2] / "mirror_console" / "operations"
ABOUT_CHECKS = [page for page in help_pages() if page.about == CHECKS]
HEADINGS = ["Why it matters", "Answers", "What to do", "Overriding"]


@functools.cache
def given() -> dict[Check, set[Answer]]:
    """The answers that the program gives, as far as a check and its answer are named side by side."""
    found: defaultdict[Check, set[Answer]] = defaultdict(set)
    for path in OPERATIONS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            values = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
            for one, other in pairwise(values):
                check, answer = _named(one, "Check"), _named(other, "Answer")
                if check and answer:
                    found[Check[check]].add(Answer[answer])
    return found


def _named(node: ast.expr, of: str) -> str:
    right = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == of
    return node.attr if right and isinstance(node, ast.Attribute) else ""


def test_every_check_has_its_page_and_no_page_is_orphaned() -> None:
    files = {path.stem for path in (FOLDER / CHECKS).glob("*.md")}
    wanted = {check.id for check in Check}
    assert not wanted - files, f"write resources/help/checks/*.md for: {sorted(wanted - files)}"
    assert not files - wanted, f"no check is called so: {sorted(files - wanted)}"
    assert [page.id for page in ABOUT_CHECKS] == [check.id for check in Check]
    folders = {path.name for path in FOLDER.iterdir()}
    assert folders == set(FOLDERS)
    ids = [page.id for page in help_pages()]
    assert len(ids) == len(set(ids)) == len(list(FOLDER.rglob("*.md")))
    assert not set(ids) & set(FOLDERS)


@pytest.mark.parametrize("page", ABOUT_CHECKS, ids=lambda page: page.id)
def test_the_page_of_a_check_says_what_it_asks_what_it_answers_and_what_to_do(page: HelpPage) -> None:
    check = next(check for check in Check if check.id == page.id)
    assert page.title.casefold() == check.casefold()
    assert [part.text for part in page.parts if part.kind is Kind.HEADING] == HEADINGS
    assert page.parts[0].kind is Kind.TEXT
    assert page.parts[0].text.rstrip(".").count("?") >= 1, "the first paragraph asks what the check asks"
    missing = given()[check] - set(page.answers)
    assert not missing, f"{page.id}.md doesn't say what {sorted(missing)} means"
    assert page.answers


def test_the_answers_that_are_looked_for_are_found() -> None:
    found = given()
    assert found[Check.PULLABLE] >= {Answer.PASS, Answer.WARNING, Answer.BLOCKED}
    assert found[Check.HOLD] == {Answer.PASS, Answer.BLOCKED}


@pytest.mark.parametrize("page", help_pages(), ids=lambda page: page.id)
def test_a_page_is_plain_short_and_names_commands_that_there_are(page: HelpPage) -> None:
    text = page.text
    assert not re.search(r"[*`<>\[\]]|\]\(|&\w+;", text), "nothing within a line is marked"
    assert len(text.split()) <= 320, "a page is short"
    names = {command.name for command in commands()}
    ids = {one.id for one in help_pages()}
    for line in re.findall(r"mirror-console ([^\n]*)", text):
        words = line.split()
        length = max((count for count in range(1, 4) if " ".join(words[:count]) in names), default=0)
        assert length, f"there is no command '{line}'"
        if words[0] == "help" and len(words) > 1:
            assert words[1] in ids, line
        flags = {
            parameter.flag for one in commands() if one.name == " ".join(words[:length]) for parameter in one.parameters
        }
        used = {word for word in words if word.startswith("--") and word != "--help"}
        assert used <= flags, f"'{line}' has no {used - flags}"


def test_a_page_reads_as_text() -> None:
    page = help_page(" Window ")
    lines = page.text.splitlines()
    assert lines[:3] == ["Inside its window", "", "May the environment be changed at this time of the week?"]
    assert "ANSWERS" in lines
    assert any(line.startswith("- blocked: ") for line in lines)
    assert "  mirror-console schedule list" in lines
    assert lines[-1].startswith("It may be overridden with a reason where the answer is blocked. ")
    assert help_page("engine-health").text.splitlines()[-1] == "It blocks nothing, so there is nothing to override."
    assert help_page("lock").text.splitlines()[-1].startswith("It can't be overridden. ")


def test_a_page_that_is_not_there_is_told() -> None:
    with pytest.raises(InvalidInput) as refused:
        help_page("../secrets")
    assert "none is called '../secrets'" in str(refused.value.problems)
