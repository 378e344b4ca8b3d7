"""Import fields: a mapping of an import file, asked for its fields one by one; what is wrong is gathered."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

from mirror_console.errors import Problem
from mirror_console.operations.typed import parse_number, parse_whole, parsed
from mirror_console.operations.yaml_text import Node

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)

_YES = {"true", "yes", "on"}
_NO = {"false", "no", "off"}


class Fields:
    """A mapping at a path of the file. A field that isn't there keeps what the catalog has, or the default."""

    def __init__(self, node: Node | None, at: str, known: Iterable[str], problems: list[Problem]) -> None:
        self.at = at
        self.problems = problems
        self._there: dict[str, Node] = {}
        if node is None or node.is_nothing:
            return
        if not isinstance(node.value, dict):
            problems.append(Problem(at, "names with values belong here (name: value)"))
            return
        self._there = node.value
        names = list(known)
        for key in self._there:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1)
                hint = f"did you mean '{near[0]}'?" if near else f"these are known: {', '.join(names)}"
                problems.append(Problem(self.path(key), f"'{key}' is not known here; {hint}"))

    def __contains__(self, name: object) -> bool:
        return name in self._there

    def path(self, name: str) -> str:
        """The path of a field."""
        return f"{self.at}.{name}" if self.at else name

    def wrong(self, name: str, words: str) -> None:
        """Say what is wrong with a field."""
        self.problems.append(Problem(self.path(name), words))

    def node(self, name: str) -> Node | None:
        """What stands in a field."""
        return self._there.get(name)

    def text(self, name: str, otherwise: str = "", *, needed: bool = False) -> str:
        """A text, as it is written."""
        node = self._there.get(name)
        if node is None:
            if needed and not otherwise:
                self.wrong(name, f"{name.replace('_', ' ')} is missing")
            return otherwise
        text = scalar(node)
        if text is None:
            self.wrong(name, "a text belongs here")
            return otherwise
        if needed and not text.strip():
            self.wrong(name, f"{name.replace('_', ' ')} is empty")
        return text.strip()

    def of(self, name: str, parse: Callable[[str], T], otherwise: T) -> T:
        """What `parse` makes of a text; its ValueError is said."""
        if name not in self._there:
            return otherwise
        text = scalar(self._there[name])
        if text is None:
            self.wrong(name, "a single value belongs here")
            return otherwise
        return parsed(self.problems, self.path(name), parse, text, otherwise)

    def whole(self, name: str, otherwise: int) -> int:
        """A whole number."""
        return self.of(name, parse_whole, otherwise)

    def number(self, name: str, otherwise: float) -> float:
        """A number."""
        return self.of(name, parse_number, otherwise)

    def flag(self, name: str, otherwise: bool) -> bool:
        """Yes or no."""
        return self.of(name, _flag, otherwise)

    def word(self, name: str, kind: type[Word], otherwise: Word) -> Word:
        """One of several words."""

        def read(text: str) -> Word:
            if text.strip().lower() not in list(kind):
                raise ValueError(f"'{text.strip()}' is not one of: {', '.join(kind)}")
            return kind(text.strip().lower())

        return self.of(name, read, otherwise)

    def several(self, name: str) -> list[tuple[str, Node]]:
        """The items of a list, each with its path."""
        node = self._there.get(name)
        if node is None or node.is_nothing:
            return []
        if not isinstance(node.value, list):
            self.wrong(name, "a list belongs here")
            return []
        return [(f"{self.path(name)}[{place}]", item) for place, item in enumerate(node.value)]

    def is_no_list(self, name: str) -> bool:
        """Whether something stands in a field that isn't the list that belongs there."""
        node = self._there.get(name)
        return node is not None and not node.is_nothing and not isinstance(node.value, list)

    def texts(self, name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        """A list of texts, or several between commas; without those that come twice."""
        node = self._there.get(name)
        if node is None:
            return otherwise
        if isinstance(node.value, str):
            words = [part.strip() for part in ("" if node.is_nothing else node.value).split(",")]
        else:
            words = [self._one(path, item) for path, item in self.several(name)]
        return tuple(dict.fromkeys(word for word in words if word))

    def items(self, name: str, otherwise: tuple[T, ...], read: Callable[[str, Node], T]) -> tuple[T, ...]:
        """A list whose items `read` makes of path and node; its ValueError is said at the item."""
        if name not in self._there:
            return otherwise
        found = []
        for path, item in self.several(name):
            try:
                found.append(read(path, item))
            except ValueError as error:
                self.problems.append(Problem(path, str(error)))
        return tuple(found)

    def pairs(self, name: str) -> dict[str, Node]:
        """The fields of a mapping whose names are free."""
        node = self._there.get(name)
        if node is None or node.is_nothing:
            return {}
        if not isinstance(node.value, dict):
            self.wrong(name, "names with values belong here (name: value)")
            return {}
        return node.value

    def below(self, name: str, known: Iterable[str]) -> Fields:
        """A mapping in this one; an empty one where it isn't there."""
        return Fields(self._there.get(name), self.path(name), known, self.problems)

    def _one(self, path: str, node: Node) -> str:
        text = scalar(node)
        if text is None:
            self.problems.append(Problem(path, "a text belongs here"))
        return (text or "").strip()


def scalar(node: Node) -> str | None:
    """The text of a scalar, empty where nothing stands there; None for a list or a mapping."""
    if not isinstance(node.value, str):
        return None
    return "" if node.is_nothing else node.value


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise ValueError(f"'{text.strip()}' is neither yes nor no")
    return word in _YES
