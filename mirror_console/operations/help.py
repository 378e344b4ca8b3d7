"""Help: the pages that come with the program, one for each check and some for trouble, read from its own files.

A page is a little Markdown: a title, headings, paragraphs, items and commands, and nothing within a line. So it is
shown as plain text everywhere, and reads the same in a terminal, in the window and in an editor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.overriding import rule_words
from mirror_console.errors import InvalidInput, Problem
from mirror_console.paths import resources

CHECKS, TROUBLE = "checks", "trouble"
FOLDERS = (CHECKS, TROUBLE)
_CODE = "    "


class Kind(StrEnum):
    """What a part of a page is."""

    HEADING = "heading"
    TEXT = "text"
    ITEM = "item"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page: its text, without marks."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A page. `id` is what it is called on the command line; of a check it is the check's."""

    id: str
    about: str
    """The folder that it is in: checks, or trouble."""
    title: str
    parts: tuple[Part, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Of a check's page: the answers that it explains."""
        named = [part.text.partition(":")[0] for part in self.parts if part.kind is Kind.ITEM]
        return tuple(answer for answer in Answer if answer in named)

    @property
    def text(self) -> str:
        """The whole page as plain text."""
        lines = [self.title]
        before = None
        for part in self.parts:
            if part.kind is not Kind.ITEM or before is not Kind.ITEM:
                lines.append("")
            match part.kind:
                case Kind.HEADING:
                    lines.append(part.text.upper())
                case Kind.ITEM:
                    lines.append(f"- {part.text}")
                case Kind.COMMAND:
                    lines += [f"  {line}" for line in part.text.splitlines()]
                case Kind.TEXT:
                    lines.append(part.text)
            before = part.kind
        return "\n".join(lines) + "\n"


def help_page(page_id: str) -> HelpPage:
    """A page by what it is called. Raises InvalidInput where there is none."""
    found = next((page for page in help_pages() if page.id == page_id.strip().lower()), None)
    if found is None:
        hint = "'mirror-console help' lists them."
        raise InvalidInput("There is no such page.", [Problem("page", f"none is called '{page_id}'")], hint)
    return found


@lru_cache(1)
def help_pages() -> tuple[HelpPage, ...]:
    """All pages: those of trouble by title, then those of checks in the order of the checks."""
    folder = resources() / "help"
    trouble = [_page(path, TROUBLE) for path in sorted((folder / TROUBLE).glob("*.md"))]
    checks = {path.stem: path for path in (folder / CHECKS).glob("*.md")}
    of_checks = [_of_check(check, checks[check.id]) for check in Check if check.id in checks]
    return (*sorted(trouble, key=lambda page: page.title), *of_checks)


def _of_check(check: Check, path: Path) -> HelpPage:
    """The page of a check; whether it can be overridden is said by the rule that the program goes by."""
    page = _page(path, CHECKS)
    more = (Part(Kind.HEADING, "Overriding"), Part(Kind.TEXT, rule_words(check, page.answers)))
    return HelpPage(page.id, page.about, page.title, (*page.parts, *more))


def _page(path: Path, about: str) -> HelpPage:
    title, _, body = path.read_text("utf-8").partition("\n")
    return HelpPage(path.stem, about, title.removeprefix("#").strip(), tuple(_parts(body)))


def _parts(body: str) -> list[Part]:
    """Parts are divided by empty lines; each item is one by itself, and what is indented is commands, line by line."""
    found: list[Part] = []
    for block in body.strip("\n").split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip()]
        if not lines:
            continue
        if lines[0].startswith("## "):
            found.append(Part(Kind.HEADING, lines[0].removeprefix("## ").strip()))
        elif lines[0].startswith(_CODE):
            found.append(Part(Kind.COMMAND, "\n".join(line.removeprefix(_CODE).rstrip() for line in lines)))
        elif lines[0].startswith("- "):
            found += _items(lines)
        else:
            found.append(Part(Kind.TEXT, " ".join(line.strip() for line in lines)))
    return found


def _items(lines: list[str]) -> list[Part]:
    items: list[str] = []
    for line in lines:
        if line.startswith("- "):
            items.append(line.removeprefix("- ").strip())
        else:
            items[-1] += f" {line.strip()}"
    return [Part(Kind.ITEM, item) for item in items]
