"""Output: tables, sentences and JSON on standard output, errors on standard error; text of others is only ever text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import msgspec
from rich.console import Console as Terminal
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mirror_console.domain.plain import indented, plain, plain_lines
from mirror_console.errors import ConsoleError, InvalidInput

PIPED_WIDTH = 10_000
"""Columns where no terminal says how many there are: what goes into a pipe is never cut."""


class Output:
    """Where a command prints to."""

    @property
    def live(self) -> bool:
        """Whether lines can be drawn anew."""
        return sys.stderr.isatty()

    def say(self, words: str = "", style: str = "") -> None:
        """A sentence."""
        _terminal().print(Text(indented(words), style), soft_wrap=True)

    def lines(self, text: str) -> None:
        """Text of several lines, as it is but for control characters."""
        sys.stdout.writelines(f"{line}\n" for line in plain_lines(text).splitlines())

    def note(self, words: str, style: str = "") -> None:
        """A sentence about what goes on, beside the output."""
        _terminal(errors=True).print(Text(indented(words), style), soft_wrap=True)

    def note_more(self, most: int) -> None:
        """That a list, newest first, is longer than what of it is shown."""
        shown = "the newest alone is" if most == 1 else f"the newest {most} are"
        self.note(f"There are more: {shown} shown. Say --most for others.")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str | tuple[str, str]]]) -> None:
        """A table. A cell is text, or text with a style."""
        table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
        for column in columns:
            right = column.startswith(">")
            table.add_column(Text(column.lstrip(">")), justify="right" if right else "left", overflow="fold")
        for row in rows:
            cells: list[RenderableType] = []
            for cell in row:
                words, style = (cell, "") if isinstance(cell, str) else cell
                cells.append(Text(plain(words), style))
            table.add_row(*cells)
        _terminal().print(table)

    def json(self, content: object) -> None:
        """A JSON document."""
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n")

    def done(self, words: str, content: object, *, as_json: bool) -> None:
        """What was done: a sentence, or a document."""
        if as_json:
            self.json(content)
        else:
            self.say(words)

    def raw(self, text: str) -> None:
        """Text that is to be kept as it is: a file that is printed."""
        sys.stdout.write(text)

    def error(self, error: ConsoleError) -> None:
        """What went wrong and what to do."""
        terminal = _terminal(errors=True)
        terminal.print(Text(plain(error.title), "bold red"), soft_wrap=True)
        if isinstance(error, InvalidInput):
            for problem in error.problems:
                terminal.print(Text(f"  - {plain(str(problem))}"), soft_wrap=True)
        if error.hint:
            terminal.print(Text(plain(error.hint)), soft_wrap=True)
        if error.command:
            terminal.print(Text(f"  {plain(error.command)}"), soft_wrap=True)


def _terminal(*, errors: bool = False) -> Terminal:
    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() else PIPED_WIDTH
    return Terminal(file=stream, width=width, highlight=False, markup=False, emoji=False)


def terminal_for_progress() -> Terminal:
    """The terminal that progress is drawn on."""
    return _terminal(errors=True)
